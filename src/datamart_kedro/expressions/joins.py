"""Joins that state their cardinality."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir


def join_one(
    table: ir.Table, other: ir.Table, key: str, columns: Sequence[str], *, found: str | None = None
) -> ir.Table:
    """Add columns of the one row of another table with the same key; keep every row.

    Ids that are text on one side and integer on the other are compared as text.

    Args:
        table: Any grain.
        other: One row per `key`.
        key: Column that both have.
        columns: Columns of `other` to add; NULL where it has no such row.
        found: Name of a column to add that tells whether it has one.
    """
    right = other.select(joined_key=other[key], **{name: other[name] for name in columns})
    joined = table.left_join(right, _same_key(table[key], right.joined_key))
    match = {found: right.joined_key.notnull()} if found else {}
    return joined.select(
        **{name: table[name] for name in table.columns}, **{name: right[name] for name in columns}, **match
    )


def join_none(table: ir.Table, other: ir.Table, key: str) -> ir.Table:
    """The rows whose key no row of another table has; ids are compared as `join_one` does it."""
    return table.anti_join(other, _same_key(table[key], other[key]))


def _same_key(left: ir.Value, right: ir.Value) -> ir.BooleanValue:
    return left == right if left.type() == right.type() else left.cast("string") == right.cast("string")
