"""Tables that come back from somewhere else, with the types and meanings that they had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from datamart_kedro.columns import PublishedTable
from datamart_kedro.mart import ledger
from datamart_kedro.mart.mart import Mart, quoted

if TYPE_CHECKING:
    import pyarrow as pa

INCOMING = "incoming_rows"


def make_table(mart: Mart, name: str, kinds: Mapping[str, str], comment: str, meanings: Mapping[str, str]) -> None:
    """Make a table without rows; one that is there already stays.

    Args:
        mart: Open for writing.
        name: Of the table.
        kinds: Its columns, in order, with the engine's types.
        comment: What a row of it is.
        meanings: What its columns mean.
    """
    columns = ", ".join(f"{quoted(column)} {kind}" for column, kind in kinds.items())
    mart.execute(f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({columns})")
    ledger.comment(mart, PublishedTable(name, (), comment), meanings)


def take_rows(mart: Mart, name: str, kinds: Mapping[str, str], rows: pa.Table) -> None:
    """Put rows into a table; the engine reads each value from its text, so that every digit arrives."""
    columns = ", ".join(quoted(column) for column in kinds)
    values = ", ".join(f"CAST({quoted(column)} AS {kind})" for column, kind in kinds.items())
    mart.connection.register(INCOMING, rows)
    try:
        mart.connection.execute(f"INSERT INTO {quoted(name)} ({columns}) SELECT {values} FROM {INCOMING}")
    finally:
        mart.connection.unregister(INCOMING)
