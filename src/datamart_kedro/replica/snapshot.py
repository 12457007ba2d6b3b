"""One consistent look at a mart, from which a replica is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from datamart_kedro.mart.ledger import LEDGER
from datamart_kedro.mart.mart import Mart, literal
from datamart_kedro.mart.versions import Version


class Snapshot:
    """A mart as it is at one moment, whatever is published meanwhile."""

    def __init__(self, mart: Mart) -> None:
        self.path = mart.path
        self._cursor = mart.connection.cursor()
        self._cursor.execute("BEGIN TRANSACTION")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a SELECT."""
        return self._cursor.execute(sql).fetchall()

    def columns(self, table: str) -> dict[str, str]:
        """Columns of a published table with the engine's types, empty if there is no such table."""
        found = self.rows(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
            f" AND database_name = current_database() AND table_name = {literal(table)} ORDER BY column_index"
        )
        return {str(name): str(kind) for name, kind in found}

    def write_csv(self, select: str, texts: str, descriptor: int) -> None:
        """Write the rows of a SELECT to an open file as PostgreSQL reads them: NULL is nothing, '' is "".

        Args:
            select: The rows.
            texts: Its text columns, as a list of identifiers.
            descriptor: Of the file.
        """
        options = "FORMAT csv, HEADER false, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''"
        quoting = f", FORCE_QUOTE ({texts})" if texts else ""
        self._cursor.execute(f"COPY ({select}) TO '/dev/fd/{descriptor}' ({options}{quoting})")

    def interrupt(self) -> None:
        """Stop what another thread has asked for."""
        self._cursor.interrupt()

    def newest_version(self) -> Version | None:
        """The version that readers of the mart see, None before the first."""
        return self._version("TRUE")

    def version(self, number: int) -> Version | None:
        """A version by its number, None if this mart never had it."""
        return self._version(f"version = {number}")

    def version_after(self, number: int) -> Version | None:
        """The version that followed one, None if that is the newest."""
        return self._version(f"version = (SELECT min(version) FROM {LEDGER.name} WHERE version > {number})")

    def _version(self, condition: str) -> Version | None:
        """The run that made a version; runs that changed nothing name it too, later."""
        if not self.columns(LEDGER.name):
            return None
        found = self.rows(
            f"SELECT version, run_id, started_at FROM {LEDGER.name}"
            f" WHERE status = 'published' AND version > 0 AND {condition} ORDER BY version DESC, started_at LIMIT 1"
        )
        return Version(*found[0]) if found else None

    def close(self) -> None:
        """End it."""
        self._cursor.close()


@contextmanager
def snapshot_of(mart: Mart) -> Iterator[Snapshot]:
    """A look at a mart that ends with the block.

    Raises:
        MartFileError: There is no mart, or another process holds it.
    """
    snapshot = Snapshot(mart)
    try:
        yield snapshot
    finally:
        snapshot.close()


EngineError = duckdb.Error
"""What a snapshot raises when the engine cannot read."""
