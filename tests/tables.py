"""Tables for tests: literal rows in, plain rows out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa


def source(rows: Sequence[Mapping[str, Any]], **types: str) -> ir.Table:
    """Rows as a shop's files deliver them: every column is text, unless `types` says otherwise; absent ones are NULL.

    Args:
        rows: At least one; columns are those of all rows together, in the order in which they come.
        types: Ibis types of columns that are not text.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return table(rows, **{name: types.get(name, "string") for name in names})


def table(rows: Iterable[Mapping[str, Any]], **types: str) -> ir.Table:
    """Rows of a table with these columns and types; absent values are NULL."""
    schema = ibis.schema(types)
    return ibis.memtable(pa.Table.from_pylist(list(rows), schema=schema.to_pyarrow()), schema=schema)


def rows(expression: ir.Table, *order_by: str) -> list[dict[str, Any]]:
    """Rows of an expression as dictionaries, sorted; decimals stay decimals."""
    found: list[dict[str, Any]] = expression.to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: [repr(row[name]) for name in order_by or row])


def values(expression: ir.Table, column: str) -> list[Any]:
    """Values of one column, sorted."""
    return sorted((row[column] for row in rows(expression)), key=repr)
