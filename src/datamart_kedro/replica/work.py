"""What all work on a replica has in common: a connection, a transaction with its settings, and the two stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.versions import Version
from datamart_kedro.postgres import engine_of, place_of
from datamart_kedro.replica.changes import ServedTable
from datamart_kedro.replica.plan import Replica, look_at_replica
from datamart_kedro.replica.refusals import Attempt
from datamart_kedro.replica.served import Served
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.snapshot import Snapshot


@contextmanager
def connected(settings: ReplicaSettings, url: str | None) -> Iterator[Connection]:
    """A connection of psycopg2 that is closed after the block; what was not committed is rolled back.

    Raises:
        ReplicaError: There is no address.
    """
    if not url:
        raise ReplicaError(
            "The address of the replica is not known.",
            "Set DATAMART_REPLICA_URL, such as postgresql://writer:password@host:5432/mart, or write"
            " `replica: {url: ...}` into conf/local/credentials.yml.",
        )
    pooled = engine_of(url, connect_timeout_s=settings.connect_timeout_s).raw_connection()
    try:
        driver = pooled.driver_connection
        assert isinstance(driver, Connection)
        yield driver
    finally:
        pooled.close()


def begin(cursor: Cursor, settings: ReplicaSettings, *, is_one_moment: bool = False) -> None:
    """Settings for one transaction: they end with it, so that a pooler may stand between.

    Args:
        cursor: Of a connection outside of a transaction.
        settings: Time-outs.
        is_one_moment: Does the transaction see the server as it is at its first question, until its end?
    """
    if is_one_moment:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    milliseconds = [settings.lock_timeout_s * 1000, settings.statement_timeout_s * 1000]
    cursor.execute("SET LOCAL TimeZone = 'UTC'")
    cursor.execute("SET LOCAL DateStyle = 'ISO, YMD'")
    cursor.execute("SET LOCAL lock_timeout = %s; SET LOCAL statement_timeout = %s", milliseconds)


def place_in(settings: ReplicaSettings, url: str | None) -> str:
    """Schema, database and host of a replica, for messages; without secrets."""
    return f"schema {settings.schema_name} of {place_of(url or '')}"


@dataclass(frozen=True)
class Work:
    """A mart and its replica, in a transaction on the server."""

    snapshot: Snapshot
    version: Version
    served: Sequence[Served]
    connection: Connection
    cursor: Cursor
    settings: ReplicaSettings
    attempt: Attempt

    @property
    def schema(self) -> str:
        """Name of the replica's schema."""
        return self.settings.schema_name

    def table(self, served: Served) -> ServedTable:
        """A table of the replica, to be written."""
        return ServedTable(self.snapshot, self.cursor, self.schema, served)

    def look(self) -> Replica:
        """See what the server has, and note for messages which version it holds.

        Raises:
            ReplicaError: The schema is not this mart's.
        """
        replica = look_at_replica(self.cursor, self.schema, self.snapshot, self.served)
        self.attempt.held = replica.number
        return replica
