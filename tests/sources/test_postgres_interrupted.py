"""What happens to a source when something ends in the middle: the server, the reader, the person's patience."""

from __future__ import annotations

import os
import signal
import threading
import time

import duckdb
import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources import copy_stream
from datamart_kedro.sources.postgres import PostgresSource
from tests.project import psql
from tests.sources.test_postgres import connections, eventually

ORDERS = "SELECT * FROM orders"
MANY = "SELECT g AS order_id, repeat('x', 1000) AS note FROM generate_series(1, 100000) AS g"


@pytest.fixture
def orders(postgres: str) -> str:
    """URL of a database with three orders and one line."""
    psql(
        postgres,
        "CREATE TABLE orders AS SELECT g AS order_id, now() AS updated_at FROM generate_series(1, 3) AS g",
        "CREATE TABLE order_items AS SELECT 1 AS order_id",
    )
    return postgres


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    """Let rows arrive in many portions."""
    monkeypatch.setattr(copy_stream, "BLOCK", 1 << 16)
    monkeypatch.setattr(copy_stream, "GATHERED", 1 << 16)


def shut_down(url: str) -> None:
    """End our connections, as a server does that shuts down."""
    psql(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'datamart_kedro' AND datname = current_database()",
    )
    assert eventually(lambda: connections(url) == 0)


def tables(engine: duckdb.DuckDBPyConnection) -> list[str]:
    return [name for (name,) in engine.execute("SELECT table_name FROM duckdb_tables()").fetchall()]


def test_a_connection_lost_before_the_first_row_is_opened_again(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str
):
    shop.check(ORDERS)
    shut_down(orders)
    assert shop.extract(ORDERS, engine, "source_orders") == 3


def test_a_shop_that_changed_meanwhile_is_not_read_as_if_it_had_not(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str
):
    shop.check(ORDERS)
    shop.check("SELECT * FROM order_items")
    psql(orders, "INSERT INTO order_items VALUES (2)")
    shut_down(orders)
    with pytest.raises(SourceError) as refusal:
        shop.extract(ORDERS, engine, "source_orders")
    assert refusal.value.happened == f"{shop.place('')} changed while the connection to it was lost."
    assert refusal.value.next_step == "Run again."


def test_a_connection_lost_after_another_domain_was_read_ends_the_run(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str
):
    shop.extract(ORDERS, engine, "source_orders")
    shut_down(orders)
    with pytest.raises(SourceError) as refusal:
        shop.extract("SELECT * FROM order_items", engine, "source_order_items")
    assert refusal.value.happened == (
        f"the connection to {shop.place('')} was lost: the server ended the connection."
        " Other domains were read before, and the shop may have changed since."
    )


def test_a_connection_lost_among_the_rows_ends_the_run_and_leaves_no_table(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str, capfd: pytest.CaptureFixture[str]
):
    at: list[int] = []

    def shut_down_once(rows: int) -> None:
        if not at:
            shut_down(orders)
        at.append(rows)

    with pytest.raises(SourceError) as refusal:
        shop.extract(MANY, engine, "source_orders", shut_down_once)
    assert 0 < at[-1] < 100_000
    assert refusal.value.happened == (
        f"the connection to {shop.place('')} was lost after {at[-1]:,} rows: the server ended the connection."
    )
    assert refusal.value.next_step == "Run again."
    assert tables(engine) == []
    assert capfd.readouterr().err == ""


def test_a_query_that_fails_among_the_rows_leaves_no_table(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    with pytest.raises(SourceError) as refusal:
        shop.extract(
            "SELECT 1 / (g - 90000) AS order_id, repeat('x', 1000) FROM generate_series(1, 100000) AS g",
            engine,
            "source_orders",
        )
    assert refusal.value.happened == f"{shop.place('')} answers: division by zero."
    assert tables(engine) == []


def test_an_unreadable_value_among_the_rows_ends_the_statement_on_the_server(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str
):
    query = (
        "SELECT CASE WHEN g = 5000 THEN date 'infinity' ELSE date '2025-01-01' END AS due, repeat('x', 1000),"
        " CASE WHEN g = 50000 THEN pg_sleep(60) END FROM generate_series(1, 100000) AS g"
    )
    with pytest.raises(SourceError, match=r"due of .* cannot be read as DATE: 'infinity'"):
        shop.extract(query, engine, "source_orders")
    assert tables(engine) == []
    assert eventually(lambda: connections(postgres) == 0)
    assert not any(thread.name == "copy" for thread in threading.enumerate())


def test_an_engine_without_room_says_so_and_nobody_hangs(shop: PostgresSource, postgres: str, tmp_path):
    with duckdb.connect(tmp_path / "mart.duckdb") as engine:
        engine.execute(f"SET temp_directory = '{tmp_path}/tmp'; SET memory_limit = '30MB'")
        engine.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            shop.extract(MANY, engine, "source_orders")
    assert eventually(lambda: connections(postgres) == 0)
    assert not any(thread.name == "copy" for thread in threading.enumerate())


@pytest.mark.parametrize("ask", ["check", "extract"])
def test_ctrl_c_ends_a_question_that_the_server_thinks_about(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str, ask: str
):
    shop.extract("SELECT 1 AS warm_up", engine, "source_warm_up")  # imports what reading needs
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    query, started = "SELECT pg_sleep(60), 1 AS order_id", time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        if ask == "check":
            shop.check(query)
        else:
            shop.extract(query, engine, "source_orders")
    assert time.monotonic() - started < 20
    assert eventually(lambda: connections(postgres) == 0)
    assert tables(engine) == ["source_warm_up"]
