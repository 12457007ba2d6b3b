"""SQL that makes a shop's PostgreSQL tell of changes: triggers on the tables that domains read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

NAME = "datamart_notify"
"""Of the function, one in each schema, and of the triggers."""

_FUNCTION = """CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify({channel}, TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME);
  RETURN NULL;
END $$;
"""
_TRIGGER = """DROP TRIGGER IF EXISTS {name} ON {table};
CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
  FOR EACH STATEMENT EXECUTE FUNCTION {function}();
"""

Table = tuple[str, str]
"""Schema and name."""


def tables_read(connection: Connection, queries: Iterable[str]) -> list[Table]:
    """Tables that queries read, those below views included, as the server plans them; sorted, each once."""
    found: set[Table] = set()
    with connection.cursor() as reader:
        for query in queries:
            reader.execute(f"EXPLAIN (FORMAT JSON, VERBOSE) {query}")
            ((plan,),) = reader.fetchall()
            found.update(_relations(plan))
    return sorted(found)


def _relations(part: Any) -> Iterator[Table]:
    """Tables in a part of a plan."""
    if isinstance(part, Mapping):
        if "Relation Name" in part:
            yield part["Schema"], part["Relation Name"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _relations(inner)


def trigger_sql(connection: Connection, tables: Iterable[Table], channel: str) -> str:
    """Statements that install the triggers, to be run by who owns the tables; running them again changes nothing.

    Args:
        connection: Any; names and texts are quoted for its server.
        tables: Those to tell of.
        channel: Of NOTIFY.
    """
    from psycopg2 import sql

    tables = list(tables)
    functions = [
        sql.SQL(_FUNCTION).format(function=sql.Identifier(schema, NAME), channel=sql.Literal(channel))
        for schema in sorted({schema for schema, _ in tables})
    ]
    triggers = [
        sql.SQL(_TRIGGER).format(
            name=sql.Identifier(NAME), table=sql.Identifier(*table), function=sql.Identifier(table[0], NAME)
        )
        for table in tables
    ]
    return str(sql.SQL("").join([*functions, *triggers]).as_string(connection))
