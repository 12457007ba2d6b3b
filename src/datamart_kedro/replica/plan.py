"""What a replica has, and what each of its tables needs to hold the mart's version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Identifier

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.ledger import FORGOTTEN, PRUNED
from datamart_kedro.mart.mart import quoted
from datamart_kedro.mart.versions import Version
from datamart_kedro.replica.changes import ServedTable
from datamart_kedro.replica.schema import Found, found_tables, has_unfilled_columns, is_misshapen, missing_columns
from datamart_kedro.replica.served import Served
from datamart_kedro.replica.snapshot import Snapshot
from datamart_kedro.replica.state import STATE, Held, held_version

Action = Literal["create", "remake", "mend", "follow", "leave"]
"""What a table needs. `follow` applies what changed since the version held, `mend` compares every row."""


@dataclass(frozen=True)
class Replica:
    """What the server has.

    Attributes:
        tables: Tables of the schema, by name.
        state: What it knows of itself, None if it holds nothing of this mart.
    """

    tables: Mapping[str, Found]
    state: Held | None

    @property
    def held(self) -> Version | None:
        """The version that it holds, None if it holds none of this mart."""
        return self.state.version if self.state else None

    @property
    def number(self) -> int | None:
        """Number of the version held."""
        return self.held.number if self.held else None


def look_at_replica(cursor: Cursor, schema: str, snapshot: Snapshot, served: Sequence[Served]) -> Replica:
    """See what the server has.

    Raises:
        ReplicaError: The schema is not this mart's.
    """
    tables = found_tables(cursor, schema)
    if STATE not in tables:
        _refuse_strangers(schema, sorted({table.name for table in served} & tables.keys()))
        return Replica(tables, None)
    held = held_version(cursor, schema)
    if held is None:
        return Replica(tables, None)
    if snapshot.version(held.version.number) != held.version:
        take_over = SQL("DELETE FROM {}").format(Identifier(schema, STATE)).as_string(cursor)
        raise ReplicaError(
            f"The schema {schema} holds version {held.version.number} of run {held.version.run_id}, which the mart"
            f" {snapshot.path} never published; the mart {held.mart} wrote it, or a later copy of this one.",
            "Serve this mart from another schema (replica.schema in globals.yml). To let it take over and replace all"
            f" rows there, run `{take_over}` on the server, then run again.",
        )
    return Replica(tables, held)


def plan(
    cursor: Cursor, schema: str, snapshot: Snapshot, served: Sequence[Served], replica: Replica, version: Version
) -> dict[str, Action]:
    """What each table needs, by its name."""
    actions: dict[str, Action] = {table.name: _action(table, replica, version) for table in served}
    unlike = _unlike(cursor, schema, snapshot, [table for table in served if actions[table.name] == "leave"])
    actions |= dict.fromkeys(unlike, "follow")
    if _is_behind_an_erasure(cursor, schema, snapshot, served, replica):
        stale = (table.name for table in served if table.names_persons and actions[table.name] in ("follow", "leave"))
        actions |= dict.fromkeys(stale, "mend")
    return actions


def _action(served: Served, replica: Replica, version: Version) -> Action:
    found = replica.tables.get(served.name)
    if found is None:
        return "create"
    if is_misshapen(served, found):
        return "remake"
    if replica.held is None or missing_columns(served, found) or has_unfilled_columns(served, found):
        return "mend"
    if replica.held.number < served.reaches_back_to:
        return "mend"
    return "follow" if replica.held.number < version.number else "leave"


def _unlike(cursor: Cursor, schema: str, snapshot: Snapshot, served: Sequence[Served]) -> set[str]:
    """Tables without the rows of the version that they should hold: emptied by hand, or the ledger, which has none.

    A large published table takes no longer than a small one.
    """
    stamped = [table for table in served if table.stamp is not None]
    unlike = {
        table.name
        for table in served
        if table.stamp is None and not ServedTable(snapshot, cursor, schema, table).is_alike()
    }
    if PRUNED.name in unlike:
        unlike |= {table.name for table in served if table.is_history}
    if stamped:
        here = snapshot.rows(_any_rows([quoted(table.name) for table in stamped]))[0]
        cursor.execute(_any_rows([Identifier(schema, table.name).as_string(cursor) for table in stamped]))
        there = cursor.fetchall()[0]
        unlike |= {table.name for table, *any_rows in zip(stamped, here, there, strict=True) if len({*any_rows}) > 1}
    return unlike


def _is_behind_an_erasure(
    cursor: Cursor, schema: str, snapshot: Snapshot, served: Sequence[Served], replica: Replica
) -> bool:
    """Was a person erased of whom the replica may hold rows?"""
    for table in served:
        if table.name == FORGOTTEN.name:
            if table.name not in replica.tables:
                return bool(snapshot.rows(f"SELECT 1 FROM {quoted(table.name)} LIMIT 1"))
            return not ServedTable(snapshot, cursor, schema, table).is_alike()
    return False


def _any_rows(tables: Sequence[str]) -> str:
    return "SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables)


def _refuse_strangers(schema: str, names: Sequence[str]) -> None:
    if names:
        raise ReplicaError(
            f"The schema {schema} has {', '.join(names)}, which no mart wrote.",
            "Name another schema as replica.schema in globals.yml, or drop or rename what is there.",
        )
