"""Rebuild a lost mart file from its replica: the published tables, their histories, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shlex import quote
from time import perf_counter

from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Identifier

from datamart_kedro.errors import MartFileError, ReplicaError
from datamart_kedro.mart.as_of import make_macro
from datamart_kedro.mart.domains import published_tables
from datamart_kedro.mart.ledger import NODE_TIMES, REJECTED, RESULTS, create_ledger
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.restore import make_table, take_rows
from datamart_kedro.progress import progress
from datamart_kedro.replica.refusals import Attempt
from datamart_kedro.replica.schema import Found, found_tables, identifiers
from datamart_kedro.replica.served import postgres_type
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.snapshot import snapshot_of
from datamart_kedro.replica.state import STATE, Held, held_version
from datamart_kedro.replica.work import begin, connected, place_in
from datamart_kedro.sources.copy_stream import CopyStream, quiet_driver

AGAIN = "Restore again when that is mended."
LOST = (REJECTED.name, RESULTS.name, NODE_TIMES.name)
"""Tables of the mart that are not served."""


@dataclass(frozen=True)
class Restored:
    """What was restored.

    Attributes:
        place: Where it came from.
        written_by: The mart file that was served there.
        version: Number of the version that the mart holds.
        valid_from: Instant, UTC, from which that version held.
        rows: Number of rows of each table.
        seconds: Time that it took.
    """

    place: str
    written_by: str
    version: int
    valid_from: datetime
    rows: Mapping[str, int]
    seconds: float


def restore(mart: MartSettings, settings: ReplicaSettings, url: str | None) -> Restored:
    """Make the mart file of what the replica holds, under another name first; then it gets its name.

    Args:
        mart: Where the mart was.
        settings: Schema and time-outs of the replica.
        url: Address of the server.

    Raises:
        MartFileError: There is a mart; nothing was restored.
        ReplicaError: The replica cannot be read to the end, or is not whole; there is no mart as before.
    """
    started = perf_counter()
    refuse_a_mart_that_exists(mart)
    attempt = Attempt(place_in(settings, url), 0, failed="could not be read to the end", later=AGAIN)
    with (
        attempt.refusing(),
        quiet_driver(),
        connected(settings, url) as connection,
        _unfinished(Path(mart.path)) as unfinished,
    ):
        begin(connection.cursor(), settings, is_one_moment=True)
        tables = found_tables(connection.cursor(), settings.schema_name)
        held = _held(connection, settings.schema_name, tables)
        attempt.held = held.version.number
        rows = _fill(replace(mart, path=str(unfinished)), connection, settings.schema_name, held, tables, attempt)
        refuse_a_mart_that_exists(mart)  # somebody may have run meanwhile
        _log_of(Path(mart.path)).unlink(missing_ok=True)  # of the lost file; the engine would apply it to this one
        unfinished.replace(mart.path)
    seconds = perf_counter() - started
    return Restored(attempt.place, held.mart, held.version.number, held.version.valid_from, rows, seconds)


def restored_lines(restored: Restored) -> Iterator[str]:
    """What to tell about a restored mart: its tables, its version, and what is lost."""
    for table, rows in restored.rows.items():
        yield f"{table}: {rows:,} rows"
    yield (
        f"The mart is restored from {restored.place}, which {restored.written_by} had written, at version"
        f" {restored.version} of {restored.valid_from:%Y-%m-%d %H:%M:%S} UTC, in {restored.seconds:.1f} s."
    )
    yield (
        f"Lost, since they are not served: what {', '.join(LOST)} held, and staged rows."
        " The next run loads every domain again."
    )


def refuse_a_mart_that_exists(settings: MartSettings) -> None:
    """Refuse to write over a mart; a file without a version is none.

    Raises:
        MartFileError: There is one, or another process holds it.
    """
    path = Path(settings.path)
    if not path.exists() or not path.stat().st_size:
        return
    mart = Mart(settings)
    try:
        with snapshot_of(mart) as snapshot:
            version = snapshot.newest_version()
    finally:
        mart.close()
    if version is not None:
        raise MartFileError(
            f"There is a mart at {path}, at version {version.number}.",
            f"If it is to be replaced, move it away (mv {quote(str(path))} {quote(f'{path}.old')}), then run"
            " `kedro mart restore --from-replica` again.",
            "Nothing was restored, the mart is as it was.",
        )


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    """A name beside the mart's for a file that is being written; nothing is left under it."""
    unfinished = path.with_name(f"{path.name}.restoring")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _remove(unfinished)  # of a process that was killed
        yield unfinished
    finally:
        _remove(unfinished)


def _remove(path: Path) -> None:
    for file in (path, _log_of(path)):
        file.unlink(missing_ok=True)


def _log_of(path: Path) -> Path:
    """The engine's write-ahead log of a file."""
    return path.with_name(f"{path.name}.wal")


def _held(connection: Connection, schema: str, tables: Mapping[str, Found]) -> Held:
    """What the replica holds.

    Raises:
        ReplicaError: It does not say, or tables or columns are not there any more.
    """
    held = held_version(connection.cursor(), schema) if STATE in tables else None
    if held is None:
        raise ReplicaError(
            f"The schema {schema} holds no version of a mart.", "Check replica.schema in globals.yml, and its address."
        )
    if not held.columns:
        raise ReplicaError(
            f"The schema {schema} was written by an earlier release, which did not note the types of the mart.",
            "Make the mart anew with `kedro run`, after DELETE FROM replica_state in that schema; its history is lost.",
        )
    missing = [
        name if name not in tables else f"{name}.{column}"
        for name, columns in held.columns.items()
        for column, _ in columns
        if name not in tables or column not in tables[name].columns
    ]
    if missing:
        raise ReplicaError(
            f"The schema {schema} is not whole any more: {', '.join(dict.fromkeys(missing))} is missing.",
            "Restore the schema from a backup of the server.",
        )
    return held


def _fill(
    settings: MartSettings,
    connection: Connection,
    schema: str,
    held: Held,
    tables: Mapping[str, Found],
    attempt: Attempt,
) -> dict[str, int]:
    """Write all tables into a new mart file, and return the number of rows of each."""
    mart = Mart(settings)
    rows = {}
    try:
        mart.open(write=True)
        create_ledger(mart)
        for name, columns in sorted(held.columns.items()):
            attempt.table = name
            kinds = dict(columns)
            for column, kind in columns:
                postgres_type(name, column, kind)  # refuses what is no type of the engine
            make_table(mart, name, kinds, tables[name].comment, tables[name].meanings)
            rows[name] = _copy(mart, connection, Identifier(schema, name), name, kinds)
        for table in published_tables().values():
            if table.name in rows:
                make_macro(mart, table)
    finally:
        mart.close()
    attempt.table = ""
    return rows


def _copy(mart: Mart, connection: Connection, table: Identifier, name: str, kinds: Mapping[str, str]) -> int:
    """Copy the rows of a table into the mart, and return their number.

    Raises:
        ReplicaError: Not all rows arrived.
    """
    query = SQL("SELECT {} FROM {}").format(identifiers(list(kinds)), table).as_string(connection)
    stream = CopyStream(connection, query, dict.fromkeys(kinds, "VARCHAR"))
    with progress(f"restore {name}") as show, stream:
        for rows in stream:
            take_rows(mart, name, kinds, rows)
            show(f"{stream.rows:,} rows")
        if stream.failure is not None:
            raise stream.failure
    if not stream.sent == stream.rows == mart.rows(name):
        raise ReplicaError(f"{name}: the rows that arrived are not those of the replica.", "Restore again.")
    return stream.rows
