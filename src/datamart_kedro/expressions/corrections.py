"""Single values that people correct: a layer over what the shop delivers, applied when its rows are staged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from pydantic import BeforeValidator

from datamart_kedro.columns import CLOCK, Kind, PublishedTable, SourceColumn
from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import CORRECTED, as_it_came, no_corrections
from datamart_kedro.expressions.parse import NUMBER, PLAIN_INSTANT, TYPES, ZONED, read

CORRECTIONS = "corrections"
"""The rule of each domain that holds them."""
SEPARATOR = "/"
"""Between the parts of a key."""
LAST_YEAR = 9999


Corrections = dict[str, dict[str, str | None]]
"""By the key of a row, its parts joined by a slash, and by column: the right value as text, None for none at all."""


def correctable(columns: Mapping[str, SourceColumn], table: PublishedTable) -> BeforeValidator:
    """What makes corrections of a domain valid: their keys, their columns, and values of the columns' kinds.

    A key stays, or the row would be another; so do `updated_at`, by which changes are found, and personal data, since
    corrections are kept where nobody can erase them.

    Args:
        columns: The domain's canonical columns.
        table: What it publishes.
    """
    known = correctable_columns(columns, table)

    def check(given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        found: dict[str, dict[str, str | None]] = {}
        for written, values in given.items():
            _require_key(written, table.key)
            if not isinstance(values, Mapping):
                raise ValueError(f"{written}: write a column with its value below it")
            for name, value in values.items():
                if name not in known:
                    raise ValueError(f"{name!r} cannot be corrected, only {', '.join(known)} can")
                text = _as_text(value, columns[name].kind)
                if fault := _fault(name, text, columns[name]):
                    raise ValueError(fault)
                found.setdefault(written, {})[name] = text
        return found

    return BeforeValidator(check)


def correctable_columns(columns: Mapping[str, SourceColumn], table: PublishedTable) -> list[str]:
    """The columns of a domain whose values may be corrected; see `correctable`."""
    kept = (*table.key, CLOCK, table.personal.person, *table.personal.columns)
    return [name for name in columns if name not in kept]


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
    row = ibis.literal(SEPARATOR).join([typed[name].cast("string") for name in key])
    changed: dict[str, ir.Value] = {}
    notes: list[ir.StringValue] = []
    for name in names:
        right = {written: values[name] for written, values in corrections.items() if name in values}
        _require_fitting(name, right, typed[name])
        is_corrected = row.isin(list(right))
        came = typed[as_it_came(name)]
        value = _read(_looked_up(row, right), columns[name].kind, typed[name], formats)
        changed[name] = is_corrected.ifelse(value, typed[name])
        changed[as_it_came(name)] = is_corrected.ifelse(ibis.null(came.type()), came)
        notes.append(is_corrected.ifelse(ibis.literal(f"{name} came as ") + _shown(came), None))
    return typed.mutate(**changed, **{CORRECTED: ibis.literal("; ").join(notes).nullif("")})


def _looked_up(row: ir.StringValue, right: Mapping[str, str | None]) -> ir.StringValue:
    """The text for a key; NULL for others, and where there is to be no value."""
    texts = {written: text for written, text in right.items() if text is not None}
    return ibis.literal(texts, type="map<string, string>").get(row) if texts else ibis.null("string")


def _read(text: ir.StringValue, kind: Kind, column: ir.Value, formats: Formats) -> ir.Value:
    """A valid text as a value of its column."""
    if kind == "flag":
        return text == "true"
    if kind == "instant":
        return read(text, kind, Formats(time_zone=formats.time_zone))
    return text.cast(column.type())


def _shown(came: ir.Value) -> ir.StringValue:
    if came.type().is_null():
        return ibis.literal("NULL")
    return (ibis.literal("'") + came.cast("string") + "'").fill_null("NULL")


def _require_fitting(name: str, right: Mapping[str, str | None], column: ir.Value) -> None:
    """Refuse what a column cannot hold whose type the source decides: ids are texts in one shop and numbers in another.

    Raises:
        ParameterError: Naming the row and the value.
    """
    if not column.type().is_integer():
        return
    for written, text in right.items():
        if text is not None and not re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
            raise ParameterError(
                f"{name} of {written} is corrected to {text!r}, and the source gives whole numbers there.",
                "Correct it where it stands: in overrides.yml, or in a parameter file.",
            )


def _require_key(written: object, key: tuple[str, ...]) -> None:
    if not isinstance(written, str):
        raise ValueError(f"the key {written} must be in quotes: without them, 007 is read as a number")
    if len(parts := key_parts(written, key)) != len(key) or not all(parts):
        raise ValueError(f"{written!r} is no key; write {SEPARATOR.join(key)}")


def _as_text(value: object, kind: Kind) -> str | None:
    """What YAML made of a value, as the text that was written."""
    if value is None or isinstance(value, str):
        return value
    if kind in ("id", "text"):
        raise ValueError(f"{value} must be in quotes: without them, NO is read as false and 1.10 as 1.1")
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


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
        at = datetime.fromisoformat(text.replace(" UTC", "Z"))
        return 1 < (at.astimezone(UTC) if at.tzinfo else at).year < LAST_YEAR
    except (ValueError, OverflowError):
        return False


def _fits(text: str, target: dt.DataType) -> bool:
    """Is it a number that loses nothing in a type?"""
    if not re.search(NUMBER, text):
        return False
    number = Decimal(text)
    if target.is_integer():
        return target.bounds.lower <= number <= target.bounds.upper and number % 1 == 0
    return bool(abs(number) < 10 ** (target.precision - target.scale) and number == round(number, target.scale))
