"""What a refresh costs beside a full build, by how many rows changed: a shop derived from TPC-H data, in Parquet files.

Each run is a process of its own. Before each, some order lines are changed in place, with their `updated_at`; their
number is a share of all. In the end the mart is compared with one that is built in full from the same files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from full_build import (
    DOMAINS,
    ROOT,
    Bench,
    Cost,
    apart,
    differences,
    make_data,
    make_project,
    measured,
    run_mart,
    shares,
)

LATER = {
    "customers": "TIMESTAMP '1998-01-01 00:00:00' + to_seconds(customer_id % 86400)",
    "products": "TIMESTAMP '1998-01-01 00:00:00' + to_seconds(product_id % 86400)",
    "orders": "CAST(updated_at AS TIMESTAMP) + to_seconds(order_id % 86400)",
    "order_items": "CAST(updated_at AS TIMESTAMP) + to_seconds(order_id % 86400)",
}
"""When rows changed last: instants, and not days as in the data."""
FILES = 20
"""That the order lines are in, by order: as a shop exports them month by month."""
SHARES = (0.0001, 0.001, 0.01, 0.1)


def make_shop(bench: Bench) -> None:
    """Write the shop's rows with the columns of the mart, and let the project read them."""
    shop = bench.folder / "shop"
    shutil.rmtree(shop, ignore_errors=True)
    (shop / "order_items").mkdir(parents=True)
    with duckdb.connect() as engine:
        engine.execute(f"SET file_search_path = '{bench.project}'")
        engine.execute("SET memory_limit = '4GB'")
        for domain in DOMAINS:
            query = bench.project / "conf" / "tpch" / "sources" / f"{domain}.sql"
            select = query.read_text(encoding="utf-8")
            has_clock = "updated_at" in select
            rest = "* EXCLUDE (updated_at)" if has_clock else "*"
            rows = f"SELECT {rest}, {LATER[domain]} AS updated_at FROM ({select})"
            if domain == "order_items":
                (last,) = engine.execute(f"SELECT max(order_id) FROM ({select})").fetchall()[0]
                for number in range(FILES):
                    bounds = (last * number // FILES, last * (number + 1) // FILES)
                    part = f"SELECT * FROM ({rows}) WHERE order_id > {bounds[0]} AND order_id <= {bounds[1]}"
                    engine.execute(f"COPY ({part} ORDER BY order_id) TO '{shop}/order_items/{number:02}.parquet'")
                files = "order_items/*"
            else:
                engine.execute(f"COPY ({rows} ORDER BY 1) TO '{shop}/{domain}.parquet'")
                files = domain
            query.write_text(f"SELECT * FROM 'data/shop/{files}.parquet'\n", encoding="utf-8")
    (bench.project / "data" / "shop").symlink_to(shop)


def change_lines(bench: Bench, lines: int, step: int, *, scattered: bool) -> int:
    """Change lines in place: those of the newest orders, or of orders from all over; return their number."""
    folder, changed = bench.folder / "shop" / "order_items", 0
    with duckdb.connect() as engine:
        engine.execute("SET memory_limit = '4GB'")
        whole = f"FROM '{folder}/*.parquet'"
        ((rows,),) = engine.execute(f"SELECT count(*) {whole}").fetchall()
        if scattered:
            chosen = f"hash(order_id, line_number, {step}) % {rows} < {lines}"
        else:
            ((first,),) = engine.execute(
                f"SELECT min(order_id) FROM (SELECT order_id {whole} ORDER BY order_id DESC LIMIT {lines})"
            ).fetchall()
            chosen = f"order_id >= {first}"
        for file in sorted(folder.glob("*.parquet")):
            ((here,),) = engine.execute(f"SELECT count(*) FROM '{file}' WHERE {chosen}").fetchall()
            if not here:
                continue
            later = f"TIMESTAMP '2026-01-01' + to_days({step}) + to_seconds(order_id % 3600)"
            select = (
                f"SELECT * REPLACE (CASE WHEN {chosen} THEN quantity % 50 + 1 ELSE quantity END AS quantity,"
                f" CASE WHEN {chosen} THEN {later} ELSE updated_at END AS updated_at) FROM '{file}'"
            )
            engine.execute(f"COPY ({select} ORDER BY order_id, line_number) TO '{file}.new' (FORMAT parquet)")
            file.with_name(f"{file.name}.new").rename(file)
            changed += here
    return changed


def measure(bench: Bench, *, scattered: bool, verify: bool) -> dict[str, Cost]:
    """Build in full, look where nothing is new, and refresh after ever more changes."""
    shutil.rmtree(bench.mart.parent / "tmp", ignore_errors=True)
    for file in bench.mart.parent.glob("*.duckdb*"):
        file.unlink()
    costs = {"full build": run_mart(bench), "nothing new": run_mart(bench)}
    ((rows,),) = duckdb.sql(f"SELECT count(*) FROM '{bench.folder}/shop/order_items/*.parquet'").fetchall()
    for step, share in enumerate(SHARES):
        changed = apart(change_lines, bench, round(rows * share), step, scattered=scattered)
        costs[f"{share:.2%} changed ({changed:,} lines)"] = run_mart(bench)
        print((bench.project / "output.txt").read_text(encoding="utf-8")[-1500:], file=sys.stderr)
    if verify:
        fresh = bench.folder / "refreshed.duckdb"
        shutil.copy(bench.mart, fresh)
        kedro = str(Path(sys.executable).parent / "kedro")
        costs["full=true"] = measured([kedro, "run", "--env", "tpch", "--params", "full=true"], bench.project)
        if different := apart(differences, bench.mart, fresh):
            raise SystemExit("The refreshed mart is not the one that is built in full:\n  " + "\n  ".join(different))
    return costs


def main(arguments: Sequence[str] | None = None) -> None:
    """Make data and project, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="scale factor of the data: 1 is 6 million lines")
    parser.add_argument("--scattered", action="store_true", help="change lines of all orders, not of the newest")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the engine")
    parser.add_argument("--memory-limit", default="2GB", help="of the engine")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark", help="for projects and results")
    parser.add_argument("--data", type=Path, help="folder of the Parquet files; below --folder if not given")
    parser.add_argument("--no-verify", action="store_true", help="do not compare with a full build in the end")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        folder=folder,
        data=(options.data or folder / f"tpch_{options.scale:g}").resolve(),
        file_format="refresh",
        threads=options.threads,
        memory_limit=options.memory_limit,
    )
    make_data(bench.data, options.scale)
    make_project(bench)
    apart(make_shop, bench)
    costs = measure(bench, scattered=options.scattered, verify=not options.no_verify)
    print(shares(costs))
    if options.json:
        options.json.write_text(json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2))


if __name__ == "__main__":
    main()
