"""The tables that staging a domain makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import ibis.expr.types as ir

from datamart_kedro.columns import CLOCK, SourceColumn
from datamart_kedro.expressions.corrections import Corrections, correct
from datamart_kedro.expressions.duplicates import find_duplicates, keep_newest
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import RowRule, judge


class Staged(NamedTuple):
    """What becomes of the rows of a source: each is rejected, superseded by a newer version, or staged.

    Rows are judged before their versions are compared: of a key whose newest version is rejected, the newest that can
    be used is staged.

    Attributes:
        judged: Every row, with its reasons if it is rejected; the others are made of it.
        rejected: Rows set aside: their key and `updated_at`, as far as they could be read; `came`, the whole row as it
            came; and the `reasons`.
        duplicates: One row per key that came more than once, with `copies`; all but one of them are superseded.
        rows: Staged rows, one per key, with `corrected`: which of their values people corrected.
    """

    judged: ir.Table
    rejected: ir.Table
    duplicates: ir.Table
    rows: ir.Table


def unchanged(table: ir.Table) -> ir.Table:
    """The table itself."""
    return table


def stage(
    source: ir.Table,
    columns: Mapping[str, SourceColumn],
    key: tuple[str, ...],
    formats: Formats,
    rules: Mapping[str, RowRule],
    normalise: Callable[[ir.Table], ir.Table] = unchanged,
    complete: Callable[[ir.Table], ir.Table] = unchanged,
    corrections: Corrections | None = None,
) -> Staged:
    """Judge the rows, keep the newest version of each key, and normalise what is left.

    Args:
        source: Rows as the shop delivers them.
        columns: The domain's canonical columns.
        key: The grain of the staged rows.
        formats: How the shop writes dates, missing values and countries.
        rules: Rules on typed rows, by the reason that a row breaking them gets.
        normalise: Rewrites values of one row by that row alone; keeps every row.
        complete: Gives valid rows the part of their key that the shop leaves out; keeps every row.
        corrections: Values that people corrected.
    """
    identity = [name for name in (*key, CLOCK) if name in columns]
    corrected = partial(correct, corrections=corrections or {}, columns=columns, key=key, formats=formats)
    judged, valid, rejected = judge(source, columns, formats, rules, identity, corrected)
    valid = complete(valid)
    duplicates = find_duplicates(valid, key)
    rows = keep_newest(valid, key, duplicates).pipe(normalise)
    return Staged(judged, rejected, duplicates, rows)
