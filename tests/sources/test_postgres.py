"""PostgreSQL as a source: what it looks like, and its rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources import copy_stream
from datamart_kedro.sources.postgres import PostgresSource
from tests.project import psql

ORDERS = "SELECT * FROM orders"


def extracted(shop: PostgresSource, engine: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query after their way into the engine; instants as the engine writes them."""
    shop.extract(query, engine, "source_orders")
    described = engine.execute("DESCRIBE source_orders").fetchall()
    values = (f'CAST("{name}" AS VARCHAR)' if "ZONE" in kind else f'"{name}"' for name, kind, *_ in described)
    return engine.execute(f"SELECT {', '.join(values)} FROM source_orders").fetchall()


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("32767::smallint", "SMALLINT", 32767),
        ("-2147483648", "INTEGER", -2147483648),
        ("9223372036854775807", "BIGINT", 9223372036854775807),
        ("12.3400::numeric(12,4)", "DECIMAL(12,4)", Decimal("12.3400")),
        (
            "12345678901234567890123456789012345678::numeric(38,0)",
            "DECIMAL(38,0)",
            Decimal("1" + "2345678901" * 3 + "2345678"),
        ),
        ("0.1::numeric", "VARCHAR", "0.1"),
        ("1.5::numeric(60,2)", "VARCHAR", "1.50"),
        ("1200::numeric(5,-2)", "VARCHAR", "1200"),
        ("32.38::real", "DOUBLE", 32.38),
        ("0.1::float8 + 0.2", "DOUBLE", 0.30000000000000004),
        ("true", "BOOLEAN", True),
        ("false", "BOOLEAN", False),
        ("date '2024-02-29'", "DATE", date(2024, 2, 29)),
        ("timestamp '2024-02-29 23:59:59.123456'", "TIMESTAMP", datetime(2024, 2, 29, 23, 59, 59, 123456)),
        ("timestamptz '2024-03-01 01:00+02'", "TIMESTAMP WITH TIME ZONE", "2024-02-29 23:00:00+00"),
        ("'ab'::char(4)", "VARCHAR", "ab  "),
        ("null", "VARCHAR", None),
        ("null::numeric(9,2)", "DECIMAL(9,2)", None),
    ],
)
def test_a_value_arrives_with_the_type_that_the_server_gives_it(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, value: str, kind: str, expected: Any
):
    query = f"SELECT {value} AS x"
    assert shop.describe(query) == {"x": kind}
    assert extracted(shop, engine, query) == [(expected,)]
    assert engine.execute("SELECT typeof(x) FROM source_orders").fetchall() == [(kind,)]


def test_a_domain_counts_as_the_type_that_it_restricts(shop: PostgresSource, postgres: str):
    psql(postgres, "CREATE DOMAIN price AS numeric(9,2) CHECK (VALUE >= 0)")
    assert shop.describe("SELECT 1::price AS x") == {"x": "DECIMAL(9,2)"}


def test_an_enumeration_is_text(shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str):
    psql(postgres, "CREATE TYPE mood AS ENUM ('sad', 'glad')")
    assert extracted(shop, engine, "SELECT 'glad'::mood AS x") == [("glad",)]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("ARRAY[1, 2]", "VARCHAR[]", "{1,2}"),
        ("ROW(1, 'a')::pair", "STRUCT", "(1,a)"),
        ("'\\x6869'::bytea", "BLOB", "\\x6869"),
        ('\'{"a": "b\\"c"}\'::jsonb', "JSON", '{"a": "b\\"c"}'),
        ("time '12:30'", "TIME", "12:30:00"),
        ("interval '1 day 2 hours'", "INTERVAL", "1 day 02:00:00"),
    ],
)
def test_what_no_column_is_made_of_is_named_by_its_type_and_kept_as_text(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str, value: str, kind: str, text: str
):
    psql(postgres, "CREATE TYPE pair AS (number int, word text)")
    query = f"SELECT {value} AS x"
    assert shop.describe(query) == {"x": kind}
    assert extracted(shop, engine, query) == [(text,)]


def test_a_uuid_stays_one(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    shop.extract("SELECT '00000000-0000-0000-0000-00000000002a'::uuid AS x", engine, "source_orders")
    assert engine.execute("SELECT typeof(x), x::text FROM source_orders").fetchall() == [
        ("UUID", "00000000-0000-0000-0000-00000000002a")
    ]


def connections(url: str) -> int:
    """How many of our connections the server knows."""
    ours = "application_name = 'datamart_kedro' AND datname = current_database()"
    return int(psql(url, f"SELECT count(*) FROM pg_stat_activity WHERE {ours}")[0][0])


def eventually(is_so: Callable[[], bool], within_s: float = 10.0) -> bool:
    """Does it become so?"""
    deadline = time.monotonic() + within_s
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_so()


TEXTS = [
    "",
    " ",
    ",",
    '"',
    '""',
    'a "quoted", text',
    "two\nlines",
    "carriage\r\nreturn",
    "\r",
    "\n",
    "back\\slash",
    "\\N",
    "\\.",
    "NULL",
    "null",
    "NaN",
    "n/a",
    "tab\there",
    "José, Łódź, 日本, 🚚",
    "'",
    "x" * 3_000_000,
]


def test_every_text_survives_and_so_does_its_absence(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str
):
    import psycopg2

    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE texts (number int, x text, y text)")
        cursor.executemany("INSERT INTO texts VALUES (%s, %s, %s)", [(n, x, None) for n, x in enumerate(TEXTS)])
    connection.close()
    rows = extracted(shop, engine, "SELECT * FROM texts")
    assert sorted(rows) == [(n, x, None) for n, x in enumerate(TEXTS)]


def test_absent_values_in_the_only_column_are_rows_too(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    query = "SELECT x FROM (VALUES (NULL), (''), ('a'), (NULL)) AS v (x)"
    assert sorted(extracted(shop, engine, query), key=repr) == [("",), ("a",), (None,), (None,)]


def test_no_rows_make_an_empty_table_with_its_types(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    assert shop.extract("SELECT 1::bigint AS a, now() AS b WHERE false", engine, "source_orders") == 0
    assert [kind for _, kind, *_ in engine.execute("DESCRIBE source_orders").fetchall()] == [
        "BIGINT",
        "TIMESTAMP WITH TIME ZONE",
    ]


def test_many_blocks_make_one_table(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(copy_stream, "BLOCK", 1000)
    monkeypatch.setattr(copy_stream, "GATHERED", 100_000)
    told: list[int] = []
    query = "SELECT g AS order_id, repeat(E'\\n\"', g % 1000) AS note FROM generate_series(1, 6000) AS g"
    assert shop.extract(query, engine, "source_orders", told.append) == 6000
    assert engine.execute(
        "SELECT count(*), sum(order_id), count(*) FILTER (note = repeat(chr(10) || '\"', order_id % 1000))"
        " FROM source_orders"
    ).fetchall() == [(6000, 6000 * 6001 // 2, 6000)]
    assert told == sorted(told)
    assert (len(told) > 10, told[-1]) == (True, 6000)


def test_signs_that_other_languages_expand_mean_themselves(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    query = "SELECT '%s :name %(x)s {}' AS x, 7 % 4 AS y -- a comment at the end"
    assert shop.check(query).rows == 1
    assert extracted(shop, engine, query) == [("%s :name %(x)s {}", 3)]


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("timestamptz 'infinity'", "TIMESTAMP WITH TIME ZONE", "'infinity'"),
        ("timestamp '-infinity'", "TIMESTAMP", "'-infinity'"),
        ("date '0044-03-15 BC'", "DATE", "'0044-03-15 BC'"),
        ("date '12000-01-01'", "DATE", "'12000-01-01'"),
        ("'NaN'::numeric(9,2)", "DECIMAL(9,2)", "'NaN'"),
    ],
)
def test_a_value_that_the_engine_has_no_place_for_is_refused_by_name(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, value: str, kind: str, shown: str
):
    with pytest.raises(SourceError) as refusal:
        shop.extract(f"SELECT 1 AS order_id, {value} AS promised_at", engine, "source_orders")
    assert refusal.value.happened == f"promised_at of {shop.place('')} cannot be read as {kind}: {shown}."
    assert refusal.value.next_step == (
        "Give another value or NULL for it in the query; or give the column as text, promised_at::text AS promised_at,"
        " and rows with such values are set aside."
    )
    assert engine.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_the_same_value_as_text_arrives(shop: PostgresSource, engine: duckdb.DuckDBPyConnection):
    assert extracted(shop, engine, "SELECT timestamptz 'infinity'::text AS promised_at") == [("infinity",)]


def test_two_columns_of_one_name_are_refused(shop: PostgresSource):
    with pytest.raises(SourceError) as refusal:
        shop.describe('SELECT 1 AS city, 2 AS "City"')
    assert refusal.value.happened == "the query gives city more than once."
    assert refusal.value.next_step == "Name each column once, with AS where needed."


@pytest.fixture
def orders(postgres: str) -> str:
    """URL of a database with three orders, the last of them changed on 3 January."""
    psql(
        postgres,
        "CREATE TABLE orders (order_id int PRIMARY KEY, status text, updated_at timestamptz)",
        "INSERT INTO orders VALUES (1, 'new', '2025-01-01 00:00+00'), (2, 'new', '2025-01-02 00:00+00'),"
        " (3, 'new', '2025-01-03 01:00+01')",
    )
    return postgres


def test_a_check_counts_the_rows_and_finds_the_newest_change(shop: PostgresSource, orders: str):
    state = shop.check(ORDERS)
    assert (state.rows, state.newest_updated_at) == (3, datetime(2025, 1, 3, tzinfo=UTC))


def fingerprint_after(shop: PostgresSource, url: str, change: str, query: str = ORDERS) -> tuple[str, str]:
    """Fingerprints before and after a change."""
    before = shop.check(query).fingerprint
    shop.close()
    psql(url, change)
    return before, shop.check(query).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO orders VALUES (4, 'new', '2024-01-01')",
        "DELETE FROM orders WHERE order_id = 1",
        "UPDATE orders SET updated_at = '2025-01-02 12:00' WHERE order_id = 1",
        "UPDATE orders SET updated_at = NULL WHERE order_id = 1",
        "UPDATE orders SET updated_at = updated_at + (CASE order_id WHEN 1 THEN 1 ELSE -1 END) * interval '1 second'"
        " WHERE order_id < 3",
        "ALTER TABLE orders ADD COLUMN currency text DEFAULT 'EUR'",
    ],
    ids=["a late row", "a deletion", "a late change", "a lost clock", "changes that cancel out", "a column"],
)
def test_a_change_shows_in_the_fingerprint_though_the_newest_change_is_the_same(
    shop: PostgresSource, orders: str, change: str
):
    before, after = fingerprint_after(shop, orders, change)
    assert before != after


def test_the_order_of_rows_does_not_show_in_the_fingerprint(shop: PostgresSource, orders: str):
    before, after = fingerprint_after(shop, orders, "UPDATE orders SET status = status WHERE order_id = 1")
    assert before == after


@pytest.mark.parametrize("clock", ["", ", updated_at::date AS updated_at", ", updated_at::text AS updated_at"])
def test_rows_without_a_clock_are_known_by_all_that_they_hold(shop: PostgresSource, orders: str, clock: str):
    query = f"SELECT order_id, status{clock} FROM orders"
    assert shop.check(query).newest_updated_at is None
    before, after = fingerprint_after(shop, orders, "UPDATE orders SET status = 'paid' WHERE order_id = 1", query)
    assert before != after


def test_two_equal_rows_do_not_cancel_out(shop: PostgresSource, orders: str):
    query = "SELECT status FROM orders"
    before, after = fingerprint_after(shop, orders, "DELETE FROM orders WHERE order_id < 3", query)
    assert before != after


def test_an_infinite_clock_does_not_hide_the_newest_change(shop: PostgresSource, orders: str):
    psql(orders, "INSERT INTO orders VALUES (4, 'new', 'infinity')")
    assert shop.check(ORDERS).newest_updated_at == datetime(2025, 1, 3, tzinfo=UTC)


def test_no_rows_can_be_checked(shop: PostgresSource, orders: str):
    psql(orders, "DELETE FROM orders")
    assert (shop.check(ORDERS).rows, shop.check(ORDERS).newest_updated_at) == (0, None)


def test_all_domains_are_read_in_one_snapshot(shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str):
    psql(orders, "CREATE TABLE order_items (order_id int)")
    shop.check(ORDERS)
    psql(orders, "INSERT INTO order_items VALUES (4)", "INSERT INTO orders VALUES (4, 'new', '2025-01-04')")
    assert shop.check("SELECT * FROM order_items").rows == 0
    assert shop.extract(ORDERS, engine, "source_orders") == 3


def test_the_next_run_sees_the_shop_as_it_is_then(shop: PostgresSource, orders: str):
    shop.check(ORDERS)
    psql(orders, "INSERT INTO orders VALUES (4, 'new', '2025-01-04')")
    shop.close()
    assert shop.check(ORDERS).rows == 4


def test_nobody_is_left_behind_on_the_server(shop: PostgresSource, engine: duckdb.DuckDBPyConnection, orders: str):
    shop.extract(ORDERS, engine, "source_orders")
    shop.close()
    assert eventually(lambda: connections(orders) == 0)


def test_a_source_only_reads(shop: PostgresSource, orders: str):
    psql(orders, "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM orders RETURNING order_id'")
    with pytest.raises(SourceError) as refusal:
        shop.check("SELECT wipe() AS order_id")
    assert refusal.value.happened == f"{shop.place('')} answers: cannot execute DELETE in a read-only transaction."
    assert refusal.value.next_step == "A source is only read: take out of the query what writes."
    assert psql(orders, "SELECT count(*) FROM orders") == [(3,)]


def test_instants_do_not_depend_on_the_zone_of_server_or_role(
    shop: PostgresSource, engine: duckdb.DuckDBPyConnection, postgres: str
):
    (database,) = psql(postgres, "SELECT current_database()")[0]
    psql(
        postgres,
        f"ALTER DATABASE {database} SET TimeZone = 'Asia/Tokyo'",
        f"ALTER DATABASE {database} SET DateStyle = 'German'",
    )
    query = "SELECT timestamptz '2025-01-01 00:00+00' AS x, date '2025-02-03' AS y"
    try:
        assert extracted(shop, engine, query) == [("2025-01-01 00:00:00+00", date(2025, 2, 3))]
    finally:
        psql(postgres, f"ALTER DATABASE {database} RESET ALL")
