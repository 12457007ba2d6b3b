"""COPY as a stream: a thread takes CSV from PostgreSQL, typed tables of whole rows come out, at bounded memory."""

from __future__ import annotations

import io
import os
import re
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any, Self

from datamart_kedro.sources.postgres_types import arrow_type

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import connection as Connection

BLOCK = 2 << 20
"""Bytes that are handed on and parsed at a time."""
WAITING = 8
"""Blocks that wait to be parsed; the server waits while there are so many."""
GATHERED = 64 << 20
"""Bytes of parsed rows that are handed on together: the engine takes a few large tables with less work."""
POLL_S = 0.1


class UnreadableValueError(Exception):
    """A value that the engine has no place for; `column` is None where no column is to blame."""

    def __init__(self, reason: str, column: str | None = None) -> None:
        super().__init__(reason)
        self.column = column


class CopyStream:
    """The rows of a query: one thread takes them from the server, whoever iterates parses them.

    Leaving the context ends both, however far they are.

    Args:
        connection: In a transaction; of no use any more if the stream was left before its end.
        query: The SELECT.
        columns: Its columns with the engine's types.

    Attributes:
        rows: Number of rows that came out.
        sent: Number of rows that the server says it sent, None before the end.
        failure: What ended the thread before its time.
    """

    def __init__(self, connection: Connection, query: str, columns: Mapping[str, str]) -> None:
        self.rows = 0
        self.sent: int | None = None
        self.failure: BaseException | None = None
        self._connection = connection
        self._copy = f"COPY ({query}\n) TO STDOUT (FORMAT csv, ENCODING 'UTF8')"
        self._columns = columns
        self._blocks: Queue[bytes | None] = Queue(WAITING)
        self._writer = threading.Thread(target=self._write, name="copy", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._end_connection()
        while self._writer.is_alive():
            with suppress(Empty):
                self._blocks.get(timeout=POLL_S)

    def __iter__(self) -> Iterator[pa.Table]:
        """The rows in typed tables, until the last one or until what is in `failure`.

        Raises:
            UnreadableValueError: A value does not fit the type of its column.
        """
        import pyarrow as pa

        schema = pa.schema([(name, arrow_type(kind)) for name, kind in self._columns.items()])
        gathered = []
        for block in whole_rows(iter(self._blocks.get, None)):
            gathered.append(_parse(block, schema))
            self.rows += gathered[-1].num_rows
            if sum(table.nbytes for table in gathered) >= GATHERED:
                yield pa.concat_tables(gathered)
                gathered = []
        if gathered:
            yield pa.concat_tables(gathered)

    def _write(self) -> None:
        try:
            with (
                io.BufferedWriter(_Inlet(self._blocks), BLOCK) as sink,
                self._connection.cursor() as writer,
            ):
                writer.copy_expert(self._copy, sink)
                self.sent = writer.rowcount
        except BaseException as error:
            self.failure = error
        finally:
            self._blocks.put(None)

    def _end_connection(self) -> None:
        """End the statement, then the connection, so that the thread gets no more rows."""
        import psycopg2

        with suppress(psycopg2.Error):
            self._connection.cancel()
        with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)


class _Inlet(io.RawIOBase):
    """Hands blocks of bytes on to another thread."""

    def __init__(self, blocks: Queue[bytes | None]) -> None:
        self._blocks = blocks

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self._blocks.put(bytes(block))
        return len(block)


@contextmanager
def quiet_driver() -> Iterator[list[BaseException]]:
    """Keep psycopg2 from printing a traceback when the server ends a connection, and give what the server said.

    psycopg2 (2.9.13 and before) looks at a second result while the error of the first is still set, and prints a
    SystemError about it.
    """
    said: list[BaseException] = []
    shown = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
        if kind is SystemError and error.__cause__ is not None:
            said.append(error.__cause__)
        else:
            shown(kind, error, traceback)

    sys.excepthook = hook
    try:
        yield said
    finally:
        sys.excepthook = shown


def whole_rows(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut CSV anew, so that each block holds whole rows.

    A line ends a row if the quotes before it are even in number: within a value they are not, since a quote that
    belongs to the value is written twice.
    """
    rest = b""
    for block in blocks:
        rest += block
        end = rest.rfind(b"\n") + 1
        quotes = rest.count(b'"', 0, end)
        while end and quotes % 2:
            line = rest.rfind(b"\n", 0, end - 1) + 1
            quotes -= rest.count(b'"', line, end)
            end = line
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _parse(rows: bytes, schema: pa.Schema) -> pa.Table:
    """Read what COPY writes: NULL is nothing at all, the empty text is quoted, booleans are t and f."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        return csv.read_csv(
            pa.py_buffer(rows),
            read_options=csv.ReadOptions(column_names=schema.names, block_size=len(rows), use_threads=False),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=schema,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
    except pa.ArrowInvalid as error:
        raise _unreadable(str(error), schema.names) from None


def _unreadable(message: str, names: list[str]) -> UnreadableValueError:
    """What Arrow says of a value, with the column's name for its number."""
    if found := re.search(r"CSV column #(\d+): (?:Row #\d+: )?(.*)", message):
        value = re.search(r"invalid value '(.*)'|string '(.*)' is not a valid", found[2])
        reason = repr((value[1] or value[2])[:60]) if value else found[2][:200]
        return UnreadableValueError(reason, names[int(found[1])])
    return UnreadableValueError(message.splitlines()[0][:200])
