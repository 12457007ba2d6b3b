"""What a replica knows of itself: the version that it holds, and who may write it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json
from psycopg2.sql import SQL, Identifier, Literal

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.versions import Version

STATE = "replica_state"

MEANINGS = {
    "only_row": "There is one row.",
    "version": "Version of the mart that all tables of this schema hold.",
    "run_id": "Run that published it.",
    "valid_from": "Instant from which it holds.",
    "synchronised_at": "Instant at which the tables were brought to it, or to the newest rows of the ledger.",
    "mart": "Mart file that it came from.",
    "columns": "For each table its columns in order, with their types in the mart: what a lost mart is restored with.",
}

_CREATE = """CREATE TABLE {} (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL, run_id text NOT NULL, valid_from timestamp with time zone NOT NULL,
    synchronised_at timestamp with time zone NOT NULL, mart text NOT NULL, columns jsonb
)"""

_HOLDERS = """
SELECT a.pid, a.usename, to_char(a.xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS')
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
  AND (l.classid::bigint << 32) + l.objid::bigint = %s
"""


Columns = dict[str, list[list[str]]]
"""For each table, the name and the engine's type of each of its columns."""


@dataclass(frozen=True)
class Held:
    """What a replica knows of itself.

    Attributes:
        version: The version that it holds.
        mart: The mart file that it came from.
        synchronised_at: Instant, UTC, at which it came.
        columns: For each table its columns in order, with the types that they have in the mart.
    """

    version: Version
    mart: str
    synchronised_at: datetime
    columns: Columns


def create_state(cursor: Cursor, schema: str) -> None:
    """Make the table that says which version the schema holds."""
    table = Identifier(schema, STATE)
    cursor.execute(SQL(_CREATE).format(table))
    comment = Literal("One row: the version of the mart that this schema serves.")
    cursor.execute(SQL("COMMENT ON TABLE {} IS {}").format(table, comment))
    _say_what_columns_mean(cursor, schema)


def add_columns(cursor: Cursor, schema: str) -> None:
    """Give the state of a replica that an earlier release made a place for the types of the mart."""
    cursor.execute(SQL("ALTER TABLE {} ADD COLUMN columns jsonb").format(Identifier(schema, STATE)))
    _say_what_columns_mean(cursor, schema)


def _say_what_columns_mean(cursor: Cursor, schema: str) -> None:
    for name, meaning in MEANINGS.items():
        column = Identifier(schema, STATE, name)
        cursor.execute(SQL("COMMENT ON COLUMN {} IS {}").format(column, Literal(meaning)))


def held_version(cursor: Cursor, schema: str) -> Held | None:
    """The version that a schema holds, None if it does not say."""
    table = Identifier(schema, STATE)
    cursor.execute(
        SQL(
            "SELECT version, run_id, valid_from, mart, synchronised_at, to_jsonb(state) -> 'columns' FROM {} AS state"
        ).format(table)
    )
    found = cursor.fetchone()
    if found is None:
        return None
    number, run_id, valid_from, mart, synchronised_at, columns = found
    return Held(Version(number, run_id, _in_utc(valid_from)), mart, _in_utc(synchronised_at), columns or {})


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def note_version(cursor: Cursor, schema: str, held: Held) -> None:
    """Write down which version the schema holds from the end of this transaction on."""
    version = held.version
    instants = [instant.replace(tzinfo=UTC) for instant in (version.valid_from, held.synchronised_at)]
    values = [version.number, version.run_id, *instants, held.mart, Json(held.columns)]
    cursor.execute(  # with its values written out: a name may hold a %s
        SQL(
            "INSERT INTO {} (version, run_id, valid_from, synchronised_at, mart, columns) VALUES ({})"
            " ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, run_id = excluded.run_id,"
            " valid_from = excluded.valid_from, synchronised_at = excluded.synchronised_at, mart = excluded.mart,"
            " columns = excluded.columns"
        ).format(Identifier(schema, STATE), SQL(", ").join(map(Literal, values)))
    )


def take_lock(cursor: Cursor, schema: str, timeout_s: int) -> None:
    """Be the only writer of a schema until the transaction ends.

    Raises:
        ReplicaError: Another writer is at work for longer than the lock time-out.
    """
    try:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key(schema)])
    except LockNotAvailable:
        cursor.connection.rollback()
        cursor.execute(_HOLDERS, [lock_key(schema)])
        holders = ", ".join(
            f"process {pid} of {role}{f', since {since} UTC' if since else ''}"
            for pid, role, since in cursor.fetchall()
        )
        raise ReplicaError(
            f"Another run writes the schema {schema}: {holders or 'it has just ended'};"
            f" it was waited for {timeout_s} s.",
            "The next run brings the replica up to date.",
        ) from None


def lock_key(schema: str) -> int:
    """Number of the advisory lock of a schema: 63 bits of its name's digest."""
    digest = hashlib.blake2b(f"datamart replica {schema}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1
