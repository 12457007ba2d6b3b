"""Single values that people correct: a layer over what the shop delivers, applied when its rows are staged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from pydantic import AfterValidator, BeforeValidator

from datamart_kedro.columns import CLOCK, Kind, PersonalData, SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import CORRECTED, as_it_came, no_corrections
from datamart_kedro.expressions.parse import NUMBER, PLAIN_INSTANT, TYPES, ZONED, read

CORRECTIONS = "corrections"
"""The rule of each domain that holds them."""
SEPARATOR = "/"
"""Between the parts of a key."""


def _as_text(value: object) -> object:
    """What YAML makes of a value, as the text that was written."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int | float | Decimal) else value


Value = Annotated[str, BeforeValidator(_as_text)] | None
Key = Annotated[str, BeforeValidator(_as_text)]
Corrections = dict[Key, dict[str, Value]]
"""By the key of a row, its parts joined by a slash, and by column: the right value as text, None for none at all."""


def correctable(
    columns: Mapping[str, SourceColumn], key: tuple[str, ...], personal: PersonalData | None = None
) -> AfterValidator:
    """What makes corrections of a domain valid: their keys, their columns, and values of the columns' kinds.

    A key stays, or the row would be another; so do `updated_at`, by which changes are found, and personal data, since
    corrections are kept where nobody can erase them.

    Args:
        columns: The domain's canonical columns.
        key: The grain of its rows.
        personal: What it holds of persons.
    """
    known = correctable_columns(columns, key, personal)

    def check(corrections: Corrections) -> Corrections:
        for written, values in corrections.items():
            if len(parts := key_parts(written, key)) != len(key) or not all(parts):
                raise ValueError(f"{written!r} is no key; write {SEPARATOR.join(key)}")
            for name, value in values.items():
                if name not in known:
                    raise ValueError(f"{name!r} cannot be corrected, only {', '.join(known)} can")
                if fault := _fault(name, value, columns[name]):
                    raise ValueError(fault)
        return corrections

    return AfterValidator(check)


def correctable_columns(
    columns: Mapping[str, SourceColumn], key: tuple[str, ...], personal: PersonalData | None = None
) -> list[str]:
    """The columns whose values may be corrected; see `correctable`."""
    of_persons = (personal.person, *personal.columns) if personal else ()
    return [name for name in columns if name not in (*key, CLOCK, *of_persons)]


def key_parts(written: str, key: tuple[str, ...]) -> list[str]:
    """The parts of a key; only the first of them may hold a slash of its own."""
    return written.rsplit(SEPARATOR, len(key) - 1)


def correct(
    typed: ir.Table,
    corrections: Corrections,
    columns: Mapping[str, SourceColumn],
    key: tuple[str, ...],
    formats: Formats,
) -> ir.Table:
    """Put corrected values in place of those that the shop delivers, and say in `corrected` what it delivers.

    Args:
        typed: Rows of a source, with what each column is read from beside it; see `read_columns`.
        corrections: Valid ones; there may be none.
        columns: The domain's canonical columns.
        key: The grain of its rows.
        formats: How the shop writes instants.

    Returns:
        The same rows. What a corrected value is read from is NULL: it is not at fault any more.
    """
    names = sorted({name for values in corrections.values() for name in values})
    if not names:
        return no_corrections(typed)
    changed: dict[str, ir.Value] = {}
    notes: list[ir.StringValue] = []
    for name in names:
        of_column = {written: values[name] for written, values in corrections.items() if name in values}
        is_corrected = _is_one_of(typed, [key_parts(written, key) for written in of_column], key)
        came = typed[as_it_came(name)]
        right = ibis.cases(
            *(
                (
                    _is_one_of(typed, [key_parts(written, key)], key),
                    _value(text, columns[name].kind, typed[name], formats),
                )
                for written, text in of_column.items()
            )
        )
        changed[name] = is_corrected.ifelse(right, typed[name])
        changed[as_it_came(name)] = is_corrected.ifelse(ibis.null(came.type()), came)
        notes.append(is_corrected.ifelse(ibis.literal(f"{name} came as ") + _shown(came), None))
    return typed.mutate(**changed, **{CORRECTED: ibis.literal("; ").join(notes).nullif("")})


def _is_one_of(typed: ir.Table, keys: list[list[str]], key: tuple[str, ...]) -> ir.BooleanValue:
    """Has a row one of these keys? Its first part is looked up in all of them at once."""
    texts = [typed[name].cast("string") for name in key]
    first = texts[0].isin(sorted({parts[0] for parts in keys}))
    if len(key) == 1:
        return first.fill_null(False)
    whole = [ibis.and_(*(text == part for text, part in zip(texts, parts, strict=True))) for parts in keys]
    return (first & ibis.or_(*whole)).fill_null(False)


def _shown(came: ir.Value) -> ir.StringValue:
    if came.type().is_null():
        return ibis.literal("NULL")
    return (ibis.literal("'") + came.cast("string") + "'").fill_null("NULL")


def _value(text: str | None, kind: Kind, column: ir.Value, formats: Formats) -> ir.Value:
    """The right value as a constant of the column's type."""
    if text is None:
        return ibis.null(column.type())
    if kind == "flag":
        return ibis.literal(text == "true")
    if kind == "instant":
        return read(ibis.literal(text), kind, Formats(time_zone=formats.time_zone))
    return ibis.literal(text).cast(column.type())


def _fault(name: str, value: str | None, column: SourceColumn) -> str:
    """What is wrong with a value, empty if nothing is."""
    if value is None:
        return f"{name} cannot be empty" if column.required else ""
    if column.kind in ("id", "text"):
        return "" if _is_tidy(value) else f"{name} must be a text without needless blanks, not {value!r}"
    if column.kind == "flag":
        return "" if value in ("true", "false") else f"{name} must be true or false, not {value!r}"
    if column.kind == "instant":
        example = "a date or an instant such as 2026-10-01T12:00Z"
        return "" if _is_instant(value) else f"{name} must be {example}, not {value!r}"
    target = dt.dtype(TYPES[column.kind])
    return "" if _fits(value, target) else f"{name} must be a number of the type {target}, not {value!r}"


def _is_tidy(text: str) -> bool:
    return text.isprintable() and text == " ".join(text.split()) != ""


def _is_instant(text: str) -> bool:
    if not (re.search(PLAIN_INSTANT, text) or re.search(ZONED, text)):
        return False
    try:
        return datetime.fromisoformat(text.replace(" UTC", "Z")).year > 1
    except ValueError:
        return False


def _fits(text: str, target: dt.DataType) -> bool:
    """Is it a number that loses nothing in a type?"""
    if not re.search(NUMBER, text):
        return False
    number = Decimal(text)
    if target.is_integer():
        return number % 1 == 0 and target.bounds.lower <= number <= target.bounds.upper
    return bool(abs(number) < 10 ** (target.precision - target.scale) and number == round(number, target.scale))
