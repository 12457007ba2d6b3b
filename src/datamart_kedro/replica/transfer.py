"""Rows from the mart to PostgreSQL: COPY out of one engine into the other through a pipe, at bounded memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from io import FileIO

from psycopg2.errors import CharacterNotInRepertoire
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.mart import quoted
from datamart_kedro.progress import progress
from datamart_kedro.replica.schema import identifiers
from datamart_kedro.replica.served import Served
from datamart_kedro.replica.snapshot import Snapshot

CHUNK = 1 << 16
"""Bytes that a pipe holds."""


def copy_rows(snapshot: Snapshot, served: Served, select: str, cursor: Cursor, target: Composable) -> int:
    """Copy rows of a table of the mart, with all its columns, into a table of the server, and return their number.

    Raises:
        ReplicaError: A text holds a NUL character, which PostgreSQL cannot keep.
    """
    try:
        return _copy(snapshot, served, select, tuple(served.columns), cursor, target)
    except CharacterNotInRepertoire:
        _refuse_nul(snapshot, served)
        raise


def copy_keys(snapshot: Snapshot, served: Served, select: str, cursor: Cursor, target: Composable) -> int:
    """Copy keys of a table of the mart into a table of the server, and return their number."""
    return _copy(snapshot, served, select, served.key, cursor, target)


def _copy(
    snapshot: Snapshot, served: Served, select: str, columns: tuple[str, ...], cursor: Cursor, target: Composable
) -> int:
    texts = ", ".join(quoted(name) for name in served.texts if name in columns)
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')").format(target, identifiers(columns))
    read_end, write_end = os.pipe()
    writer = _Writer(snapshot, select, texts, write_end)
    with progress(f"replica {served.name}") as show, _Pipe(read_end, show) as pipe:
        writer.start()
        try:
            cursor.copy_expert(statement, pipe, size=CHUNK)
        except BaseException:
            cause = writer.error  # rows that end in the middle fail here as well
            snapshot.interrupt()
            pipe.close()
            writer.join()
            if cause is not None:
                raise cause from None
            raise
        writer.join()
    if writer.error is not None:
        raise writer.error
    return int(cursor.rowcount)


def _refuse_nul(snapshot: Snapshot, served: Served) -> None:
    """Name the first column with a NUL character, and the key of one of its rows."""
    keys = ", ".join(quoted(name) for name in served.key)
    for column in served.texts:
        has_nul = f"contains({quoted(column)}, chr(0))"
        found = snapshot.rows(f"SELECT {keys}, count(*) OVER () FROM {quoted(served.name)} WHERE {has_nul} LIMIT 1")
        for *values, rows in found:
            example = ", ".join(f"{name} {value!r}" for name, value in zip(served.key, values, strict=True))
            raise ReplicaError(
                f"{served.name}.{column} holds a NUL character, which PostgreSQL cannot keep, in {rows:,} rows,"
                f" such as that of {example}.",
                f"Remove it in the node that builds {served.name}, then run again.",
            )


class _Writer(threading.Thread):
    """Writes rows of the mart into a pipe and closes it; its error is for the reader to raise."""

    def __init__(self, snapshot: Snapshot, select: str, texts: str, write_end: int) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self._snapshot, self._select, self._texts, self._write_end = snapshot, select, texts, write_end

    def run(self) -> None:
        try:
            self._snapshot.write_csv(self._select, self._texts, self._write_end)
        except BaseException as error:  # whatever it is: what came is not all
            self.error = error
        finally:
            os.close(self._write_end)


class _Pipe(FileIO):
    """The end of a pipe that is read, which shows how much came."""

    def __init__(self, descriptor: int, show: Callable[[str], None]) -> None:
        super().__init__(descriptor, "rb")
        self._show, self._bytes = show, 0

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        found = super().read(size) or b""
        self._bytes += len(found)
        self._show(f"{self._bytes / 1e6:,.0f} MB")
        return found
