"""Columns of text: what a shop's file holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.draws import Flags, Ints

NEVER = 253_402_300_799
"""The end of the year 9999: the instant of what does not happen."""

INSTANT = pa.timestamp("s", tz="UTC")
_CENTS = pa.array([f"{cents:02d}" for cents in range(100)])
_DIGITS = pa.array([""] + [f"{number:0{digits}d}" for digits in (1, 2, 3) for number in range(10**digits)])
_DIGITS_FROM = np.array([0, 1, 11, 111])


def numbers(values: Ints, shown: Flags | None = None) -> pa.Array:
    """Whole numbers; NULL where not shown."""
    return pa.array(values, mask=None if shown is None else ~shown).cast(pa.string())


def money(cents: Ints, shown: Flags | None = None) -> pa.Array:
    """Amounts from cents, with two digits after the point; NULL where not shown."""
    whole = numbers(cents // 100, shown)
    return pc.binary_join_element_wise(whole, _CENTS.take(pa.array(cents % 100)), ".")


def instants(at: Ints, shown: Flags) -> pa.Array:
    """Instants such as 2025-02-03 10:00:00Z; NULL where not shown."""
    return pa.array(at, mask=~shown).cast(INSTANT).cast(pa.string())


def words(choices: Sequence[str | None], positions: Ints, shown: Flags | None = None) -> pa.Array:
    """One of a few texts each; NULL where not shown."""
    chosen = pa.array(positions, mask=None if shown is None else ~shown)
    return pa.array(choices, pa.string()).take(chosen)


def padded(values: Ints, digits: Ints) -> pa.Array:
    """Whole numbers below 10 ** digits with leading zeros; 0 to 3 digits."""
    return _DIGITS.take(pa.array(_DIGITS_FROM[digits] + values))


def joined(*parts: pa.Array | str) -> pa.Array:
    """Texts one after the other; NULL if one of them is."""
    return pc.binary_join_element_wise(*parts, "")


def kept(texts: pa.Array, shown: Flags) -> pa.Array:
    """Texts where shown, NULL elsewhere."""
    return pc.if_else(pa.array(shown), texts, pa.scalar(None, pa.string()))
