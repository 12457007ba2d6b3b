"""What features of customers cost: a million of them at twelve cutoffs and at one more, and pandas at a smaller size.

Each run is a process of its own. At the smaller size both must add up to the same.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
from full_build import ROOT, Cost, measured

HERE = Path(__file__).parent
CUTOFFS = (*(f"2025-{month:02}-01" for month in range(1, 13)), "2026-01-01")
"""The last is the further one."""


def make_shop(folder: Path, customers: int) -> Path:
    """The file of a shop, made unless it is there."""
    file = folder / f"shop_{customers}.duckdb"
    if not file.exists():
        new = file.with_suffix(".new")
        new.unlink(missing_ok=True)
        with duckdb.connect(new) as engine:
            text = (HERE / "features_shop.sql").read_text(encoding="utf-8")
            engine.execute(text.replace("{customers}", str(customers)))
        new.replace(file)
    return file


def run(folder: Path, script: str, *arguments: object) -> tuple[Cost, str]:
    """Run a script, and say what it took and what it printed last."""
    cost = measured([sys.executable, str(HERE / script), *map(str, arguments)], folder)
    return cost, (folder / "output.txt").read_text(encoding="utf-8").splitlines()[-1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Make shops, measure, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--pandas-customers", type=int, default=100_000, help="of the shop that pandas is given")
    parser.add_argument("--cutoffs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory-limit", default="2GB", help="of the engine")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    given, settings = CUTOFFS[-1 - options.cutoffs :], (options.memory_limit, options.threads)
    cutoffs = given[:-1]
    large, small = (make_shop(folder, count) for count in (options.customers, options.pandas_customers))
    print(f"{'':44}{'wall s':>8}{'CPU s':>8}{'memory MB':>11}{'rows':>14}")
    what = f"{options.pandas_customers:,} customers, {len(cutoffs)} cutoffs"
    own, own_sums = told(what, *run(folder, "features_engine.py", small, *settings, *cutoffs))
    plain, plain_sums = told(f"{what}, pandas", *run(folder, "features_pandas.py", small, *cutoffs))
    if own_sums != plain_sums:
        raise SystemExit(f"The engine and pandas do not give the same: {own_sums} and {plain_sums}")
    what = f"{options.customers:,} customers, {len(cutoffs)} cutoffs"
    many, _ = told(what, *run(folder, "features_engine.py", large, *settings, *cutoffs))
    again, _ = told("that table, written again as it is", *run(folder, "features_copy.py", large, *settings))
    more, _ = told(f"{what} and 1 more", *run(folder, "features_engine.py", large, *settings, *given))
    print(
        f"The further cutoff: {more.cpu_s - many.cpu_s:.1f} CPU s."
        f" Writing takes {again.cpu_s / many.cpu_s:.0%} of the CPU."
        f" Pandas takes {plain.cpu_s / own.cpu_s:.1f} times the CPU per row."
    )


def told(what: str, cost: Cost, sums: str) -> tuple[Cost, str]:
    """The same, once it is printed."""
    rows = int(sums.split(maxsplit=1)[0])
    print(f"{what:44}{cost.wall_s:8.1f}{cost.cpu_s:8.1f}{cost.memory_mb:11,.0f}{rows:14,}", flush=True)
    return cost, sums


if __name__ == "__main__":
    main()
