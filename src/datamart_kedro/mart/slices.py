"""Rows that come in slices, one for each value of a key column: each is computed and compared by itself.

What features look like at one cutoff needs as much memory as one cutoff does, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datamart_kedro.mart.mart import Mart, quoted

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True)
class Slice:
    """Rows of a table that share the value of a key column, and are all that it has with that value.

    Attributes:
        select: The rows, before the verbs that are the same for all slices.
        rows: SQL condition on the table for the rows with this value.
    """

    select: str
    rows: str


@dataclass(frozen=True)
class Sliced:
    """A SELECT of rows that reads from a view, and what the view shows for each slice.

    Attributes:
        select: The rows of the slice that the view shows.
        view: Name of the view.
        slices: All of them.
    """

    select: str
    view: str
    slices: Sequence[Slice]

    def shown(self, mart: Mart) -> Iterator[Slice]:
        """Show one slice after the other in the view."""
        for part in self.slices:
            mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(self.view)} AS {part.select}")
            yield part

    @property
    def others(self) -> str:
        """SQL condition on the table for the rows of no slice."""
        return " AND ".join(f"NOT coalesce({part.rows}, false)" for part in self.slices)


def sliced(mart: Mart, table: ir.Table, key: Sequence[str], view: str) -> Sliced | None:
    """Take apart a selection from a union in which each table gives a constant of its own to the same key column.

    Args:
        mart: Where it is computed.
        table: Any expression.
        key: Columns that tell one row of it from another.
        view: Name of a temporary view that it may make.

    Returns:
        None if the expression is nothing of that kind.
    """
    union = _union_below(table.op())
    if union is None:
        return None
    parts = list(_parts(union))
    column = next((name for name in key if _is_kept(table.op(), name) and _tells_apart(parts, name)), None)
    if column is None:
        return None
    slices = [
        Slice(mart.compile(part.to_expr()), f"{quoted(column)} = {_constant(mart, part, column)}") for part in parts
    ]
    mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(view)} AS {slices[0].select}")
    seen = mart.table(view, temporary=True)
    return Sliced(mart.compile(table.op().replace({union: seen.op()}).to_expr()), view, slices)


def _union_below(node: Any) -> Any:
    """The union that keeps every row, and of which a table is one selection or several, each of the one before."""
    import ibis.expr.operations as ops  # here, since a run without new data does without Ibis

    while isinstance(node, ops.Project):
        node = node.parent
    return node if isinstance(node, ops.Union) and not node.distinct else None


def _parts(union: Any) -> Iterator[Any]:
    """The tables of a union that keeps every row."""
    for side in (union.left, union.right):
        if _union_below(side) is side:
            yield from _parts(side)
        else:
            yield side


def _is_kept(node: Any, name: str) -> bool:
    """Does each selection give a column of the union as it is?"""
    import ibis.expr.operations as ops

    while isinstance(node, ops.Project):
        value = node.values.get(name)
        if not isinstance(value, ops.Field) or value.name != name:
            return False
        node = node.parent
    return True


def _tells_apart(parts: Sequence[Any], name: str) -> bool:
    """Does each table give a constant to a column, and no two the same?"""
    import ibis.expr.operations as ops

    given = [part.values.get(name) for part in parts if isinstance(part, ops.Project | ops.JoinChain)]
    constants = {value.value for value in given if isinstance(value, ops.Literal)}
    return len(constants) == len(parts) and None not in constants


def _constant(mart: Mart, part: Any, name: str) -> str:
    """The constant that a table gives to a column, in SQL."""
    return f"({mart.compile(part.values[name].to_expr().name('constant').as_table())})"
