"""From what a source delivers to what a column means: texts become numbers, instants and flags.

Nothing is guessed: a text that is none of the known formats is a breach, with its reason.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from datamart_kedro.columns import Kind, SourceColumn
from datamart_kedro.expressions.formats import DATE_PATTERNS, Formats
from datamart_kedro.expressions.text import clean_text

TYPES: dict[Kind, str] = {
    "id": "string",
    "text": "string",
    "instant": "timestamp(6)",
    "integer": "int64",
    "decimal": "decimal(18, 3)",
    "money": "decimal(18, 4)",
    "rate": "decimal(18, 6)",
    "flag": "boolean",
}
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?$"
ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$"
TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")


class Parsed(NamedTuple):
    """A column's value, and where it could not be made out (None: cannot happen)."""

    value: ir.Value
    breach: ir.BooleanValue | None = None
    reason: str = ""


@ibis.udf.scalar.builtin(signature=((dt.string, dt.timestamp), dt.timestamp))  # type: ignore[untyped-decorator]
def timezone(zone: str, at: Any) -> Any:
    """Read a naive time in a zone, or tell an instant in a zone; DuckDB and PostgreSQL share the name."""


def parse(raw: ir.Value, name: str, column: SourceColumn, formats: Formats) -> Parsed:
    """Make a column's value out of what the source delivers."""
    kind = column.kind
    if kind == "id" and raw.type().is_integer():
        return Parsed(raw.cast("int64"))
    if kind in ("id", "text"):
        return Parsed(_text(raw, formats))
    if kind == "instant":
        return _instant(raw, name, formats)
    if kind == "flag":
        return _flag(raw, name, formats)
    return _number(raw, name, TYPES[kind], formats)


def fits(kind: Kind, dtype: dt.DataType) -> bool:
    """Can a source column of this type hold values of that kind at all?"""
    if dtype.is_string() or dtype.is_null() or kind == "text":
        return not dtype.is_nested()
    if kind == "id":
        return bool(dtype.is_integer() or dtype.is_uuid())
    if kind == "instant":
        return bool(dtype.is_timestamp() or dtype.is_date())
    if kind == "flag":
        return bool(dtype.is_boolean() or dtype.is_integer())
    return bool(dtype.is_numeric() and not dtype.is_boolean())


def _text(raw: ir.Value, formats: Formats) -> ir.StringValue:
    text = clean_text(raw if raw.type().is_string() else raw.cast("string"))
    words = [word.lower() for word in formats.missing_words]
    return (text.lower().isin(["", *words])).ifelse(None, text)


def _number(raw: ir.Value, name: str, dtype: str, formats: Formats) -> Parsed:
    if raw.type().is_numeric() or raw.type().is_null():
        value = raw.try_cast(dtype) if not raw.type().is_null() else ibis.null(dtype)
        return Parsed(_rounded(value, dtype), raw.notnull() & value.isnull(), f"{name} is out of range")
    text = _text(raw, formats)
    value = text.re_search(NUMBER).ifelse(text, None).try_cast(dtype)
    return Parsed(value, text.notnull() & value.isnull(), f"{name} is not a number")


def _rounded(value: ir.Value, dtype: str) -> ir.Value:
    return value.cast(dtype)


def _flag(raw: ir.Value, name: str, formats: Formats) -> Parsed:
    if not raw.type().is_string():
        return Parsed(raw.cast("boolean"))
    text = _text(raw, formats).lower()
    value = ibis.cases((text.isin(TRUE), True), (text.isin(FALSE), False))
    return Parsed(value, text.notnull() & value.isnull(), f"{name} is not yes or no")


def _instant(raw: ir.Value, name: str, formats: Formats) -> Parsed:
    dtype = raw.type()
    if dtype.is_timestamp() and dtype.timezone is not None:
        return Parsed(timezone("UTC", raw).cast(TYPES["instant"]))
    if not dtype.is_string():
        return Parsed(_to_utc(raw.cast(TYPES["instant"]), formats))
    text = _text(raw, formats)
    zoned = text.re_search(ZONED)
    branches = [(zoned, timezone("UTC", zoned.ifelse(text, None).try_cast('timestamp("UTC")')))]
    for date_format in formats.date_formats:
        pattern, template = DATE_PATTERNS[date_format]
        known = text.re_search(pattern)
        iso = known.ifelse(text, None).re_replace(pattern, template).strip()
        branches.append((known, _to_utc(iso.try_cast(TYPES["instant"]), formats)))
    value = ibis.cases(*branches).cast(TYPES["instant"])
    return Parsed(value, text.notnull() & value.isnull(), f"{name} is not a date")


def _to_utc(naive: ir.Value, formats: Formats) -> ir.Value:
    if formats.time_zone == "UTC":
        return naive
    return timezone("UTC", timezone(formats.time_zone, naive))
