"""A shop in PostgreSQL: the tables in a schema of their own, written in one transaction."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from datamart_kedro.errors import UsageError
from datamart_kedro.mart.mart import quoted
from datamart_kedro.postgres import AddressError, cause_of, engine_of, place_of
from datamart_kedro.sample.csv_text import bytes_of, csv_lines
from datamart_kedro.sample.settings import NOTHING_WRITTEN, SampleShop
from datamart_kedro.sample.source_tables import Columns, source_tables
from datamart_kedro.sample.tables import KEYS, TABLES

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

SETTINGS = "sample_shop"
UNTOUCHED = "Nothing was written, the shop is as it was."
CONNECT_TIMEOUT_S = 10


@contextmanager
def transaction(url: str) -> Iterator[Cursor]:
    """A cursor whose statements take effect together, or not at all.

    Args:
        url: Of the server.

    Raises:
        UsageError: The server cannot be reached, or refuses a statement.
    """
    import psycopg2
    from sqlalchemy.exc import DBAPIError

    try:
        connection: Any = engine_of(
            url, connect_timeout_s=CONNECT_TIMEOUT_S, application="kedro mart sample"
        ).raw_connection()
    except AddressError as error:
        raise UsageError(f"The address of --to cannot be used. {error}", "Correct it.", NOTHING_WRITTEN) from None
    except (psycopg2.Error, DBAPIError) as error:
        raise UsageError(
            f"The {place_of(url)} cannot be reached: {cause_of(error)}.", "Check the address.", NOTHING_WRITTEN
        ) from None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TimeZone = 'UTC'")
            yield cursor
        connection.commit()
    except psycopg2.Error as error:
        connection.rollback()
        raise UsageError(
            f"The {place_of(url)} answers: {cause_of(error)}.", "Mend that, then repeat.", UNTOUCHED
        ) from None
    finally:
        connection.close()


def read_shop(cursor: Cursor, schema: str) -> SampleShop:
    """The shop of a schema.

    Raises:
        UsageError: There is none.
    """
    if not _exists(cursor, schema, SETTINGS):
        raise UsageError(
            f"There is no sample shop in the schema {schema}: the table {SETTINGS} is missing.",
            "Make one with `kedro mart sample --to`, or name its schema with --schema.",
            NOTHING_WRITTEN,
        )
    cursor.execute(f"SELECT settings::text FROM {quoted(schema)}.{SETTINGS}")
    found = cursor.fetchone()
    return SampleShop.from_dict(json.loads(found[0]) if found else {}, f"The table {schema}.{SETTINGS}")


def check_schema(cursor: Cursor, schema: str) -> None:
    """See that nothing is lost when the shop of a schema is replaced.

    Raises:
        UsageError: A table is there that no shop of ours left behind.
    """
    present = [table for table in TABLES if _exists(cursor, schema, table)]
    if present and not _exists(cursor, schema, SETTINGS):
        raise UsageError(
            f"The table {schema}.{present[0]} is there already, and no table {SETTINGS} says that it belongs to a"
            " sample shop.",
            "Name another schema with --schema, or replace the tables with --overwrite.",
            NOTHING_WRITTEN,
        )


def write_tables(
    cursor: Cursor, schema: str, shop: SampleShop, on_rows: Callable[[int], None] = lambda rows: None
) -> dict[str, int]:
    """Make a shop's tables, in place of those that are there.

    Keys have no constraint, since some rows come twice.

    Args:
        cursor: In a transaction.
        schema: Made if it does not exist.
        shop: What to write.
        on_rows: Told how many rows are written so far.

    Returns:
        Number of rows of each table.
    """
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
    for table, columns in TABLES.items():
        typed = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        cursor.execute(f"DROP TABLE IF EXISTS {place(schema, table)}")
        cursor.execute(f"CREATE TABLE {place(schema, table)} ({typed})")
    rows = dict.fromkeys(TABLES, 0)
    for chunk in source_tables(shop, typed=True):
        for table, values in chunk.items():
            rows[table] += copy(cursor, place(schema, table), values)
        on_rows(sum(rows.values()))
    for table in KEYS:
        for name in (KEYS[table][0], "updated_at"):
            cursor.execute(f"CREATE INDEX ON {place(schema, table)} ({quoted(name)})")
    cursor.execute(f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.{SETTINGS} (settings json NOT NULL)")
    cursor.execute(f"DELETE FROM {quoted(schema)}.{SETTINGS}")
    cursor.execute(f"INSERT INTO {quoted(schema)}.{SETTINGS} VALUES (%s)", [json.dumps(shop.to_dict())])
    return rows


def copy(cursor: Cursor, table: str, values: Columns) -> int:
    """Load rows, and return how many."""
    lines = csv_lines(values)
    if len(lines):
        names = ", ".join(quoted(name) for name in values)
        cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN (FORMAT csv)", io.BytesIO(bytes_of(lines)))
    return len(lines)


def place(schema: str, table: str) -> str:
    """A table's name in SQL."""
    return f"{quoted(schema)}.{quoted(table)}"


def _exists(cursor: Cursor, schema: str, table: str) -> bool:
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [place(schema, table)])
    found = cursor.fetchone()
    return bool(found and found[0])
