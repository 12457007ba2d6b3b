"""Features of customers as the project makes them, with its own nodes.

It is called with the file of the shop, the limit of memory, the number of threads, and the cutoffs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import ibis

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.pipelines.features.customers import build_ft_customers, trace_customers
from datamart_kedro.pipelines.features.rules import FeatureRules


def main(file: str, memory_limit: str, threads: int, cutoffs: Sequence[str]) -> None:
    """Make the features of all cutoffs in a file of their own, and print what they add up to."""
    target = Path(file).with_name("features.duckdb")
    target.unlink(missing_ok=True)
    backend = ibis.duckdb.connect(target)
    engine = backend.con
    for setting in (
        f"memory_limit = '{memory_limit}'",
        f"threads = {threads}",
        "preserve_insertion_order = false",
        "TimeZone = 'UTC'",
        f"temp_directory = '{target.parent / 'tmp'}'",
        "disabled_optimizers = 'common_subplan'",
    ):
        engine.execute(f"SET {setting}")
    engine.execute(f"ATTACH '{file}' AS shop (READ_ONLY)")
    orders, items, customers = (
        backend.table(name, database=("shop", "main")) for name in ("tb_orders", "tb_order_items", "tb_customers")
    )
    rules = FeatureRules(cutoffs=tuple(date.fromisoformat(cutoff) for cutoff in cutoffs))
    period = Period(None, None, None)
    traced = trace_customers(Decision.by_name("ft_customers"), orders, items, orders, items, period, rules)
    names = ("others", "service", "purchases")
    for name, expression in zip(names, traced, strict=True):
        engine.execute(f"CREATE TEMP TABLE {name} AS {backend.compile(expression)}")
    parts = (backend.table(name, database=("temp", "main")) for name in names)
    built = build_ft_customers(customers, customers, *parts, period, rules)
    engine.execute(f"CREATE TABLE ft_customers AS {backend.compile(built)}")
    sums = "count(*), sum(orders_life), sum(purchase_days_365d), sum(btyd_age_days), sum(products_count), sum(rfm_f)"
    print(*engine.execute(f"SELECT {sums} FROM ft_customers").fetchall()[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
