"""Which rows can be used, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from datamart_kedro.columns import SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.parse import find_faults, in_range, read, tidy

FORGOTTEN = "customer was forgotten"
"""Why a row is rejected that nothing is left of."""

CORRECTED = "corrected"
"""Column of staged rows: which of their values people corrected, and what the shop says; NULL if none."""

RowRule = Callable[[ir.Table], ir.BooleanValue]
"""Given the typed rows, tells those that break a rule."""

CAME = "the row as it came"
IS_REJECTED = "is it rejected"
REASONS = "reasons to reject it"
IS_FORGOTTEN = "was its person forgotten"
"""Working columns have blanks in their names, so that no column of a domain is called like them."""


def no_corrections(typed: ir.Table) -> ir.Table:
    """The typed rows, of which nobody corrected anything."""
    return typed.mutate(**{CORRECTED: ibis.null("string")})


def judge(
    source: ir.Table,
    columns: Mapping[str, SourceColumn],
    formats: Formats,
    rules: Mapping[str, RowRule],
    identity: Sequence[str] = (),
    correct: Callable[[ir.Table], ir.Table] = no_corrections,
) -> tuple[ir.Table, ir.Table, ir.Table]:
    """Tell usable rows from those to set aside.

    Args:
        source: Rows as the shop delivers them; those of erased persons hold nothing but the mark that they are.
        columns: The domain's canonical columns, of which at least the key is required; an absent optional one becomes
            NULL.
        formats: How the shop writes dates and missing values.
        rules: Rules on typed rows, by the reason that a row breaking them gets.
        identity: Columns by which a rejected row is found again when the shop mends it.
        correct: Puts what people corrected into the typed rows, and `corrected` beside it.

    Returns:
        Every row with its judgement, of which the other two are made: the valid rows, with typed canonical columns and
        `corrected`; and
        the rejected ones: their `identity`, as far as it could be read; `came`, the whole row as it came; and
        `reasons`, joined by "; ".
    """
    typed = correct(read_columns(source, columns, formats))
    faults = _faults_of_columns(typed, columns) | {reason: rule(typed) for reason, rule in rules.items()}
    if IS_FORGOTTEN in typed.columns:
        is_forgotten = typed[IS_FORGOTTEN]
        faults = {reason: fault & ~is_forgotten for reason, fault in faults.items()} | {FORGOTTEN: is_forgotten}
    marked = typed.select(CAME, CORRECTED, *columns, **faults)
    is_rejected = reduce(or_, (marked[reason] for reason in faults)).fill_null(False)
    reasons = ibis.literal("; ").join([marked[reason].ifelse(reason, None) for reason in faults])
    judged = marked.select(
        *columns,
        CORRECTED,
        **{
            IS_REJECTED: is_rejected,
            CAME: is_rejected.ifelse(marked[CAME], None),
            REASONS: is_rejected.ifelse(reasons, None),
        },
    )
    found = {name: in_range(judged[name]) if columns[name].kind == "instant" else judged[name] for name in identity}
    rejected = judged.filter(judged[IS_REJECTED]).select(**found, came=judged[CAME], reasons=judged[REASONS])
    return judged, judged.filter(~judged[IS_REJECTED]).select(*columns, CORRECTED), rejected


def read_columns(source: ir.Table, columns: Mapping[str, SourceColumn], formats: Formats) -> ir.Table:
    """Give each canonical column its type, and keep beside it what it was read from, and the row as it came.

    Two steps, so that the engine puts a text in order once, however often it is looked at afterwards.
    """
    whole = ibis.struct({name: source[name] for name in source.columns if name != IS_FORGOTTEN})
    mark = [IS_FORGOTTEN] if IS_FORGOTTEN in source.columns else []
    raw = {name: source[name] if name in source.columns else ibis.null() for name in columns}
    tidied = source.select(
        *mark,
        **{
            CAME: whole,
            **{as_it_came(name): tidy(raw[name], column.kind, formats) for name, column in columns.items()},
        },
    )
    return tidied.mutate(
        **{name: read(tidied[as_it_came(name)], column.kind, formats) for name, column in columns.items()}
    )


def _faults_of_columns(typed: ir.Table, columns: Mapping[str, SourceColumn]) -> dict[str, ir.BooleanValue]:
    """Missing and unreadable are two reasons: a value that cannot be read is not missing."""
    faults: dict[str, ir.BooleanValue] = {}
    for name, column in columns.items():
        came = typed[as_it_came(name)]
        faults |= find_faults(came, typed[name], name, column.kind)
        if column.required:
            faults[f"{name} is missing"] = came.isnull() & typed[name].isnull()
    return faults


def as_it_came(name: str) -> str:
    """Name of what a column is read from."""
    return f"{name} as it came"
