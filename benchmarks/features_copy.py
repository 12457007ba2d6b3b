"""What writing alone costs: the table of features that `features_engine.py` made, copied to a file of its own.

It is called with the file of the shop, the limit of memory and the number of threads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from datamart_kedro.mart.file import STORAGE

SUMS = "count(*), sum(orders_life), sum(purchase_days_365d), sum(btyd_age_days), sum(products_count), sum(rfm_f)"


def main(file: str, memory_limit: str, threads: int) -> None:
    """Copy the table, and print what it adds up to."""
    made, target = Path(file).with_name("features.duckdb"), Path(file).with_name("copy.duckdb")
    target.unlink(missing_ok=True)
    with duckdb.connect(target, config=STORAGE) as engine:
        engine.execute(f"SET memory_limit = '{memory_limit}'")
        engine.execute(f"SET block_allocator_memory = '{memory_limit}'")
        engine.execute(f"SET threads = {threads}")
        engine.execute("SET preserve_insertion_order = false")
        engine.execute(f"ATTACH '{made}' AS made (READ_ONLY)")
        engine.execute("CREATE TABLE ft_customers AS FROM made.build_ft_customers")
        print(*engine.execute(f"SELECT {SUMS} FROM ft_customers").fetchall()[0])
    target.unlink()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
