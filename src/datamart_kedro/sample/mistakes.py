"""What people and machines do to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.draws import Floats, whole
from datamart_kedro.sample.planting import Plant
from datamart_kedro.sample.texts import INSTANT, joined, words

DATE_FORMATS = ("%d.%m.%Y %H:%M", "%d/%m/%Y", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S+00:00")


def one_of(*choices: str) -> Plant:
    """Something else altogether."""

    def plant(values: pa.Array, u: Floats) -> pa.Array:
        return words(choices, whole(u, len(choices)))

    return plant


def nothing(values: pa.Array, u: Floats) -> pa.Array:
    """No value: planted as the empty text."""
    return pa.repeat(pa.scalar(""), len(values))


def same(values: pa.Array, u: Floats) -> pa.Array:
    """The value itself: the fault is that the row is there twice."""
    return values


def changed(*changes: Plant) -> Plant:
    """One of several changes."""

    def plant(values: pa.Array, u: Floats) -> pa.Array:
        return pc.choose(pa.array(whole(u, len(changes))), *(change(values, u) for change in changes))

    return plant


def around(before: str, after: str) -> Plant:
    """Something put before and after the value."""

    def plant(values: pa.Array, u: Floats) -> pa.Array:
        return joined(before, values, after)

    return plant


def replaced(part: str, by: str) -> Plant:
    """A part of the value written in another way; not planted where the value does not have it."""

    def plant(values: pa.Array, u: Floats) -> pa.Array:
        written = pc.replace_substring(values, part, by)
        return pc.if_else(pc.equal(written, values), pa.scalar(None, pa.string()), written)

    return plant


def respelt(spellings: Mapping[str, Sequence[str]]) -> Plant:
    """A value in one of its known wrong spellings; not planted where the value has none."""
    known = pa.array(list(spellings))
    flat = [wrong for wrongs in spellings.values() for wrong in wrongs]
    count = len(next(iter(spellings.values())))
    assert all(len(wrongs) == count for wrongs in spellings.values())

    def plant(values: pa.Array, u: Floats) -> pa.Array:
        position = pc.index_in(values, known)
        return pa.array(flat).take(pc.add(pc.multiply(position, count), pa.array(whole(u, count))))

    return plant


def upper_case(values: pa.Array, u: Floats) -> pa.Array:
    """A text in capitals: DELIVERED."""
    return pc.utf8_upper(values)


def swapped_case(values: pa.Array, u: Floats) -> pa.Array:
    """A text with the shift key the wrong way round: dELIVERED."""
    return pc.utf8_swapcase(pc.utf8_capitalize(values))


def negated(values: pa.Array, u: Floats) -> pa.Array:
    """A number with a minus sign; not planted where it has one."""
    return pc.if_else(pc.starts_with(values, "-"), pa.scalar(None, pa.string()), joined("-", values))


def reformatted(values: pa.Array, u: Floats) -> pa.Array:
    """An instant in another format, some of which keep only the day."""
    at = values.cast(INSTANT)
    formats = (pc.strftime(at, format=pattern).cast(pa.string()) for pattern in DATE_FORMATS)
    return pc.choose(pa.array(whole(u, len(DATE_FORMATS))), *formats)


def an_hour_before(values: pa.Array, u: Floats) -> pa.Array:
    """An instant an hour before."""
    return pc.subtract(values.cast(INSTANT), pa.scalar(timedelta(hours=1))).cast(INSTANT).cast(pa.string())
