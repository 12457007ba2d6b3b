"""Features of customers as a run of the project makes them in a mart, with its own nodes and datasets.

It is called with the file of the shop, the limit of memory, the number of threads, and the cutoffs. The last two lines
that it prints are what each step took, and what the features add up to.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

from features_copy import SUMS

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.datasets.features import InterimTable
from datamart_kedro.datasets.mart_table import MartTable
from datamart_kedro.mart.mart import Mart, MartSettings, literal, mart_at
from datamart_kedro.mart.run import begin
from datamart_kedro.pipelines.features.customers import build_ft_customers, trace_customers
from datamart_kedro.pipelines.features.rules import FeatureRules


def open_mart(file: str, memory_limit: str, threads: int) -> Mart:
    """A new mart beside the file of a shop, in a run, with the shop attached."""
    target = Path(file).with_name("features.duckdb")
    for old in (target, target.with_name(f"{target.name}.wal")):
        old.unlink(missing_ok=True)
    mart = mart_at(MartSettings(str(target), str(target.parent / "tmp"), str(target.parent), memory_limit, threads))
    begin(mart, "benchmark", ["ft_customers"])
    mart.execute(f"ATTACH {literal(file)} AS shop (READ_ONLY)")
    return mart


class Clock:
    """CPU seconds of this process, step by step."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self._before = 0.0

    def note(self, step: str) -> None:
        """Note what a step took that ends now."""
        times = os.times()
        self.steps.append(f"{step} {times.user + times.system - self._before:.1f}")
        self._before = times.user + times.system


def main(file: str, memory_limit: str, threads: int, cutoffs: Sequence[str]) -> None:
    """Make the features of all cutoffs, and print what they add up to."""
    clock, mart = Clock(), open_mart(file, memory_limit, threads)
    settings = asdict(mart.settings)
    orders, items, customers = (
        mart.backend.table(name, database=("shop", "main")) for name in ("tb_orders", "tb_order_items", "tb_customers")
    )
    rules = FeatureRules(cutoffs=tuple(date.fromisoformat(cutoff) for cutoff in cutoffs))
    period = Period(None, None, None)
    clock.note("start")
    traced = trace_customers(Decision.by_name("ft_customers"), orders, items, orders, items, period, rules)
    parts = [InterimTable(f"traced_{name}", settings) for name in ("others", "service", "purchases")]
    for part, expression in zip(parts, traced, strict=True):
        part.save(expression)
    clock.note("gather")
    built = build_ft_customers(customers, customers, *(part.load() for part in parts), period, rules)
    MartTable("ft_customers", settings).save(built)
    clock.note("build and write")
    print(", ".join(clock.steps))
    print(*mart.execute(f"SELECT {SUMS} FROM build_ft_customers")[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
