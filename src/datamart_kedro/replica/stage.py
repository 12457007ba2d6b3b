"""A temporary table of the server that takes rows of the mart, to be held against those of a served table."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composed, Identifier

from datamart_kedro.replica.served import Served
from datamart_kedro.replica.snapshot import Snapshot
from datamart_kedro.replica.transfer import copy_keys, copy_rows

STAGE = Identifier("pg_temp", "replica_stage")


class Stage:
    """Rows of one table of the mart, on the server, until they are dropped or the transaction ends."""

    def __init__(self, snapshot: Snapshot, cursor: Cursor, served: Served) -> None:
        self._snapshot, self._cursor, self._served = snapshot, cursor, served

    def hold_rows(self, select: str) -> int:
        """Take the rows of a SELECT of the mart with all columns of the table, and return their number."""
        self._make(tuple(self._served.columns))
        rows = copy_rows(self._snapshot, self._served, select, self._cursor, STAGE)
        self._analyze()
        return rows

    def hold_keys(self, select: str) -> int:
        """Take the keys of a SELECT of the mart, and return their number."""
        self._make(self._served.key)
        rows = copy_keys(self._snapshot, self._served, select, self._cursor, STAGE)
        self._analyze()
        return rows

    def drop(self) -> None:
        """Make room for the next table."""
        self._cursor.execute(SQL("DROP TABLE {}").format(STAGE))

    def _make(self, columns: tuple[str, ...]) -> None:
        kinds = SQL(", ").join(SQL("{} {}").format(Identifier(n), SQL(self._served.columns[n])) for n in columns)
        self._cursor.execute(SQL("CREATE TEMP TABLE replica_stage ({}) ON COMMIT DROP").format(kinds))

    def _analyze(self) -> None:
        self._cursor.execute(SQL("ANALYZE {}").format(STAGE))  # nobody else does that for a temporary table


def same_key(served: Served, left: str, right: str) -> Composed:
    """Condition that rows of two tables have the same key.

    Args:
        served: Whose key it is.
        left: Alias of one table.
        right: Alias of the other.
    """
    return SQL(" AND ").join(
        SQL("{} = {}").format(Identifier(left, name), Identifier(right, name)) for name in served.key
    )
