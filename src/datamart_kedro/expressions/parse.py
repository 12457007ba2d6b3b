"""From what a source delivers to what a column means: texts become numbers, instants and flags.

Nothing is guessed: a text that is none of the known forms is at fault, with its reason. Three steps, so that each works
on the results of the one before: `tidy` what came, `read` its value, `find_faults` in the two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from datamart_kedro.columns import Kind
from datamart_kedro.expressions.calendar import INSTANT, timezone, to_utc
from datamart_kedro.expressions.formats import DATE_PATTERNS, Formats
from datamart_kedro.expressions.text import UNTIDY, clean_text, lower_case

TYPES: Mapping[Kind, str] = {
    "id": "string",
    "text": "string",
    "instant": INSTANT,
    "integer": "int64",
    "decimal": "decimal(18, 3)",
    "money": "decimal(18, 4)",
    "rate": "decimal(18, 6)",
    "flag": "boolean",
}
"""Type of each kind of column; ids that come as integers stay integers."""

NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$"
WHOLE_NUMBER = r"^[+-]?\d+(\.0*)?$"
PLAIN_INSTANT = r"^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?$"
"""ISO 8601 without an offset, as engines read it."""
OFFSET = r"[+-](?:0\d|1[0-5])(?::?[0-5]\d)?"
ZONED = rf"^\d{{4}}-\d{{2}}-\d{{2}}[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)? ?(?:[Zz]|UTC|{OFFSET})$"
TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
FIRST_INSTANT = ibis.timestamp("0001-01-01 00:00:00")
LAST_INSTANT = ibis.timestamp("9999-12-31 23:59:59.999999")


def tidy(raw: ir.Value, kind: Kind, formats: Formats) -> ir.Value:
    """What came, with blanks and control characters in order; missing words are NULL, numbers and instants are left."""
    if raw.type().is_string():
        return _tidy_text(raw, formats)
    if raw.type().is_null():
        return raw
    if kind == "text" or (kind == "id" and not _fits_int64(raw)):
        return _tidy_text(raw.cast("string"), formats)
    return raw


def read(came: ir.Value, kind: Kind, formats: Formats) -> ir.Value:
    """A column's value out of tidy input; NULL where it cannot be made out."""
    if came.type().is_null():
        return ibis.null(TYPES[kind])
    if kind in ("id", "text"):
        return came.cast("int64") if came.type().is_integer() else came
    if kind == "instant":
        return _read_instant(came, formats)
    if kind == "flag":
        return _read_flag(came)
    return _read_number(came, TYPES[kind])


def in_range(instant: ir.TimestampValue) -> ir.TimestampValue:
    """An instant that every reader can show; NULL for one of a year that calendars do not have."""
    return instant.between(FIRST_INSTANT, LAST_INSTANT).ifelse(instant, None)


def find_faults(came: ir.Value, value: ir.Value, name: str, kind: Kind) -> dict[str, ir.BooleanValue]:
    """Where a value could not be made out of what came, or is not what its kind allows, by reason.

    Args:
        came: Tidy input.
        value: What was read from it.
        name: Of the column.
        kind: What the column holds.
    """
    dtype = came.type()
    if dtype.is_null() or kind in ("id", "text"):
        return {}
    is_unread = came.notnull() & value.isnull()
    if kind == "flag":
        return {} if dtype.is_boolean() else {f"{name} is not yes or no": is_unread}
    if kind == "instant":
        unread = {f"{name} is not a date": is_unread} if dtype.is_string() else {}
        return unread | {f"{name} is out of range": (value < FIRST_INSTANT) | (value > LAST_INSTANT)}
    faults = {} if _always_fits(dtype, TYPES[kind]) else {f"{name} is out of range": is_unread}
    if dtype.is_string():
        is_number = is_unread.ifelse(came.re_search(NUMBER), False)
        faults = {f"{name} is not a number": is_unread & ~is_number, f"{name} is out of range": is_number}
    if kind == "integer" and not dtype.is_integer():
        is_whole = came.re_search(WHOLE_NUMBER) if dtype.is_string() else came % 1 == 0
        faults[f"{name} is not a whole number"] = value.notnull() & ~is_whole
    return faults


def _tidy_text(text: ir.StringValue, formats: Formats) -> ir.StringValue:
    """One look tells whether a text needs care; most do not, and stay as they are."""
    missing = "^(" + "|".join(re.escape(lower_case(word)) for word in formats.missing_words) + ")?$"
    clean = clean_text(text)
    needs_care = text.lower().re_search(f"{UNTIDY}|{missing}")
    return needs_care.ifelse(clean.lower().re_search(missing).ifelse(None, clean), text)


def _fits_int64(raw: ir.Value) -> bool:
    return bool(raw.type().is_integer() and not raw.type().is_uint64())


def _always_fits(source: dt.DataType, target: str) -> bool:
    """Can every number of one type be written in another? Where it can, the engine has nothing to check."""
    number = dt.dtype(target)
    if source.is_integer() and number.is_integer():
        return bool(source.bounds.upper <= number.bounds.upper)
    if source.is_integer():
        return bool(len(str(source.bounds.upper)) <= number.precision - number.scale)
    if source.is_decimal() and number.is_decimal() and source.precision is not None:
        return bool(source.precision - source.scale < number.precision - number.scale)
    return False


def _read_number(came: ir.Value, dtype: str) -> ir.Value:
    if _always_fits(came.type(), dtype):
        return came.cast(dtype)
    return (came.re_search(NUMBER).ifelse(came, None) if came.type().is_string() else came).try_cast(dtype)


def _read_flag(came: ir.Value) -> ir.BooleanValue:
    if came.type().is_boolean():
        return came
    if not came.type().is_string():
        return ibis.cases((came == 1, True), (came == 0, False))
    text = came.lower()
    return ibis.cases((text.isin(TRUE), True), (text.isin(FALSE), False))


def _read_instant(came: ir.Value, formats: Formats) -> ir.TimestampValue:
    dtype = came.type()
    if not dtype.is_string():
        is_zoned = dtype.is_timestamp() and dtype.timezone is not None
        return (timezone("UTC", came) if is_zoned else to_utc(came.cast(INSTANT), formats.time_zone)).cast(INSTANT)
    known = []
    if "iso" in formats.date_formats:
        is_plain = came.re_search(PLAIN_INSTANT)  # the usual form, which needs no rewriting
        known.append((is_plain, to_utc(is_plain.ifelse(came, None).try_cast(INSTANT), formats.time_zone)))
    zoned = came.re_search(ZONED)
    known.append((zoned, timezone("UTC", _canonical(zoned.ifelse(came, None)).try_cast('timestamp("UTC")'))))
    for date_format in formats.date_formats:
        pattern, iso = DATE_PATTERNS[date_format]
        is_known = came.re_search(pattern)
        local = is_known.ifelse(came, None).re_replace(pattern, iso).strip().try_cast(INSTANT)
        known.append((is_known, to_utc(local, formats.time_zone)))
    return ibis.cases(*known).cast(INSTANT)


def _canonical(zoned: ir.StringValue) -> ir.StringValue:
    """A time with an offset as engines read it: with seconds, and digits of the offset right behind them."""
    with_offset = zoned.re_replace(r" ?(?:[Zz]|UTC)$", "+00").re_replace(r" ([+-])", r"\1")
    return with_offset.re_replace(r"^(.{16})([+-])", r"\1:00\2")
