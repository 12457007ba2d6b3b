"""Which rows can be used, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from datamart_kedro.columns import SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.parse import TYPES, find_faults, read, tidy

RowRule = Callable[[ir.Table], ir.BooleanValue]
"""Given the typed rows, tells those that break a rule."""

CAME = "the row as it came"
"""Working columns have blanks in their names, so that no column of a domain is called like them."""


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
        The valid rows with typed canonical columns; and the rejected ones: `came`, the whole row as it came, and
        `reasons`, joined by "; ". Every row of the source is in exactly one of the two.
    """
    typed = read_columns(source, columns, formats)
    faults = _column_faults(typed, columns) | {reason: rule(typed) for reason, rule in rules.items()}
    marked = typed.select(CAME, *columns, **{reason: fault.fill_null(False) for reason, fault in faults.items()})
    is_rejected = reduce(or_, (marked[reason] for reason in faults))
    reasons = ibis.literal("; ").join([marked[reason].ifelse(reason, None) for reason in faults])
    judged = marked.select(
        *columns, **{CAME: is_rejected.ifelse(marked[CAME], None), "reasons": is_rejected.ifelse(reasons, None)}
    ).cache()
    is_valid = judged.reasons.isnull()
    return judged.filter(is_valid).select(*columns), judged.filter(~is_valid).select("reasons", came=judged[CAME])
