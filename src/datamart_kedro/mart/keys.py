"""Keys that come once: told at little cost where they are whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from datamart_kedro.mart.mart import Mart, quoted

WHOLE_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
MAX_BITS = 2**28
"""Of 32 MB in each thread of the engine."""


def is_key_unique(mart: Mart, table: str, key: Sequence[str]) -> bool:
    """Is it certain that the key of each row is given, and no other row has it?

    Each key is marked in a string of bits; if all differ, as many bits are set as there are rows. That takes a fifth of
    the time of grouping them. False where it is not so, and where nothing is certain: keys that are no whole numbers,
    or lie too far apart.

    Args:
        mart: The mart.
        table: A table or view.
        key: Its columns.
    """
    kinds = mart.columns(table)
    if not all(kinds.get(name) in WHOLE_NUMBERS for name in key):
        return False
    bounds = ", ".join(f"min({quoted(name)}), max({quoted(name)})" for name in key)
    ((rows, *ends),) = mart.execute(f"SELECT count(*), {bounds} FROM {quoted(table)}")
    if None in ends:
        return False
    starts, sizes = ends[::2], [last - first + 1 for first, last in zip(ends[::2], ends[1::2], strict=True)]
    if prod(sizes) > MAX_BITS:
        return False
    place = "0"
    for name, start, size in zip(key, starts, sizes, strict=True):
        place = f"({place} * {size} + CAST({quoted(name)} AS BIGINT) - ({start}))"
    marked = mart.scalar(f"SELECT bit_count(bitstring_agg({place}, 0, {prod(sizes) - 1})) FROM {quoted(table)}")
    return bool(marked == rows)
