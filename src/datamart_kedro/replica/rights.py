"""Who may read a replica: all that is served there, now and by later runs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from datamart_kedro.errors import ReplicaError
from datamart_kedro.replica.as_of import function_names
from datamart_kedro.replica.refusals import Attempt
from datamart_kedro.replica.schema import found_tables, schema_exists
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.state import STATE, held_version, take_lock
from datamart_kedro.replica.work import begin, connected, place_in

AGAIN = "Grant again when that is mended."
SAME = "The rights are what they were."

_FUNCTIONS = """
SELECT proname, oidvectortypes(proargtypes) FROM pg_proc
WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND proname = ANY(%s) ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Rights:
    """What a role may read.

    Attributes:
        place: Schema, database and host, without secrets.
        role: Its name.
        tables: Served tables.
        functions: Number of functions that read them as they were.
        may_read: May it read them all now?
    """

    place: str
    role: str
    tables: Sequence[str]
    functions: int
    may_read: bool


def grant(settings: ReplicaSettings, url: str | None, role: str, *, revoke: bool = False) -> Rights:
    """Let a role read what is served, now and in later runs; or take that from it. All of it, or nothing.

    Args:
        settings: Schema and time-outs.
        url: Address of the server, with the role that writes the replica.
        role: Name of the role that reads, in upper and lower case as the server has it.
        revoke: Take the rights back?

    Raises:
        ReplicaError: There is no such role or schema, or the writer does not own it; rights are as they were.
    """
    attempt = Attempt(place_in(settings, url), 0, failed="keeps its rights", later=AGAIN, told_state=SAME)
    with attempt.refusing(), connected(settings, url) as connection:
        cursor = connection.cursor()
        begin(cursor, settings)
        _require_role(cursor, role)
        _require_schema(cursor, settings.schema_name)
        take_lock(cursor, settings.schema_name, settings.lock_timeout_s)
        tables = _served(cursor, settings.schema_name)
        functions = _functions(cursor, settings.schema_name, tables)
        for statement in _statements(settings.schema_name, role, tables, functions, revoke=revoke):
            cursor.execute(statement)
        may_read = _may_read(cursor, settings.schema_name, role, tables)
        if not (revoke or may_read):
            raise ReplicaError(
                f"The writer may not give rights on the schema {settings.schema_name}: it does not own it.",
                "Let an administrator give it the schema, as docs/serve-in-postgresql.md says, then grant again.",
            )
        connection.commit()
        return Rights(attempt.place, role, tables, len(functions), may_read)


def rights_lines(rights: Rights, *, revoke: bool) -> Iterator[str]:
    """What to tell about rights that were given or taken."""
    if not revoke:
        yield (
            f'"{rights.role}" may read {rights.place}: {len(rights.tables)} tables, {rights.functions} functions,'
            " and what later runs make there."
        )
        return
    yield f'The rights of "{rights.role}" on {rights.place} are taken back.'
    if rights.may_read:
        yield f'"{rights.role}" can still read there: by a role that it belongs to, as the owner, or as everyone may.'


def _require_role(cursor: Cursor, role: str) -> None:
    cursor.execute("SELECT rolname FROM pg_roles WHERE lower(rolname) = lower(%s) ORDER BY 1", [role])
    alike = [name for (name,) in cursor.fetchall()]
    if role in alike:
        return
    create = SQL("CREATE ROLE {}").format(Identifier(role)).as_string(cursor)
    raise ReplicaError(
        f'There is no role "{role}" on the server.',
        f'There is "{alike[0]}": upper and lower case count.'
        if alike
        else f"Make it with {create}, with LOGIN for a person or a tool; then grant again.",
    )


def _require_schema(cursor: Cursor, schema: str) -> None:
    if not schema_exists(cursor, schema):
        raise ReplicaError(
            f"There is no schema {schema} yet.", "Serve the mart first, with `kedro run`; then grant again."
        )


def _served(cursor: Cursor, schema: str) -> list[str]:
    """Names of the tables that the mart has in a schema; none before the first run."""
    tables = found_tables(cursor, schema)
    held = held_version(cursor, schema) if STATE in tables else None
    return [name for name in (STATE, *(held.columns if held else ())) if name in tables]


def _functions(cursor: Cursor, schema: str, tables: Sequence[str]) -> list[Composed]:
    cursor.execute(_FUNCTIONS, [schema, function_names(tables)])
    return [SQL("{}({})").format(Identifier(schema, name), SQL(arguments)) for name, arguments in cursor.fetchall()]


def _statements(
    schema: str, role: str, tables: Sequence[str], functions: Sequence[Composed], *, revoke: bool
) -> Iterator[Composed]:
    """What gives the rights, or takes them; objects of later runs get them when they are made."""
    word, to = (SQL("REVOKE"), SQL("FROM")) if revoke else (SQL("GRANT"), SQL("TO"))
    reader = Identifier(role)

    def change(right: str, on: Composable) -> Composed:
        return SQL("{} {} ON {} {} {}").format(word, SQL(right), on, to, reader)

    later = SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {}").format(Identifier(schema))
    yield change("USAGE", SQL("SCHEMA {}").format(Identifier(schema)))
    if tables:
        yield change("SELECT", SQL(", ").join(Identifier(schema, name) for name in tables))
    if functions:
        yield change("EXECUTE", SQL("FUNCTION {}").format(SQL(", ").join(functions)))
    yield SQL("{} {}").format(later, change("SELECT", SQL("TABLES")))
    yield SQL("{} {}").format(later, change("EXECUTE", SQL("FUNCTIONS")))


def _may_read(cursor: Cursor, schema: str, role: str, tables: Sequence[str]) -> bool:
    """May a role read all tables? A grant of somebody who may not give it is no error, but a warning."""
    reads = [
        SQL("has_table_privilege({}, {}, 'SELECT')").format(
            Literal(role), Literal(Identifier(schema, name).as_string(cursor))
        )
        for name in tables
    ]
    uses = SQL("has_schema_privilege({}, {}, 'USAGE')").format(Literal(role), Literal(schema))
    cursor.execute(SQL("SELECT {}").format(SQL(" AND ").join([uses, *reads])))
    return bool(cursor.fetchall()[0][0])
