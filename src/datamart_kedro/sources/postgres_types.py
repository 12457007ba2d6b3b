"""Types of PostgreSQL as the engine has them, taken from the description of a query."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datamart_kedro.sources.query import require_own_names

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import Column, cursor

NUMERIC = 1700
MAX_DIGITS = 38
"""Digits of the engine's widest decimal."""

ENGINE_TYPES = {
    16: "BOOLEAN",
    17: "BLOB",
    20: "BIGINT",
    21: "SMALLINT",
    23: "INTEGER",
    26: "BIGINT",
    114: "JSON",
    700: "DOUBLE",
    701: "DOUBLE",
    1082: "DATE",
    1083: "TIME",
    1114: "TIMESTAMP",
    1184: "TIMESTAMP WITH TIME ZONE",
    1186: "INTERVAL",
    1266: "TIME WITH TIME ZONE",
    2950: "UUID",
    3802: "JSON",
}
"""The engine's type of each type of the server, by its oid. ``real`` comes by its shortest text: 32.38 stays 32.38."""

TEXTS = {18, 19, 25, 1042, 1043}
"""Oids of "char", name, text, char(n) and varchar."""


LOADED_AS = dict.fromkeys(("BLOB", "JSON", "TIME", "TIME WITH TIME ZONE", "INTERVAL", "STRUCT", "VARCHAR[]"), "VARCHAR")
"""What is described as what it is, so that no column is made of it that cannot be, and loaded as text."""


def describe(reader: cursor, query: str) -> dict[str, str]:
    """Columns of a query with the engine's types; nothing is read.

    A domain counts as the type that it restricts; a number without a scale of its own stays text, which staging reads
    exactly. What the engine has no type for is text, or nested if the server says so.

    Raises:
        SourceError: Two columns have the same name.
        psycopg2.Error: The server refuses the query.
    """
    reader.execute(f"SELECT * FROM ({query}\n) AS _source LIMIT 0")
    columns = reader.description or ()
    require_own_names(column.name for column in columns)
    nested = _nested(reader, {column.type_code for column in columns} - ENGINE_TYPES.keys() - TEXTS - {NUMERIC})
    return {column.name: nested.get(column.type_code) or _engine_type(column) for column in columns}


def arrow_type(engine_type: str) -> pa.DataType:
    """The type in which Arrow reads a column from CSV; what it cannot read comes as text."""
    import pyarrow as pa

    if decimal := re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", engine_type):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    types = {
        "BOOLEAN": pa.bool_(),
        "SMALLINT": pa.int16(),
        "INTEGER": pa.int32(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
        "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
    }
    return types.get(engine_type, pa.string())


def _engine_type(column: Column) -> str:
    if column.type_code == NUMERIC:
        digits, scale = column.precision or 0, column.scale or 0
        return f"DECIMAL({digits},{scale})" if 0 <= scale <= digits <= MAX_DIGITS else "VARCHAR"
    return ENGINE_TYPES.get(column.type_code, "VARCHAR")


def _nested(reader: cursor, oids: set[int]) -> dict[int, str]:
    """Those of the types that hold others: arrays and rows."""
    if not oids:
        return {}
    reader.execute(
        "SELECT oid, typtype FROM pg_type WHERE oid = ANY(%s) AND (typcategory = 'A' OR typtype = 'c')", [list(oids)]
    )
    return {oid: "STRUCT" if kind == "c" else "VARCHAR[]" for oid, kind in reader.fetchall()}
