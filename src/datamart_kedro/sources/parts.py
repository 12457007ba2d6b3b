"""The rows of a domain's source, asked for in parts: those changed since, those of some keys, or the keys alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import duckdb

from datamart_kedro.columns import CLOCK
from datamart_kedro.mart.mart import literal, quoted

WITH_ZONE = "TIMESTAMP WITH TIME ZONE"
CLOCKS = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", WITH_ZONE)
"""Types of updated_at that tell two changes of one day apart."""
IN_RANGE = "{clock} BETWEEN '0001-01-02' AND '9999-12-30'"
"""What can be counted on: sources know instants such as infinity."""
MAX_KEYS = 20_000
"""That one question to a server may name."""


OLDEST = datetime(1900, 1, 1)
"""Of zones before that, none is asked for its offset."""


class TooManyKeysError(Exception):
    """More rows have to be asked for by their keys than a server can be asked for."""


@dataclass(frozen=True)
class Totals:
    """What tells whether rows were missed.

    Attributes:
        rows: How many there are.
        clock: Sum of their updated_at, microseconds since 1970, UTC.
    """

    rows: int
    clock: int

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.rows + other.rows, self.clock + other.clock)

    def __sub__(self, other: Totals) -> Totals:
        return Totals(self.rows - other.rows, self.clock - other.clock)


class SourceParts(Protocol):
    """The rows of a SELECT; all answers are of one state of the shop. Conditions are SQL that every engine reads.

    Attributes:
        all_tell: Is it known, since the totals were asked for, that every row has an updated_at?
    """

    all_tell: bool

    def totals(self, kind: str, time_zone: str) -> Totals:
        """Count the rows and sum their updated_at, which is of a kind, in a zone if it states none."""

    def count(self, condition: str) -> int:
        """Number of rows that a condition holds for."""

    def read(self, table: str, condition: str = "true", columns: Sequence[str] = ()) -> int:
        """Make a temporary table of rows that a condition holds for, and return their number.

        Args:
            table: Its name.
            condition: Which rows.
            columns: Which columns; all if absent.
        """

    def read_keys(self, table: str, column: str, keys: str) -> int:
        """Make a temporary table of the rows whose column has one of the values of a temporary table's, and count them.

        Raises:
            TooManyKeysError: They cannot be asked for.
        """

    def read_all(self, table: str) -> int:
        """Make a temporary table or view of all rows, and return their number."""

    def close(self) -> None:
        """Let go of what was read to answer."""


@dataclass
class LocalParts:
    """Rows that the engine reads itself: out of files.

    Attributes:
        engine: The mart's connection.
        whole: Temporary table or view of all rows.
        kind: TABLE or VIEW.
        rows: How many there are.
        all_tell: See `SourceParts`.
    """

    engine: duckdb.DuckDBPyConnection
    whole: str
    kind: str
    rows: int
    all_tell: bool = False

    def totals(self, kind: str, time_zone: str) -> Totals:
        """See `SourceParts`."""
        clock = f"epoch_us(CAST({clock_in_utc(kind, time_zone)} AS TIMESTAMP))"
        known = f"CASE WHEN {IN_RANGE.format(clock=CLOCK)} THEN {clock} END"
        ((rows, tell, total),) = self.engine.execute(
            f"SELECT count(*), count({CLOCK}), sum({known}) FROM {self._place}"
        ).fetchall()
        self.all_tell = tell == rows
        return Totals(int(rows), int(total or 0))

    def count(self, condition: str) -> int:
        """See `SourceParts`."""
        ((rows,),) = self.engine.execute(f"SELECT count(*) FROM {self._place} WHERE {condition}").fetchall()
        return int(rows)

    def read(self, table: str, condition: str = "true", columns: Sequence[str] = ()) -> int:
        """See `SourceParts`."""
        wanted = ", ".join(map(quoted, columns)) or "*"
        return self._keep(table, f"SELECT {wanted} FROM {self._place} WHERE {condition}")

    def read_keys(self, table: str, column: str, keys: str) -> int:
        """See `SourceParts`."""
        wanted = f"SELECT {quoted(column)} FROM temp.{quoted(keys)}"
        return self._keep(table, f"SELECT * FROM {self._place} WHERE {quoted(column)} IN ({wanted})")

    def read_all(self, table: str) -> int:
        """See `SourceParts`."""
        for kind in ("TABLE", "VIEW"):
            found = f"SELECT 1 FROM duckdb_{kind.lower()}s() WHERE temporary AND {kind.lower()}_name = {literal(table)}"
            if self.engine.execute(found).fetchall():
                self.engine.execute(f"DROP {kind} temp.{quoted(table)}")
        self.engine.execute(f"ALTER {self.kind} {self._place} RENAME TO {quoted(table)}")
        self.whole = table
        return self.rows

    def close(self) -> None:
        """See `SourceParts`."""
        self.engine.execute(f"DROP {self.kind} IF EXISTS {self._place}")

    @property
    def _place(self) -> str:
        return f"temp.{quoted(self.whole)}"

    def _keep(self, table: str, select: str) -> int:
        self.engine.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(table)} AS {select}")
        ((rows,),) = self.engine.execute(f"SELECT count(*) FROM temp.{quoted(table)}").fetchall()
        return int(rows)


class Server(Protocol):
    """What a server answers."""

    def extract(
        self, query: str, mart: duckdb.DuckDBPyConnection, table: str, on_rows: Callable[[int], None] | None = None
    ) -> int:
        """Make a temporary table of the rows and return their number."""

    def totals(self, query: str, kind: str, time_zone: str) -> Totals:
        """Count the rows and sum their updated_at."""

    def count(self, query: str) -> int:
        """Number of rows."""


@dataclass
class ServerParts:
    """Rows that a server is asked for, all in one snapshot.

    Attributes:
        server: The shop.
        query: The domain's SELECT.
        engine: The mart's connection.
        on_rows: Called with the number of rows read so far.
        all_tell: See `SourceParts`; a server is not asked.
    """

    server: Server
    query: str
    engine: duckdb.DuckDBPyConnection
    on_rows: Callable[[int], None] | None = None
    all_tell: bool = False

    def totals(self, kind: str, time_zone: str) -> Totals:
        """See `SourceParts`."""
        return self.server.totals(self.query, kind, time_zone)

    def count(self, condition: str) -> int:
        """See `SourceParts`."""
        return self.server.count(self._select("*", condition))

    def read(self, table: str, condition: str = "true", columns: Sequence[str] = ()) -> int:
        """See `SourceParts`."""
        wanted = ", ".join(map(quoted, columns)) or "*"
        return self.server.extract(self._select(wanted, condition), self.engine, table, self.on_rows)

    def read_keys(self, table: str, column: str, keys: str) -> int:
        """See `SourceParts`."""
        found = self.engine.execute(
            f"SELECT DISTINCT CAST({quoted(column)} AS VARCHAR), typeof({quoted(column)}) LIKE '%INT%'"
            f" FROM temp.{quoted(keys)} LIMIT {MAX_KEYS + 1}"
        ).fetchall()
        if len(found) > MAX_KEYS:
            raise TooManyKeysError
        values = ", ".join(value if is_whole else literal(value) for value, is_whole in found)
        return self.read(table, f"{quoted(column)} IN ({values})")

    def read_all(self, table: str) -> int:
        """See `SourceParts`."""
        return self.server.extract(self.query, self.engine, table, self.on_rows)

    def close(self) -> None:
        """See `SourceParts`."""

    def _select(self, wanted: str, condition: str) -> str:
        return f"SELECT {wanted} FROM ({self.query}\n) AS _source WHERE {condition}"


def clock_in_utc(kind: str, time_zone: str) -> str:
    """The column updated_at as an instant, in the SQL of every engine."""
    if kind == WITH_ZONE:
        return f"({CLOCK} AT TIME ZONE 'UTC')"
    return CLOCK if time_zone == "UTC" else f"(({CLOCK} AT TIME ZONE {literal(time_zone)}) AT TIME ZONE 'UTC')"


def changed_since(since: datetime, kind: str, time_zone: str, *, all_tell: bool = False) -> str:
    """The condition of rows that changed since an instant, UTC, or that do not tell.

    Where all rows tell, the condition is one that lets the engine leave out parts of files in which none changed.
    Where clocks are put back, a time of the day comes twice: the first of the two is meant, so that none is left out.
    """
    if kind == WITH_ZONE:
        bound = f"TIMESTAMPTZ {literal(since.isoformat(sep=' ') + '+00')}"
    else:
        offset = _least_offset(since, time_zone)
        by_the_clock = since + offset if since - datetime.min > -offset else datetime.min
        bound = f"TIMESTAMP {literal(by_the_clock.isoformat(sep=' '))}"
    return f"({CLOCK} >= {bound})" if all_tell else f"({CLOCK} >= {bound} OR {CLOCK} IS NULL)"


def _least_offset(since: datetime, time_zone: str) -> timedelta:
    """The smallest offset from UTC that a zone has in the year around an instant."""
    at, zone = max(since, OLDEST).replace(tzinfo=UTC), ZoneInfo(time_zone)
    offsets = [(at + timedelta(days=30 * months)).astimezone(zone).utcoffset() for months in range(-1, 13)]
    return min(offset for offset in offsets if offset is not None)
