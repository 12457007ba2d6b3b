"""Functions of the server that read a published table as it was: ``tb_orders_as_of(version)`` and ``(instant)``.

They run with the rights of whoever calls them, name everything with its schema, and depend on no table, so that a table
can be dropped and made anew. Whatever version the schema holds, they have the columns that the table has there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from datamart_kedro.mart.ledger import LEDGER, PRUNED
from datamart_kedro.replica.schema import identifiers
from datamart_kedro.replica.served import WROTE, Served

ARGUMENTS = {"bigint": "version", "timestamp with time zone": "instant"}
"""Types that a table can be asked by, and what they mean."""

_VERSIONS = SQL("FROM {ledger} AS l WHERE l.status = 'published' AND l.version > 0")

_REFUSAL = SQL("""RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = (
            SELECT 'There is no version ' || coalesce($1::text, 'NULL') || coalesce(': the versions are '
            || min(l.version) || ' to ' || max(l.version) || ', the first of '
            || to_char(min(l.started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC.', '.') {versions}
        );""")

_AT_A_VERSION = SQL("""-- {digest}
BEGIN
    IF $1 IS NULL OR NOT EXISTS (SELECT {versions} AND l.version = $1) THEN
        {refusal}
    ELSIF $1 < (SELECT max(p.oldest_version) FROM {pruned} AS p WHERE p.table_name = {name}) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = {name} || (
            SELECT ': its history goes back to version ' || max(p.oldest_version) || ', not to ' || $1 || '.'
            FROM {pruned} AS p WHERE p.table_name = {name}
        );
    END IF;
    RETURN QUERY {rows};
END""")

_AT_AN_INSTANT = SQL("""-- {digest}
BEGIN
    IF $1 IS NULL OR NOT EXISTS (SELECT {versions} AND l.started_at <= $1) THEN
        {refusal}
    END IF;
    RETURN QUERY SELECT * FROM {function}((
        SELECT max(v.version) FROM (
            SELECT l.version, min(l.started_at) AS valid_from {versions} GROUP BY l.version
        ) AS v WHERE v.valid_from <= $1
    ));
END""")

_CREATE = SQL(
    "CREATE FUNCTION {function}({argument}) RETURNS TABLE ({columns})"
    " LANGUAGE plpgsql STABLE SECURITY INVOKER AS {body}"
)

_CATALOG = """
SELECT proname, format_type(proargtypes[0], NULL), prosrc, provolatile = 's' AND NOT prosecdef AND proconfig IS NULL,
       obj_description(oid, 'pg_proc')
FROM pg_proc WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND pronargs = 1
"""


@dataclass(frozen=True)
class AsOf:
    """A function that reads a table as it was.

    Attributes:
        schema: Name of the replica's schema.
        served: The table.
        kind: Type of its argument.
    """

    schema: str
    served: Served
    kind: str

    @property
    def name(self) -> str:
        """Its name, which is shorter than that of the table's history."""
        return function_names([self.served.name])[0]

    @property
    def comment(self) -> str:
        """What it gives."""
        moment = "a version" if self.kind == "bigint" else "an instant"
        return f"{self.served.name} as it was at {moment}. {self.served.table.comment}"

    def body(self) -> Composed:
        """What it does. Its first line tells one shape of the table from another."""
        ledger, pruned = (Identifier(self.schema, table.name) for table in (LEDGER, PRUNED))
        versions = _VERSIONS.format(ledger=ledger)
        parts = {
            "digest": SQL(hashlib.blake2b(repr([*self.served.columns.items()]).encode(), digest_size=8).hexdigest()),
            "versions": versions,
            "refusal": _REFUSAL.format(versions=versions),
        }
        if self.kind != "bigint":
            return _AT_AN_INSTANT.format(function=Identifier(self.schema, self.name), **parts)
        return _AT_A_VERSION.format(pruned=pruned, name=Literal(self.served.name), rows=self._rows(), **parts)

    def statements(self, cursor: Cursor) -> Iterator[Composed]:
        """Make it, in place of one that is there."""
        function = Identifier(self.schema, self.name)
        yield SQL("DROP FUNCTION IF EXISTS {}({})").format(function, SQL(self.kind))
        word = ARGUMENTS[self.kind]
        name = SQL("") if word in self.served.columns else SQL(word)  # no two of its names may be the same
        columns = (SQL("{} {}").format(Identifier(n), SQL(kind)) for n, kind in self.served.columns.items())
        yield _CREATE.format(
            function=function,
            argument=SQL("{} {}").format(name, SQL(self.kind)),
            columns=SQL(", ").join(columns),
            body=Literal(self.body().as_string(cursor)),
        )
        yield SQL("COMMENT ON FUNCTION {}({}) IS {}").format(function, SQL(self.kind), Literal(self.comment))

    def _rows(self) -> Composable:
        now = SQL("SELECT {} FROM {} AS now WHERE now.{} <= $1").format(
            identifiers(self.served.columns, "now"), Identifier(self.schema, self.served.name), Identifier(WROTE)
        )
        if self.served.history is None:
            return now
        gone = SQL("SELECT {} FROM {} AS gone WHERE gone._version <= $1 AND gone._version_to > $1").format(
            identifiers(self.served.columns, "gone"), Identifier(self.schema, self.served.history)
        )
        return SQL("{} UNION ALL {}").format(now, gone)


def function_names(tables: Sequence[str]) -> list[str]:
    """Names of the functions that read tables as they were."""
    return [f"{table}_as_of" for table in tables]


def functions_to_make(cursor: Cursor, schema: str, served: Sequence[Served]) -> list[AsOf]:
    """Functions that are missing, of another shape than their table, or changed by hand."""
    cursor.execute(_CATALOG, [schema])
    found = {(name, kind): (body, is_ours, comment) for name, kind, body, is_ours, comment in cursor.fetchall()}
    wanted = [AsOf(schema, table, kind) for table in served if table.stamp == WROTE for kind in ARGUMENTS]
    return [
        function
        for function in wanted
        if found.get((function.name, function.kind)) != (function.body().as_string(cursor), True, function.comment)
    ]
