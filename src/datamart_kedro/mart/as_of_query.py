"""A query of published tables as they are, or as they were at a version."""

from __future__ import annotations

from collections.abc import Iterable

from datamart_kedro.columns import PublishedTable
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.versions import select_as_of


def name_at(table: str, version: int | None) -> str:
    """How a query calls a published table: by its name, or by one that says of which version it is."""
    return table if version is None else f"{table}_at_{version}"


def with_tables_at(mart: Mart, select: str, tables: Iterable[PublishedTable], version: int | None) -> str:
    """A SELECT that finds the tables that it reads, see `name_at`.

    Args:
        mart: Read only.
        select: The query.
        tables: The published tables in it.
        version: Of the mart; what readers see now if absent.

    Raises:
        VersionError: The history of a table does not go back so far.
    """
    if version is None:
        return select
    parts = [
        f"{quoted(name_at(table.name, version))} AS (\n{select_as_of(mart, table, version)}\n)"
        for table in sorted(tables, key=lambda table: table.name)
    ]
    return f"WITH {', '.join(parts)}\n{select}" if parts else select
