"""Every version of the rows of a published table, those included that a run is about to publish."""

from __future__ import annotations

from datetime import datetime

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.period import Period
from datamart_kedro.mart import ledger
from datamart_kedro.mart.history import history_of, oldest_version
from datamart_kedro.mart.mart import Mart, quoted, timestamp
from datamart_kedro.mart.publication import CHANGE
from datamart_kedro.mart.run import Run

FOREVER = "CAST(NULL AS TIMESTAMP) AS _valid_to"


def select_versions(mart: Mart, table: PublishedTable, domain: str) -> str:
    """A SELECT of all versions of a table's rows, with `_valid_from` and `_valid_to`, NULL while a version holds."""
    columns = ", ".join(quoted(name) for name in (*table.columns, "_valid_from"))
    run = mart.run
    if run is None or domain not in run.built:
        return (
            f"SELECT {columns}, _valid_to FROM {quoted(history_of(table).name)}"
            f" UNION ALL SELECT {columns}, {FOREVER} FROM {quoted(table.name)}"
        )
    return _with_built(run, table, domain)


def _with_built(run: Run, table: PublishedTable, domain: str) -> str:
    built, at = run.built[domain], timestamp(run.started_at)
    values = ", ".join(quoted(name) for name in table.columns)
    source = quoted(f"build_{domain}")
    if built.shape.is_new:
        return f"SELECT {values}, {at} AS _valid_from, {FOREVER} FROM {source}"
    old = ", ".join(f"{built.shape.as_new(name)} AS {quoted(name)}" for name in table.columns)
    same_key = " AND ".join(f"old.{quoted(name)} = change.{quoted(name)}" for name in table.key)
    return (
        f"SELECT {old}, old._valid_from, old._valid_to FROM {quoted(history_of(table).name)} AS old"
        f" UNION ALL SELECT {old}, old._valid_from,"
        f" CASE WHEN change.{CHANGE} IS NOT NULL THEN {at} END AS _valid_to FROM {quoted(table.name)} AS old"
        f" LEFT JOIN (FROM {source} WHERE {CHANGE} <> 'insert') AS change ON {same_key}"
        f" UNION ALL SELECT {values}, {at}, {FOREVER} FROM {source} WHERE {CHANGE} <> 'delete'"
    )


def period_of(mart: Mart, orders: str, tables: dict[str, PublishedTable]) -> Period:
    """What the mart has seen.

    Args:
        mart: The mart, in a run or not.
        orders: Name of the table or view with orders as they will be published.
        tables: The tables, by domain, whose history must reach back for something to be known.
    """
    ((first, newest),) = mart.execute(f"SELECT min(ordered_at)::DATE, max(ordered_at)::DATE FROM {quoted(orders)}")
    known = [_known_since(mart, domain, table) for domain, table in tables.items()]
    return Period(first, newest, None if None in known else max(at for at in known if at is not None))


def _known_since(mart: Mart, domain: str, table: PublishedTable) -> datetime | None:
    """The instant from which a table can be read as it was; None if it has never been published before."""
    found = mart.scalar(
        f"SELECT min(started_at) FROM {ledger.LEDGER.name} WHERE domain = ? AND status = 'published'"
        f" AND version >= {oldest_version(mart, table)}",
        [domain],
    )
    return found if isinstance(found, datetime) else None
