"""Tables for tests: literal rows in, plain rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


def each(inputs: Sequence[Mapping[str, Any]], expression: Callable[[ir.Table], ir.Value], **types: str) -> list[Any]:
    """What an expression gives for each row, in the order in which the rows are given: one query for all of them."""
    numbered = table([row | {"place": place} for place, row in enumerate(inputs)], **types, place="int64")
    found = numbered.select("place", result=expression(numbered)).to_pyarrow().to_pylist()
    return [row["result"] for row in sorted(found, key=lambda row: row["place"])]


def computed(expression: ir.Table) -> ir.Table:
    """The rows of an expression as a table of their own, so that what is built on it does not compute it again."""
    return ibis.memtable(expression.to_pyarrow(), schema=expression.schema())


def computed_once(shared: ir.Table, *parts: ir.Table) -> list[ir.Table]:
    """Expressions that have a part in common, which is computed once and read by all of them, as a run does it."""
    found = {shared.op(): computed(shared).op()}
    return [part.op().replace(found).to_expr() for part in parts]
