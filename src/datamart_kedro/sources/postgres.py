"""PostgreSQL as a source: one snapshot for all domains of a run, read by COPY."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from datamart_kedro.columns import CLOCK
from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import quoted
from datamart_kedro.postgres import AddressError, cause_of, engine_of, place_of
from datamart_kedro.sources.copy_stream import CopyStream, UnreadableValueError, quiet_driver
from datamart_kedro.sources.parts import CLOCKS, IN_RANGE, WITH_ZONE, ServerParts, Totals, clock_in_utc
from datamart_kedro.sources.postgres_errors import LostError, ask_again, loss_of, refusal_of, was_refused
from datamart_kedro.sources.postgres_types import LOADED_AS, describe
from datamart_kedro.sources.state import SourceState

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

Answer = TypeVar("Answer")

ADDRESS = "DATAMART_SHOP_URL, or `shop: {url: ...}` in conf/local/credentials.yml"

SUM_OF_CLOCKS = (
    "coalesce(sum(extract(epoch FROM date_trunc('minute', {clock}))::bigint * 1000000"
    f" + extract(microseconds FROM {{clock}})::bigint) FILTER (WHERE {IN_RANGE}), 0)"
)
"""Microseconds since 1970, exact also on servers whose seconds are floats."""

CHANGES = (
    f"{SUM_OF_CLOCKS.format(clock=CLOCK)}, max({CLOCK}) FILTER (WHERE {IN_RANGE.format(clock=CLOCK)}),"
    f" count({CLOCK}), sum(timestamp_hash_extended({CLOCK}::timestamp, 0))"
)
"""The sum of updated_at, the newest one, how many there are, and their digest, whatever their order."""

CONTENT = "0, NULL, 0, sum(hashtextextended((_source.*)::text, 0))"
"""The same of rows without a clock: a digest of all that they hold."""

SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "idle_in_transaction_session_timeout": "0",
}
"""What a transaction is read with; it stays open while rows already read are worked on."""


class PostgresSource:
    """A shop's PostgreSQL server, version 11 or newer.

    All that a run asks comes from one read-only transaction, and so from one state of the shop. A connection that is
    lost is opened again as long as no row was read and the shop is still as it was checked.

    Args:
        url: Such as ``postgresql://reader:password@host:5432/shop``.
        connect_timeout_s: Seconds to wait for a connection.
        statement_timeout_s: Seconds after which the server ends a statement.
        attempts: How often a connection is tried.

    Raises:
        SourceError: The text is no address of a PostgreSQL server.
    """

    def __init__(self, url: str, *, connect_timeout_s: int, statement_timeout_s: int, attempts: int) -> None:
        try:
            self._engine = engine_of(url, connect_timeout_s=connect_timeout_s, application="datamart_kedro")
        except AddressError as error:
            raise SourceError(
                f"The address of the shop's PostgreSQL cannot be used. {error}", f"Correct {ADDRESS}."
            ) from None
        self._place = place_of(url)
        self._statement_timeout_s = statement_timeout_s
        self._attempts = attempts
        self._lock = threading.RLock()
        self._connection: Connection | None = None
        self._columns: dict[str, dict[str, str]] = {}
        self._checked: dict[str, SourceState] = {}
        self._totals: dict[str, Totals] = {}
        self._is_read = False
        self._rows = 0

    def __repr__(self) -> str:
        return f"PostgresSource({self._place!r})"

    def place(self, query: str) -> str:
        """The database, for messages."""
        return self._place

    def check(self, query: str) -> SourceState:
        """Count the rows, find the newest change, and tell this content from another.

        Where updated_at is an instant, the fingerprint is made of all of them, so that a late change older than the
        newest one shows too. Otherwise the server digests the rows themselves.

        Raises:
            SourceError: The server cannot be reached, or refuses the query.
        """
        with self._lock:
            self._checked[query] = self._ask(lambda connection: self._look(connection, query))
            return self._checked[query]

    def describe(self, query: str) -> dict[str, str]:
        """Columns of the query with the engine's types.

        Raises:
            SourceError: The server cannot be reached, or refuses the query.
        """
        with self._lock:
            return dict(self._ask(lambda connection: self._described(connection, query)))

    def extract(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        table: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> int:
        """Make a temporary table of the rows, streamed at bounded memory.

        Returns:
            Number of rows.

        Raises:
            SourceError: The rows cannot be read, or one holds a value that the engine has no place for; nothing is
                left behind.
        """

        def copy(connection: Connection) -> int:
            columns = self._described(connection, query)
            stream = CopyStream(connection, query, columns)
            try:
                with stream, self._named_values(columns), _dropped_on_error(mart, table):
                    _load(stream, columns, mart, table, on_rows)
                    self._require_all(stream)
            finally:
                self._rows = stream.rows
            return stream.rows

        with self._lock:
            rows = self._ask(copy)
            self._rows, self._is_read = 0, True
            return rows

    def parts(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        name: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> ServerParts:
        """The rows, to be asked for in parts, all in the run's snapshot."""
        return ServerParts(self, query, mart, on_rows)

    def totals(self, query: str, kind: str, time_zone: str) -> Totals:
        """Count the rows and sum their updated_at, microseconds since 1970, UTC.

        Args:
            query: The SELECT.
            kind: The engine's type of updated_at.
            time_zone: IANA zone of an updated_at without one.

        Raises:
            SourceError: The server cannot be reached, or refuses the query.
        """
        with self._lock:
            if query not in self._totals:
                self.check(query)
            if kind == WITH_ZONE or time_zone == "UTC":
                return self._totals[query]
            clocks = SUM_OF_CLOCKS.format(clock=clock_in_utc(kind, time_zone))
            asked = f"SELECT count(*), {clocks} FROM ({query}\n) AS _source"
            ((rows, clock),) = self._ask(lambda connection: _answer(connection, asked))
            return Totals(rows, int(clock))

    def count(self, query: str) -> int:
        """Number of rows.

        Raises:
            SourceError: The server cannot be reached, or refuses the query.
        """
        with self._lock:
            asked = f"SELECT count(*) FROM ({query}\n) AS _source"
            ((rows,),) = self._ask(lambda connection: _answer(connection, asked))
            return int(rows)

    def confirm(self) -> None:
        """Nothing to ask: all was read in one snapshot."""

    def close(self) -> None:
        """End the snapshot: the next question sees the shop as it is then."""
        with self._lock:
            self._disconnect()
            self._checked.clear()
            self._totals.clear()
            self._is_read = False

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Ask within the snapshot, and again if the connection was lost before it mattered."""
        return ask_again(self._attempts, lambda: self._ask_once(question))

    def _ask_once(self, question: Callable[[Connection], Answer]) -> Answer:
        import psycopg2

        with quiet_driver() as said:
            try:
                return question(self._snapshot())
            except psycopg2.Error as error:
                is_lost = self._connection is None or self._connection.closed != 0
                self._disconnect()
                if is_lost:
                    raise self._loss(loss_of(said[0] if said else error)) from None
                raise refusal_of(error, self._place, self._statement_timeout_s) from None
            except BaseException:
                self._disconnect()
                raise

    def _snapshot(self) -> Connection:
        """The connection, in its transaction."""
        if self._connection is None:
            self._connection = self._connect()
            self._begin(self._connection)
            self._require_unchanged(self._connection)
        return self._connection

    def _connect(self) -> Connection:
        import psycopg2

        try:
            pooled = self._engine.raw_connection()
        except psycopg2.Error as error:
            happened = f"{self._place} cannot be reached: {cause_of(error)}."
            if was_refused(error):
                raise SourceError(happened, f"Correct {ADDRESS}.") from None
            raise LostError(happened, f"Check that the server is up, and {ADDRESS}.") from None
        connection: Connection = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()
        return connection

    def _begin(self, connection: Connection) -> None:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        settings = SETTINGS | {"statement_timeout": f"{self._statement_timeout_s}s"}
        for name, value in settings.items():  # local to the transaction: a pooler lends the session to others after it
            _answer(connection, f"SET LOCAL {name} = '{value}'")

    def _loss(self, cause: str) -> SourceError:
        """What a lost connection means: a new try before the first row of the run, the end after it."""
        happened = f"the connection to {self._place} was lost"
        if self._rows:
            return SourceError(f"{happened} after {self._rows:,} rows: {cause}.", "Run again.")
        if self._is_read:
            return SourceError(
                f"{happened}: {cause}. Other domains were read before, and the shop may have changed since.",
                "Run again.",
            )
        return LostError(f"{happened}: {cause}.", "Run again.")

    def _require_unchanged(self, connection: Connection) -> None:
        """Refuse to go on in a new snapshot that differs from the one in which domains were checked."""
        for query, state in self._checked.items():
            if self._look(connection, query) != state:
                raise SourceError(f"{self._place} changed while the connection to it was lost.", "Run again.")

    def _described(self, connection: Connection, query: str) -> dict[str, str]:
        if query not in self._columns:
            self._columns[query] = _read(connection, lambda reader: describe(reader, query))
        return self._columns[query]

    def _look(self, connection: Connection, query: str) -> SourceState:
        columns = self._described(connection, query)
        looked_at = CHANGES if columns.get(CLOCK) in CLOCKS else CONTENT
        found = _answer(connection, f"SELECT count(*), {looked_at} FROM ({query}\n) AS _source")
        ((rows, clock, newest, *content),) = found
        shape = hashlib.blake2b(repr(columns).encode(), digest_size=8).hexdigest()
        self._totals[query] = Totals(rows, int(clock))
        return SourceState(rows, newest, ":".join(str(part) for part in ("postgres", shape, rows, newest, *content)))

    def _require_all(self, stream: CopyStream) -> None:
        """Refuse a stream that did not bring all that the server sent."""
        if stream.failure is not None:
            raise stream.failure
        if stream.sent != stream.rows:
            raise SourceError(f"{self._place} sent {stream.sent:,} rows, but {stream.rows:,} arrived.", "Run again.")

    @contextmanager
    def _named_values(self, columns: Mapping[str, str]) -> Iterator[None]:
        """Say where a value stands that the engine has no place for."""
        try:
            yield
        except UnreadableValueError as error:
            name = error.column
            if name is None:
                raise SourceError(f"{self._place}: {error}.", "Mend the query.") from None
            raise SourceError(
                f"{name} of {self._place} cannot be read as {columns[name]}: {error}.",
                f"Give another value or NULL for it in the query; or give the column as text, {name}::text AS {name},"
                " and rows with such values are set aside.",
            ) from None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._columns.clear()


def _load(
    stream: CopyStream,
    columns: Mapping[str, str],
    mart: duckdb.DuckDBPyConnection,
    table: str,
    on_rows: Callable[[int], None] | None,
) -> None:
    incoming = f"incoming_{table}"
    typed = ", ".join(f"{quoted(name)} {LOADED_AS.get(kind, kind)}" for name, kind in columns.items())
    mart.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(table)} ({typed})")
    for rows in stream:
        mart.register(incoming, rows)
        mart.execute(f"INSERT INTO temp.{quoted(table)} SELECT * FROM {quoted(incoming)}")
        mart.unregister(incoming)
        if on_rows:
            on_rows(stream.rows)


@contextmanager
def _dropped_on_error(mart: duckdb.DuckDBPyConnection, table: str) -> Iterator[None]:
    """Leave no table behind that holds a part of the rows."""
    try:
        yield
    except BaseException:
        mart.execute(f"DROP TABLE IF EXISTS temp.{quoted(table)}")
        raise


def _answer(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a statement."""

    def fetch(reader: Any) -> list[tuple[Any, ...]]:
        reader.execute(sql)
        return reader.fetchall() if reader.description else []

    return _read(connection, fetch)


def _read(connection: Connection, reading: Callable[[Any], Answer]) -> Answer:
    """What a cursor gives. It is used in a thread of its own, since psycopg2 does not hear Ctrl-C while it waits."""

    def read() -> Answer:
        with connection.cursor() as reader:
            return reading(reader)

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(read)
        try:
            return answer.result()
        except KeyboardInterrupt:
            connection.cancel()
            raise
