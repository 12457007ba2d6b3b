"""How the rows of one served table are brought to what the mart holds, within a transaction. DML, so readers go on."""

from __future__ import annotations

from time import monotonic, sleep

from psycopg2.errors import LockNotAvailable
from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composed, Identifier, Literal

from datamart_kedro.mart.ledger import LEDGER
from datamart_kedro.mart.mart import quoted, timestamp
from datamart_kedro.replica import schema
from datamart_kedro.replica.schema import Found, identifiers
from datamart_kedro.replica.served import ENDED, Served
from datamart_kedro.replica.snapshot import Snapshot
from datamart_kedro.replica.stage import STAGE, Stage, same_key
from datamart_kedro.replica.transfer import copy_rows

WAIT_S = 0.5
"""Seconds for which a new column may keep readers waiting, and then lets them pass."""


class ServedTable:
    """One table of a replica, in the transaction that brings it to another version.

    Attributes:
        name: Its name.
        written: Rows that were inserted or updated.
        deleted: Rows that were deleted.
    """

    def __init__(self, snapshot: Snapshot, cursor: Cursor, schema_name: str, served: Served) -> None:
        self.name = served.name
        self.written = 0
        self.deleted = 0
        self._snapshot = snapshot
        self._cursor = cursor
        self._served = served
        self._table = Identifier(schema_name, served.name)
        self._stage = Stage(snapshot, cursor, served)

    def create(self) -> None:
        """Make the table, with all of its rows."""
        self._execute(schema.create_table(self._table, self._served))
        self.written += copy_rows(self._snapshot, self._served, self._served.rows(), self._cursor, self._table)
        self._execute(schema.add_primary_key(self._table, self._served))
        self._execute(SQL("ANALYZE {}").format(self._table))

    def remake(self, found: Found) -> None:
        """Give the table another shape and all of its rows anew; readers wait from when the rows have arrived."""
        self._stage.hold_rows(self._served.rows())
        self.deleted += self._execute(SQL("DELETE FROM {}").format(self._table))
        for statement in schema.reshape(self._table, self._served, found):
            self._execute(statement)
        columns = identifiers(self._served.columns)
        insert = SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(self._table, columns, columns, STAGE)
        self.written += self._execute(insert)
        self._execute(schema.add_primary_key(self._table, self._served))
        self._stage.drop()

    def add_columns(self, found: Found, patience_s: float) -> None:
        """Add the columns that the table lacks.

        Whoever comes to read while this waits for a reader waits behind it, so that it waits for little at a time.
        """
        statement = schema.add_columns(self._table, schema.missing_columns(self._served, found))
        deadline = monotonic() + patience_s
        while True:
            self._cursor.execute("SAVEPOINT unaltered")
            self._cursor.execute(f"SET LOCAL lock_timeout = {int(WAIT_S * 1000)}")
            try:
                self._execute(statement)
                return
            except LockNotAvailable:
                self._cursor.execute("ROLLBACK TO SAVEPOINT unaltered")
                if monotonic() > deadline:
                    raise
                sleep(WAIT_S)

    def comment(self, found: Found | None) -> None:
        """Write down what the table and its columns mean."""
        for statement in schema.comments(self._table, self._served, found):
            self._execute(statement)

    def follow(self, held: int) -> None:
        """Apply what the mart's versions changed since the one that the replica holds.

        Args:
            held: Number of that version.
        """
        if gone := self._served.gone_keys(held):
            self._delete(gone)
        self._upsert(self._changed_since(held))
        if self._served.is_history and self._served.oldest:
            cut = SQL("DELETE FROM {} WHERE {} <= {}").format(
                self._table, Identifier(ENDED), Literal(self._served.oldest)
            )
            self.deleted += self._execute(cut)

    def mend(self) -> None:
        """Compare every row with the mart's, and replace those that differ."""
        self._stage.hold_rows(self._served.rows())
        columns = self._served.columns
        same_row = SQL("({}) IS NOT DISTINCT FROM ({})").format(
            identifiers(columns, "new"), identifiers(columns, "old")
        )
        self.deleted += self._execute(
            SQL("DELETE FROM {} AS old WHERE NOT EXISTS (SELECT FROM {} AS new WHERE {} AND {})").format(
                self._table, STAGE, same_key(self._served, "new", "old"), same_row
            )
        )
        self.written += self._execute(
            SQL(
                "INSERT INTO {} ({}) SELECT {} FROM {} AS new WHERE NOT EXISTS (SELECT FROM {} AS old WHERE {})"
            ).format(
                self._table,
                identifiers(columns),
                identifiers(columns, "new"),
                STAGE,
                self._table,
                same_key(self._served, "new", "old"),
            )
        )
        self._stage.drop()

    def is_alike(self) -> bool:
        """Has the table as many rows as the mart's, of the same versions? One scan in each store."""
        signature = self._served.signature
        here = self._snapshot.rows(f"SELECT {signature} FROM {quoted(self.name)}")[0]
        self._execute(SQL("SELECT {} FROM {}").format(SQL(signature), self._table))
        there = self._cursor.fetchall()[0]
        return [int(figure) for figure in here] == [int(figure) for figure in there]

    def _changed_since(self, held: int) -> str:
        """Condition, in SQL of the mart, of the rows that the replica may lack."""
        if self._served.stamp is not None:
            return f"{self._served.stamp} > {held}"
        if self.name != LEDGER.name:
            return "true"
        self._execute(
            SQL(
                "SELECT coalesce(min(started_at) FILTER (WHERE status = 'running'), max(started_at))"
                " AT TIME ZONE 'UTC' FROM {}"
            ).format(self._table)
        )
        (since,) = self._cursor.fetchall()[0]
        return f"started_at >= {timestamp(since)}" if since else "true"

    def _delete(self, keys: str) -> None:
        if self._stage.hold_keys(keys):
            self.deleted += self._execute(
                SQL("DELETE FROM {} AS old USING {} AS new WHERE {}").format(
                    self._table, STAGE, same_key(self._served, "new", "old")
                )
            )
        self._stage.drop()

    def _upsert(self, condition: str) -> None:
        """Insert rows, or update those of the same key that differ."""
        if self._stage.hold_rows(self._served.rows(condition)):
            columns = self._served.columns
            values = [name for name in columns if name not in self._served.key]
            update = SQL("DO UPDATE SET {} WHERE ({}) IS DISTINCT FROM ({})").format(
                SQL(", ").join(SQL("{} = {}").format(Identifier(n), Identifier("excluded", n)) for n in values),
                identifiers(values, "old"),
                identifiers(values, "excluded"),
            )
            self.written += self._execute(
                SQL("INSERT INTO {} AS old ({}) SELECT {} FROM {} ON CONFLICT ({}) {}").format(
                    self._table,
                    identifiers(columns),
                    identifiers(columns),
                    STAGE,
                    identifiers(self._served.key),
                    update,
                )
            )
        self._stage.drop()

    def _execute(self, statement: Composed) -> int:
        self._cursor.execute(statement)
        return self._cursor.rowcount
