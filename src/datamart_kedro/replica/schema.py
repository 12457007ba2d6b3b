"""The tables of a replica: what the server has, what it should have, and the DDL in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from datamart_kedro.replica.served import Served


@dataclass(frozen=True)
class Found:
    """A table that the server has.

    Attributes:
        columns: Types of its columns, as `format_type` names them.
        key: Columns of its primary key, in order.
        key_name: Name of its primary key, empty if it has none.
        comment: Of the table.
        meanings: Comments of its columns.
    """

    columns: Mapping[str, str]
    key: tuple[str, ...]
    key_name: str
    comment: str
    meanings: Mapping[str, str]


_CATALOG = """
SELECT c.relname, obj_description(c.oid, 'pg_class'), coalesce(p.conname, ''),
       a.attname, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum),
       array_position(p.conkey, a.attnum)
FROM pg_class c
LEFT JOIN pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %s) AND c.relkind IN ('r', 'p')
ORDER BY c.relname, a.attnum
"""


def found_tables(cursor: Cursor, schema: str) -> dict[str, Found]:
    """The tables of a schema by name; none if there is no such schema."""
    cursor.execute(_CATALOG, [schema])
    rows: dict[str, list[tuple[str, ...]]] = {}
    for name, *rest in cursor.fetchall():
        rows.setdefault(name, []).append(tuple(rest))
    return {name: _found(columns) for name, columns in rows.items()}


def _found(rows: list[tuple[str, ...]]) -> Found:
    columns = [(name, kind, meaning, place) for _, _, name, kind, meaning, place in rows if name is not None]
    return Found(
        columns={name: kind for name, kind, _, _ in columns},
        key=tuple(name for _, name in sorted((place, name) for name, _, _, place in columns if place is not None)),
        key_name=rows[0][1],
        comment=rows[0][0] or "",
        meanings={name: meaning for name, _, meaning, _ in columns if meaning},
    )


def missing_columns(served: Served, found: Found) -> dict[str, str]:
    """Columns that the server's table lacks, with their types."""
    return {name: kind for name, kind in served.columns.items() if name not in found.columns}


def has_unfilled_columns(served: Served, found: Found) -> bool:
    """Has the server's table columns without the comment that they get with their values?

    Whoever added them was killed in between.
    """
    return any(name in found.columns and name not in found.meanings for name in served.table.columns)


def is_misshapen(served: Served, found: Found) -> bool:
    """Has the server's table another key than it should have, or columns that are not to be, or of other types?"""
    return served.key != found.key or any(served.columns.get(name) != kind for name, kind in found.columns.items())


def schema_exists(cursor: Cursor, schema: str) -> bool:
    """Is there such a schema? ``CREATE SCHEMA IF NOT EXISTS`` asks for more rights than this."""
    cursor.execute("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", [schema])
    return bool(cursor.fetchall()[0][0])


def create_table(table: Composable, served: Served) -> Composed:
    """A table without its primary key, which is made faster when the rows are there."""
    columns = SQL(", ").join(_column(name, kind) for name, kind in served.columns.items())
    return SQL("CREATE TABLE {} ({})").format(table, columns)


def add_primary_key(table: Composable, served: Served) -> Composed:
    """The key of a table is its primary key."""
    return SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, identifiers(served.key))


def add_columns(table: Composable, columns: Mapping[str, str]) -> Composed:
    """Columns that are NULL in the rows that are there: nothing is rewritten."""
    added = [SQL("ADD COLUMN IF NOT EXISTS {}").format(_column(name, kind)) for name, kind in columns.items()]
    return SQL("ALTER TABLE {} {}").format(table, SQL(", ").join(added))


def reshape(table: Composable, served: Served, found: Found) -> Iterator[Composed]:
    """Give an emptied table the shape that it should have, without its primary key; its rights and views stay."""
    wrong = [name for name, kind in found.columns.items() if served.columns.get(name) != kind]
    lost = [name for name in served.columns if name in wrong or name not in found.columns]
    parts = [SQL("DROP CONSTRAINT {}").format(Identifier(found.key_name))] if found.key_name else []
    parts += [SQL("ALTER COLUMN {} DROP NOT NULL").format(Identifier(name)) for name in found.key if name not in wrong]
    parts += [SQL("DROP COLUMN {}").format(Identifier(name)) for name in wrong]
    parts += [SQL("ADD COLUMN {}").format(_column(name, served.columns[name])) for name in lost]
    if parts:
        yield SQL("ALTER TABLE {} {}").format(table, SQL(", ").join(parts))


def comments(table: Composable, served: Served, found: Found | None) -> Iterator[Composed]:
    """Statements that write down what a table and its columns mean, where the server says something else."""
    wanted = {name: meaning for name, meaning in served.table.meanings.items() if name in served.columns}
    if found is None or found.comment != served.table.comment:
        yield SQL("COMMENT ON TABLE {} IS {}").format(table, Literal(served.table.comment))
    for name, meaning in wanted.items():
        if found is None or found.meanings.get(name) != meaning:
            yield SQL("COMMENT ON COLUMN {}.{} IS {}").format(table, Identifier(name), Literal(meaning))


def identifiers(names: Mapping[str, str] | tuple[str, ...] | list[str], of: str = "") -> Composed:
    """Names, quoted and joined by commas.

    Args:
        names: Of columns.
        of: The table, or its alias, that they belong to.
    """
    return SQL(", ").join(Identifier(of, name) if of else Identifier(name) for name in names)


def _column(name: str, kind: str) -> Composed:
    return SQL("{} {}").format(Identifier(name), SQL(kind))
