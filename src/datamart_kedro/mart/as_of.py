"""Reading a published table as of a version in SQL, for tools that open the mart or its copy."""

from __future__ import annotations

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.mart import ledger
from datamart_kedro.mart.history import history_of
from datamart_kedro.mart.mart import Mart, literal, quoted


def make_macro(mart: Mart, table: PublishedTable, catalog: str | None = None) -> None:
    """Make ``tb_<table>_as_of(as_of)``, a table macro, or bring it to the table's columns.

    Its argument is a version such as ``3``, or an instant such as ``TIMESTAMP '2026-10-01 00:00'`` (UTC) or its text.
    It raises an error for a version that never was, or that the history does not reach back to.

    Args:
        mart: Open for writing.
        table: A published table that exists, with its history.
        catalog: Another database in which to make it.
    """
    place = f"{catalog}.main." if catalog else ""
    columns = ", ".join(quoted(name) for name in (*table.columns, *VERSION_COLUMNS))
    # Columns and parameters share one space of names in a macro: what it takes must be called as no column is.
    at = "(FROM asked SELECT version)"
    mart.execute(
        f"CREATE OR REPLACE MACRO {place}{quoted(f'{table.name}_as_of')}(as_of) AS TABLE"
        f" WITH asked AS ({_asked(table)})"
        f" SELECT {columns} FROM {quoted(table.name)} WHERE _version <= {at}"
        f" UNION ALL SELECT {columns} FROM {quoted(history_of(table).name)}"
        f" WHERE _version <= {at} AND _version_to > {at}"
    )


def _asked(table: PublishedTable) -> str:
    """The version that is asked for, checked, in SQL."""
    versions = f"FROM {ledger.LEDGER.name} WHERE status = 'published'"
    number = (
        "coalesce(TRY_CAST(CAST(as_of AS VARCHAR) AS BIGINT),"
        f" (SELECT max(version) {versions} AND started_at <= TRY_CAST(CAST(as_of AS VARCHAR) AS TIMESTAMP)))"
    )
    oldest = f"(SELECT max(oldest_version) FROM {ledger.PRUNED.name} WHERE table_name = {literal(table.name)})"
    unknown = f"{literal(f'{table.name}: there was no version ')} || coalesce(CAST(as_of AS VARCHAR), 'NULL')"
    gone = f"{literal(f'{table.name}: its history does not go back to version ')} || number"
    return (
        f"SELECT CASE WHEN number NOT IN (SELECT version {versions}) THEN error({unknown})"
        f" WHEN number IS NULL THEN error({unknown})"
        f" WHEN number < coalesce({oldest}, 0) THEN error({gone}) ELSE number END AS version"
        f" FROM (SELECT {number} AS number)"
    )
