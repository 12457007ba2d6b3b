"""Superseded rows: what a published table held before, and when."""

from __future__ import annotations

from collections.abc import Iterable

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.mart.ledger import PRUNED
from datamart_kedro.mart.mart import Mart, quoted, timestamp
from datamart_kedro.mart.run import Run

PERIOD_END: dict[str, str] = {
    "_version_to": "Version of the mart that replaced or deleted the row.",
    "_valid_to": "Instant, UTC, from which the row no longer holds.",
}


def history_of(table: PublishedTable) -> PublishedTable:
    """The table that keeps a published table's superseded rows."""
    return PublishedTable(
        name=f"{table.name}_history",
        key=(*table.key, "_version"),
        comment=f"One row per superseded row of {table.name}: what it was from _valid_from until _valid_to.",
        columns={**table.columns, **VERSION_COLUMNS, **PERIOD_END},
        personal=table.personal,
    )


def make_history(mart: Mart, table: PublishedTable) -> None:
    """Make the history of a table that has just been published; one that is there already stays."""
    mart.execute(
        f"CREATE TABLE IF NOT EXISTS {quoted(history_of(table).name)} AS"
        f" SELECT *, _version AS _version_to, _valid_from AS _valid_to FROM {quoted(table.name)} LIMIT 0"
    )


def keep_superseded(mart: Mart, run: Run, table: PublishedTable, superseded: str, also: Iterable[str] = ()) -> None:
    """Write rows that a run replaces or deletes to the history.

    Args:
        mart: In the transaction of the publication.
        run: Its version and instant end the rows' period.
        table: The published table.
        superseded: SQL condition on its rows.
        also: Columns that it has beside those it declares.
    """
    columns = ", ".join(quoted(name) for name in (*table.columns, *also, *VERSION_COLUMNS))
    mart.execute(
        f"INSERT INTO {quoted(history_of(table).name)} ({columns}, _version_to, _valid_to)"
        f" SELECT {columns}, {run.version}, {timestamp(run.started_at)} FROM {quoted(table.name)} AS old"
        f" WHERE {superseded}"
    )


def oldest_version(mart: Mart, table: PublishedTable) -> int:
    """The oldest version that a table's history reaches back to; 0 if nothing was ever removed from it."""
    if not mart.exists(PRUNED.name):
        return 0
    return int(mart.scalar(f"SELECT max(oldest_version) FROM {PRUNED.name} WHERE table_name = ?", [table.name]) or 0)
