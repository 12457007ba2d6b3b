"""Bring a replica to the version of its mart: in one transaction, by what changed, without blocking its readers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from psycopg2.sql import SQL, Identifier

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.mart import Mart
from datamart_kedro.replica.as_of import functions_to_make
from datamart_kedro.replica.changes import ServedTable
from datamart_kedro.replica.plan import Action, Replica, plan
from datamart_kedro.replica.refusals import LATER, Attempt
from datamart_kedro.replica.report import ReplicaReport
from datamart_kedro.replica.schema import Found, comments, is_misshapen, missing_columns, schema_exists
from datamart_kedro.replica.served import Served, served_tables
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.snapshot import snapshot_of
from datamart_kedro.replica.state import STATE, Columns, Held, add_columns, create_state, note_version, take_lock
from datamart_kedro.replica.work import Work, begin, connected, place_in


def synchronise(mart: Mart, settings: ReplicaSettings, url: str | None, doubted: Collection[str] = ()) -> ReplicaReport:
    """Bring a PostgreSQL schema to the mart's published version; if it holds that already, nothing is written.

    Args:
        mart: What it has committed is served.
        settings: Schema and time-outs.
        url: Address of the server.
        doubted: Tables of which every row is compared, whatever their version says.

    Raises:
        ReplicaError: The replica holds what it held before.
        MartFileError: There is no mart, or another process holds it.
    """
    started = perf_counter()
    place = place_in(settings, url)
    with snapshot_of(mart) as snapshot:
        version = snapshot.newest_version()
        if version is None:
            return ReplicaReport(place, None, 0)
        attempt = Attempt(place, version.number)
        with attempt.refusing():
            served = served_tables(snapshot)
            with connected(settings, url) as connection:
                work = Work(snapshot, version, served, connection, connection.cursor(), settings, attempt)
                done = _synchronise(work, doubted)
    return ReplicaReport(
        place,
        before=done.before,
        version=version.number,
        written=sum(table.written for table in done.tables),
        deleted=sum(table.deleted for table in done.tables),
        seconds=perf_counter() - started,
        mended=tuple(done.mended),
        left_over=tuple(done.left_over),
    )


@dataclass
class _Done:
    """What a synchronisation did."""

    before: int | None
    left_over: list[str]
    tables: list[ServedTable] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)


def _synchronise(work: Work, doubted: Collection[str]) -> _Done:
    """Look, and write only if there is something to write."""
    begin(work.cursor, work.settings)
    replica = work.look()
    if not doubted and _is_current(work, replica):
        return _Done(replica.number, _left_over(work, replica))
    suspects = _add_columns(work, replica) | {*doubted}
    take_lock(work.cursor, work.schema, work.settings.lock_timeout_s)
    replica = work.look()
    done = _write(work, replica, suspects)
    work.connection.commit()
    return done


def _is_current(work: Work, replica: Replica) -> bool:
    if replica.state is None or replica.held != work.version or replica.state.columns != _columns(work):
        return False
    actions = plan(work.cursor, work.schema, work.snapshot, work.served, replica, work.version)
    if set(actions.values()) != {"leave"} or functions_to_make(work.cursor, work.schema, work.served):
        return False
    return not any(any(comments(SQL(""), served, replica.tables[served.name])) for served in work.served)


def _add_columns(work: Work, replica: Replica) -> set[str]:
    """Add new columns, empty, each table in a transaction of its own, and give the names of the tables.

    A table is locked for readers until the end of the transaction that alters it: here that is at once.
    """
    lacking = _lacking(work, replica)
    for served in lacking:
        work.attempt.table = served.name
        take_lock(work.cursor, work.schema, work.settings.lock_timeout_s)
        work.table(served).add_columns(replica.tables[served.name], work.settings.lock_timeout_s)
        work.connection.commit()
        begin(work.cursor, work.settings)
    work.attempt.table = ""
    return {served.name for served in lacking}


def _lacking(work: Work, replica: Replica) -> list[Served]:
    """Tables that lack columns, and have no other fault."""
    tables = replica.tables
    there = [served for served in work.served if served.name in tables]
    return [
        served
        for served in there
        if missing_columns(served, tables[served.name]) and not is_misshapen(served, tables[served.name])
    ]


def _write(work: Work, replica: Replica, suspects: set[str]) -> _Done:
    """Bring all tables to the version, in the transaction that is open, and compare every row of the suspects."""
    _create_schema(work, replica)
    done = _Done(replica.number, _left_over(work, replica))
    actions = plan(work.cursor, work.schema, work.snapshot, work.served, replica, work.version)
    for served in work.served:
        work.attempt.table = served.name
        action = actions[served.name]
        if served.name in suspects and action in ("follow", "leave"):
            action = "mend"
        table, found = work.table(served), replica.tables.get(served.name)
        was_right = bring(table, action, found, replica.number or 0)
        by_hand = replica.held == work.version and served.stamp is not None and action not in ("follow", "leave")
        if not was_right or (by_hand and table.written + table.deleted):
            done.mended.append(served.name)
        table.comment(found if action in ("mend", "follow", "leave") else None)
        done.tables.append(table)
    _make_functions(work)
    work.attempt.table = ""
    at = datetime.now(UTC).replace(tzinfo=None)
    note_version(work.cursor, work.schema, Held(work.version, str(work.snapshot.path), at, _columns(work)))
    return done


def _make_functions(work: Work) -> None:
    """Make the functions that read tables as they were, where they are not in step with their table."""
    for function in functions_to_make(work.cursor, work.schema, work.served):
        work.attempt.table = function.name
        for statement in function.statements(work.cursor):
            work.cursor.execute(statement)


def _columns(work: Work) -> Columns:
    """What is served, with the types that it has in the mart."""
    return {served.name: [[name, kind] for name, kind in served.kinds.items()] for served in work.served}


def bring(table: ServedTable, action: Action, found: Found | None, held: int) -> bool:
    """Bring one table to the mart's version; was it what the version held had published?

    Raises:
        ReplicaError: The rows that arrived are not those of the mart.
    """
    if action == "leave":
        return True
    if action == "follow":
        table.follow(held)
        if table.is_alike():
            return True
    if action == "create":
        table.create()
    elif action == "remake" and found is not None:
        table.remake(found)
    else:
        table.mend()
    if not table.is_alike():
        raise ReplicaError(f"{table.name}: the rows that arrived are not those of the mart.", LATER)
    return action != "follow"


def _create_schema(work: Work, replica: Replica) -> None:
    if not schema_exists(work.cursor, work.schema):
        work.cursor.execute(SQL("CREATE SCHEMA {}").format(Identifier(work.schema)))
    if STATE not in replica.tables:
        create_state(work.cursor, work.schema)
    elif "columns" not in replica.tables[STATE].columns:
        add_columns(work.cursor, work.schema)


def _left_over(work: Work, replica: Replica) -> list[str]:
    """Tables in the schema that no domain publishes any more."""
    served = {table.name for table in work.served}
    return sorted(name for name in replica.tables if name.startswith("tb_") and name not in served)
