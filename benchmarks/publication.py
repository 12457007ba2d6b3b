"""What it costs to publish a table of which few rows changed, beside writing the table anew.

A mart holds a table of order lines at version 1; its staged rows differ in some share. Publishing them by changes, with
history, and `CREATE TABLE AS` of the same rows take turns, each in a process of its own on a copy of the same mart.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import Decision
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.publication import build, publish
from datamart_kedro.mart.run import begin
from datamart_kedro.sources.state import SourceState

VALUES = {
    "product_id": "hash(i) % 200000",
    "quantity": "1 + hash(i, 1) % 50",
    "unit_price": "CAST(hash(i, 2) % 100000 / 100 AS DECIMAL(18, 4))",
    "gross_amount": "CAST(quantity * unit_price AS DECIMAL(18, 2))",
    "discount_amount": "CAST(gross_amount * (hash(i, 3) % 10) / 100 AS DECIMAL(18, 2))",
    "net_amount": "CAST(gross_amount - discount_amount AS DECIMAL(18, 2))",
    "tax_amount": "CAST(net_amount * 0.2 AS DECIMAL(18, 2))",
    "total_amount": "CAST(net_amount + tax_amount AS DECIMAL(18, 2))",
    "category": "'category ' || hash(i, 4) % 40",
    "is_return": "hash(i, 5) % 100 = 0",
    "updated_at": "TIMESTAMP '2026-01-01' + INTERVAL (hash(i, 6) % 31536000) SECOND",
}
TABLE = PublishedTable(
    "tb_order_items",
    ("order_id", "line_number"),
    "One row per (order_id, line_number).",
    {name: name for name in ("order_id", "line_number", *VALUES)},
)


def mart_in(folder: Path, memory_limit: str, threads: int) -> Mart:
    """The mart of a folder."""
    return Mart(MartSettings(str(folder / "mart.duckdb"), str(folder / "tmp"), str(folder), memory_limit, threads))


def stage(mart: Mart, rows: int, share: float) -> None:
    """Make the staged rows: of a hundred that differ from version 1, ninety changed, five are gone, five are new."""
    values = ", ".join(f"{value} AS {name}" for name, value in VALUES.items())
    place = f"hash(i, 7) % 1000000 < {round(share * 1_000_000)}"
    kind = "hash(i, 8) % 100"
    mart.execute(
        f"CREATE OR REPLACE TABLE tmp_order_items AS SELECT * EXCLUDE (i) REPLACE ("
        f" CASE WHEN {place} AND {kind} < 90 THEN quantity + 1 ELSE quantity END AS quantity)"
        f" FROM (SELECT i, i // 4 + CASE WHEN {place} AND {kind} >= 95 THEN {rows} ELSE 0 END AS order_id,"
        f" i % 4 + 1 AS line_number, {values} FROM range({rows}) AS r(i)"
        f" WHERE NOT ({place} AND {kind} BETWEEN 90 AND 94))"
    )


def publish_once(mart: Mart) -> dict[str, float]:
    """Publish the staged rows, and return the CPU seconds of the comparison and of all."""
    begin(mart, "run", ["order_items"])
    assert mart.run is not None
    mart.run.decisions["order_items"] = Decision(
        "order_items", "rebuild", "a benchmark", SourceState(None, None, ""), None, "{}", ""
    )
    started, wall = cpu(), perf_counter()
    build(mart, TABLE, "order_items", "FROM tmp_order_items")
    compared = cpu()
    counts = publish(mart)["order_items"]
    mart.execute("CHECKPOINT")
    return {
        "compare": compared - started,
        "cpu": cpu() - started,
        "wall": perf_counter() - wall,
        "changed": counts.inserted + counts.updated + counts.deleted,
    }


def write_anew(mart: Mart) -> dict[str, float]:
    """Write a table of the staged rows, and return its CPU seconds."""
    mart.open(write=True)
    started, wall = cpu(), perf_counter()
    mart.execute("CREATE TABLE anew AS FROM tmp_order_items")
    mart.execute("CHECKPOINT")
    return {"cpu": cpu() - started, "wall": perf_counter() - wall}


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(folder: Path, way: str, options: argparse.Namespace) -> dict[str, float]:
    """Copy the prepared mart, and publish or write in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as copy:
        shutil.copy(folder / "mart.duckdb", copy)
        arguments = [
            "--memory-limit",
            options.memory_limit,
            "--threads",
            str(options.threads),
            "--only",
            way,
            "--folder",
            copy,
        ]
        done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, and print the medians and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=6_000_000)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.001, 0.01, 0.1])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--memory-limit", default="2GB")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="Where to work; a temporary folder if absent.")
    parser.add_argument("--only", choices=["publish", "write"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        mart = mart_in(options.folder, options.memory_limit, options.threads)
        print(json.dumps(publish_once(mart) if options.only == "publish" else write_anew(mart)))
        mart.close()
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        base = Path(folder) / "base"
        base.mkdir()
        mart = mart_in(base, options.memory_limit, options.threads)
        mart.open(write=True)
        stage(mart, options.rows, 0)
        first = publish_once(mart)
        print(f"{options.rows:,} rows; published for the first time: {first['cpu']:.2f} CPU s")
        print("changed      rows  compare s  publish s  anew s  publish/anew  compare/anew")
        for share in options.shares:
            mart.open(write=True)
            stage(mart, options.rows, share)
            mart.close()
            turns = [
                (measured(base, "publish", options), measured(base, "write", options)) for _ in range(options.times)
            ]
            compare, published, anew = (
                median(values) for values in zip(*((p["compare"], p["cpu"], w["cpu"]) for p, w in turns), strict=True)
            )
            print(
                f"{share:>7.1%} {turns[0][0]['changed']:>9,}  {compare:>9.2f}  {published:>9.2f}  {anew:>6.2f}"
                f"  {published / anew:>12.2f}  {compare / anew:>12.2f}"
            )


if __name__ == "__main__":
    main()
