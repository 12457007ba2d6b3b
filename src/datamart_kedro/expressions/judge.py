"""Which rows can be used, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from datamart_kedro.columns import SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.parse import TYPES, Parsed, parse

RowRule = Callable[[ir.Table], ir.BooleanValue]
"""Given the typed rows, tells those that break a rule."""

RAW = "raw_"


def judge(
    source: ir.Table,
    columns: Mapping[str, SourceColumn],
    formats: Formats,
    rules: Mapping[str, RowRule],
) -> tuple[ir.Table, ir.Table]:
    """Tell usable rows from those to set aside.

    The source is read once: what becomes of its rows is kept in a temporary table of the engine.

    Args:
        source: Rows as the shop delivers them.
        columns: The domain's canonical columns; an absent optional one becomes NULL.
        formats: How the shop writes dates and missing values.
        rules: Rules on typed rows, by the reason that a row breaking them gets.

    Returns:
        The valid rows with typed canonical columns, and the rejected ones as they came, with `reasons` joined by "; ".
        Every row of the source is in exactly one of the two.
    """
    parsed = {name: _parse(source, name, column, formats) for name, column in columns.items()}
    breaches = dict(breach for name, column in columns.items() for breach in _breaches(name, column, parsed[name]))
    flags = {reason: f"breach_{number}" for number, reason in enumerate(breaches)}
    typed = source.select(
        **{name: value for name, (value, _, _) in parsed.items()},
        **{RAW + name: source[name] for name in source.columns},
        **{flags[reason]: breach.fill_null(False) for reason, breach in breaches.items()},
    )
    broken = {reason: typed[flag] for reason, flag in flags.items()}
    broken |= {reason: rule(typed).fill_null(False) for reason, rule in rules.items()}
    is_rejected = reduce(or_, broken.values(), ibis.literal(False))
    reasons = ibis.literal("; ").join([flag.ifelse(reason, None) for reason, flag in broken.items()])
    judged = typed.select(
        **{name: typed[name] for name in columns},
        **{RAW + name: is_rejected.ifelse(typed[RAW + name], None) for name in source.columns},
        reasons=is_rejected.ifelse(reasons, None),
    ).cache()
    valid = judged.filter(judged.reasons.isnull()).select(*columns)
    rejected = judged.filter(judged.reasons.notnull()).select(
        **{name: judged[RAW + name] for name in source.columns}, reasons=judged.reasons
    )
    return valid, rejected


def _parse(source: ir.Table, name: str, column: SourceColumn, formats: Formats) -> Parsed:
    if name not in source.columns:
        return Parsed(ibis.null(TYPES[column.kind]))
    return parse(source[name], name, column, formats)


def _breaches(name: str, column: SourceColumn, parsed: Parsed) -> list[tuple[str, ir.BooleanValue]]:
    """Missing and unreadable are two reasons: a value that cannot be read is not missing."""
    found = [] if parsed.breach is None else [(parsed.reason, parsed.breach)]
    if column.required:
        missing = parsed.value.isnull()
        found.append((f"{name} is missing", missing if parsed.breach is None else missing & ~parsed.breach))
    return found
