"""Time passes in a shop in PostgreSQL: rows that differ between two days are inserted, updated and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from datamart_kedro.errors import UsageError
from datamart_kedro.mart.mart import quoted
from datamart_kedro.sample.csv_text import csv_lines
from datamart_kedro.sample.server import SETTINGS, UNTOUCHED, copy, place
from datamart_kedro.sample.settings import SampleShop
from datamart_kedro.sample.source_tables import Columns, chunks_of, source_tables
from datamart_kedro.sample.tables import KEYS, TABLES

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

PAIRED_BY = {**KEYS, "truth": ("customer_id",), "faults": ("key", "domain")}
"""An old and a new row are one that changed if they have the same key, and no other row of the two days has it."""


class Changes(NamedTuple):
    """How many rows of a table changed, and how."""

    inserted: int
    updated: int
    deleted: int


def advance_tables(
    cursor: Cursor, schema: str, old: SampleShop, new: SampleShop, on_rows: Callable[[int], None] = lambda rows: None
) -> dict[str, Changes]:
    """Bring a shop's tables from one day to a later one; rows that do not differ are not touched.

    Args:
        cursor: In a transaction.
        schema: Where the shop is.
        old: The shop as the tables show it.
        new: The same shop on a later day.
        on_rows: Told how many rows differ so far.

    Returns:
        What changed in each table.

    Raises:
        UsageError: The tables are not as the shop left them.
    """
    for table in TABLES:
        for part in ("gone", "come"):
            cursor.execute(
                f"CREATE TEMPORARY TABLE {quoted(f'{part}_{table}')} (LIKE {place(schema, table)}) ON COMMIT DROP"
            )
    count = chunks_of(new)
    days = zip(source_tables(old, typed=True, chunks=count), source_tables(new, typed=True, chunks=count), strict=True)
    differing = 0
    for before, after in days:
        for table in before:
            gone, come = differences(before[table], after[table])
            differing += copy(cursor, quoted(f"gone_{table}"), gone) + copy(cursor, quoted(f"come_{table}"), come)
        on_rows(differing)
    changes = {table: _apply(cursor, schema, table) for table in TABLES}
    cursor.execute(f"UPDATE {quoted(schema)}.{SETTINGS} SET settings = %s", [json.dumps(new.to_dict())])
    return changes


def differences(before: Columns, after: Columns) -> tuple[Columns, Columns]:
    """Rows that are only in the first table, and rows that are only in the second.

    Of equal rows either all or none are: a copy comes, changes and goes with its original.
    """
    old, new = csv_lines(before), csv_lines(after)
    gone, come = pc.invert(pc.is_in(old, value_set=new)), pc.invert(pc.is_in(new, value_set=old))
    return (
        {name: column.filter(gone) for name, column in before.items()},
        {name: column.filter(come) for name, column in after.items()},
    )


def _apply(cursor: Cursor, schema: str, table: str) -> Changes:
    target, gone, come = place(schema, table), quoted(f"gone_{table}"), quoted(f"come_{table}")
    pairs = quoted(f"pairs_{table}")
    key = ", ".join(quoted(name) for name in PAIRED_BY[table])
    old, new = (f"(SELECT {key} FROM {rows} GROUP BY {key} HAVING count(*) = 1)" for rows in (gone, come))
    cursor.execute(
        f"CREATE TEMPORARY TABLE {pairs} ON COMMIT DROP AS"
        f" SELECT {key} FROM {old} AS old JOIN {new} AS new USING ({key})"
    )
    for rows in (gone, come, pairs):
        cursor.execute(f"ANALYZE {rows}")
    updated = _update(cursor, target, gone, come, pairs, table)
    deleted = _delete(cursor, target, gone, pairs, table)
    cursor.execute(
        f"INSERT INTO {target} SELECT come.* FROM {come} AS come WHERE NOT {_is_paired('come', pairs, table)}"
    )
    inserted = cursor.rowcount
    cursor.execute(f"SELECT (SELECT count(*) FROM {gone}), (SELECT count(*) FROM {pairs})")
    ((expected, paired),) = cursor.fetchall()
    if (updated, deleted) != (paired, expected - paired):
        raise UsageError(
            f"The table {schema}.{table} is not as the shop left it: {expected:,} of its rows change, but"
            f" {updated + deleted:,} were found.",
            "Somebody changed rows. Make the shop anew with `kedro mart sample --to`.",
            UNTOUCHED,
        )
    return Changes(inserted, updated, deleted)


def _update(cursor: Cursor, target: str, gone: str, come: str, pairs: str, table: str) -> int:
    """Give rows that are paired their new values."""
    values = ", ".join(f"{quoted(name)} = come.{quoted(name)}" for name in TABLES[table])
    key = ", ".join(quoted(name) for name in PAIRED_BY[table])
    same_key = " AND ".join(f"target.{quoted(name)} = gone.{quoted(name)}" for name in PAIRED_BY[table])
    cursor.execute(
        f"UPDATE {target} AS target SET {values}"
        f" FROM {pairs} AS pairs JOIN {gone} AS gone USING ({key}) JOIN {come} AS come USING ({key})"
        f" WHERE {same_key} AND (target.*)::text = (gone.*)::text"
    )
    return cursor.rowcount


def _delete(cursor: Cursor, target: str, gone: str, pairs: str, table: str) -> int:
    """Delete the other rows that are gone: of equal rows as many as are."""
    first = quoted(PAIRED_BY[table][0])
    cursor.execute(
        f"WITH gone AS (SELECT gone.*, (gone.*)::text AS line FROM {gone} AS gone"
        f" WHERE NOT {_is_paired('gone', pairs, table)}),"
        " copies AS (SELECT line, count(*) AS count FROM gone GROUP BY line),"
        " found AS (SELECT target.ctid AS row, (target.*)::text AS line FROM"
        f" {target} AS target WHERE target.{first} = ANY (ARRAY(SELECT {first} FROM gone)) OR target.{first} IS NULL),"
        " numbered AS (SELECT row, count, row_number() OVER (PARTITION BY line) AS number FROM found JOIN copies"
        f" USING (line)) DELETE FROM {target} WHERE ctid IN (SELECT row FROM numbered WHERE number <= count)"
    )
    return cursor.rowcount


def _is_paired(rows: str, pairs: str, table: str) -> str:
    same_key = " AND ".join(f"pairs.{quoted(name)} = {rows}.{quoted(name)}" for name in PAIRED_BY[table])
    return f"EXISTS (SELECT FROM {pairs} AS pairs WHERE {same_key})"
