"""A question as an Ibis expression: portable, nothing is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import reduce
from operator import and_, or_
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import local_start
from datamart_kedro.metrics.definitions import NEEDS
from datamart_kedro.metrics.dimensions import DIMENSIONS
from datamart_kedro.metrics.metric import TIME
from datamart_kedro.metrics.question import SPLIT, Question
from datamart_kedro.metrics.rows import ROWS, Tables

VALUE, NUMERATOR, DENOMINATOR = "value", "numerator", "denominator"


def expression(question: Question, tables: Tables, time_zone: str) -> ir.Table:
    """One row per combination of the dimensions asked for, with the figure; sorted by them.

    Args:
        question: What is asked.
        tables: The published tables, by name.
        time_zone: In which days begin.

    Returns:
        The dimensions, then value; or, for a quotient, numerator and denominator, which whoever shows it divides
        exactly: engines divide decimals as floats.
    """
    shown = _shown([question], tables, time_zone)
    return _grouped(shown, question, _measures(question, shown))


def together(questions: Sequence[Question], tables: Tables, time_zone: str) -> ir.Table:
    """Several metrics of the same rows, by the same dimensions, in one query: as `expression`, with columns of each.

    Args:
        questions: Alike in all but the metric.
        tables: The published tables, by name.
        time_zone: In which days begin.
    """
    shown = _shown(questions, tables, time_zone)
    measures = {
        f"{asked.metric.name}_{name}": measure
        for asked in questions
        for name, measure in _measures(asked, shown).items()
    }
    return _grouped(shown, questions[0], measures)


def _shown(questions: Sequence[Question], tables: Tables, time_zone: str) -> ir.Table:
    """The rows that are counted, with the dimensions that they are grouped by."""
    first = questions[0]
    needed = {name for asked in questions for name in NEEDS.get(asked.metric.name, ())}
    rows = _wanted(ROWS[first.rows](tables, {*first.asked, *needed}), first, time_zone)
    return rows.mutate(**{f"by_{name}": _dimension(rows, first, name, time_zone) for name in first.groups})


def _measures(question: Question, shown: ir.Table) -> dict[str, ir.Value]:
    metric, kind = question.metric, question.rows
    measure = metric.measures[kind](shown)
    if metric.denominators is None:
        return {VALUE: measure}
    return {NUMERATOR: measure, DENOMINATOR: metric.denominators[kind](shown)}


def _grouped(shown: ir.Table, question: Question, measures: Mapping[str, ir.Value]) -> ir.Table:
    if not question.groups:
        return shown.aggregate(**measures)
    grouped = shown.group_by([f"by_{name}" for name in question.groups]).aggregate(**measures)
    return grouped.rename({name: f"by_{name}" for name in question.groups}).order_by(list(question.groups))


def _wanted(rows: ir.Table, question: Question, time_zone: str) -> ir.Table:
    """The rows that are counted."""
    conditions = []
    if question.since:
        conditions.append(rows.ordered_at >= _begin(question.since, time_zone))
    if question.until:
        conditions.append(rows.ordered_at < _begin(question.until, time_zone))
    for name, values in question.where.items():
        column = rows[DIMENSIONS[name].rows[question.rows]]
        given = [value for value in values if value]
        parts = [column.cast("string").isin(given)] if given else []
        parts += [column.isnull()] if "" in values else []
        conditions.append(reduce(or_, parts))
    return rows.filter(reduce(and_, conditions)) if conditions else rows


def _dimension(rows: ir.Table, question: Question, name: str, time_zone: str) -> ir.Value:
    if name == SPLIT and question.split:
        return rows.ordered_at >= _begin(question.split, time_zone)
    column = rows[DIMENSIONS[name].rows[question.rows]]
    return local_start(column, TIME[name], time_zone) if name in TIME else column


def _begin(day: date, time_zone: str) -> ir.TimestampScalar:
    """The instant, UTC, at which a day begins in a zone."""
    local = datetime.combine(day, time(), ZoneInfo(time_zone))
    return ibis.literal(local.astimezone(UTC).replace(tzinfo=None), "timestamp(6)")
