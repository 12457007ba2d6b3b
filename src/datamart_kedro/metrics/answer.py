"""Answering a question from a mart: the figures, the SQL that gave them, and the version that it read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis.backends.sql.datatypes import DuckDBType

from datamart_kedro.errors import MissingTableError
from datamart_kedro.mart.as_of_query import name_at, with_tables_at
from datamart_kedro.mart.domains import pipeline_of, published_tables
from datamart_kedro.mart.ledger import current_version
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.versions import list_versions
from datamart_kedro.metrics.expression import expression, together
from datamart_kedro.metrics.metric import DIGITS, Metric
from datamart_kedro.metrics.question import Question
from datamart_kedro.metrics.rows import Tables


@dataclass(frozen=True)
class Figure:
    """One figure of an answer.

    Attributes:
        group: Values of the dimensions asked for, in their order; None where unknown.
        value: The figure; None where the denominator is 0, or there is nothing to add.
        numerator: Of a quotient.
        denominator: Of a quotient.
    """

    group: tuple[Any, ...]
    value: Decimal | int | None
    numerator: Decimal | int | None = None
    denominator: Decimal | int | None = None


@dataclass(frozen=True)
class Answer:
    """What a metric is, and where its figures come from.

    Attributes:
        question: What was asked.
        figures: Sorted by their groups.
        sql: What the mart was asked.
        version: Of the mart that was read.
        valid_from: Instant, UTC, from which that version holds.
    """

    question: Question
    figures: tuple[Figure, ...]
    sql: str
    version: int
    valid_from: datetime | None

    @property
    def metric(self) -> Metric:
        """The metric."""
        return self.question.metric


def answer(mart: Mart, question: Question, time_zone: str, version: int | None = None) -> Answer:
    """Answer a question.

    Args:
        mart: Read only: the mart or its copy.
        question: What is asked.
        time_zone: In which days begin.
        version: Of the mart; what readers see now if absent.

    Raises:
        MissingTableError: The mart lacks a table that the metric is taken from.
        VersionError: The history does not go back so far.
    """
    sql = compiled(mart, question, time_zone, version)
    width = len(question.groups)
    figures = [figure(question.metric, row[:width], row[width:]) for row in mart.execute(sql)]
    read = version if version is not None else current_version(mart)
    started = {known.number: known.valid_from for known in list_versions(mart)}
    return Answer(question, tuple(figures), sql, read, started.get(read))


def answers(mart: Mart, questions: Sequence[Question], time_zone: str) -> list[Answer]:
    """Answer several questions, those of the same rows in one query: for pages with many figures.

    Args:
        mart: Read only.
        questions: What is asked.
        time_zone: In which days begin.

    Returns:
        An answer for each, in their order; its SQL is that of the query that gave it.
    """
    version, started = current_version(mart), {known.number: known.valid_from for known in list_versions(mart)}
    alike: dict[str, list[Question]] = {}
    for asked in questions:
        alike.setdefault(repr((asked.rows, asked.by, asked.where, asked.since, asked.until, asked.split)), []).append(
            asked
        )
    found: dict[Question, Answer] = {}
    for group in alike.values():
        sql = _compiled(mart, group[0].metric.title, partial(together, group, time_zone=time_zone), None)
        rows = mart.execute(sql)
        for asked, figures in zip(group, _figures_of(group, rows), strict=True):
            found[asked] = Answer(asked, figures, sql, version, started.get(version))
    return [found[asked] for asked in questions]


def _figures_of(questions: Sequence[Question], rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Figure, ...]]:
    """The figures of each question, from the rows of the query for all of them."""
    width = start = len(questions[0].groups)
    for asked in questions:
        end = start + (2 if asked.metric.denominators else 1)
        yield tuple(figure(asked.metric, row[:width], row[start:end]) for row in rows)
        start = end


def compiled(mart: Mart, question: Question, time_zone: str, version: int | None = None) -> str:
    """The SQL of a question, as a mart takes it."""
    return _compiled(mart, question.metric.title, partial(expression, question, time_zone=time_zone), version)


def _compiled(mart: Mart, title: str, build: Callable[[Tables], ir.Table], version: int | None) -> str:
    published = {table.name: table for table in published_tables().values()}
    used: dict[str, ir.Table] = {}

    def table(name: str) -> ir.Table:
        columns = mart.columns(name)
        if not columns:
            raise missing_table(name, title)
        schema = ibis.schema({column: DuckDBType.from_string(kind) for column, kind in columns.items()})
        return used.setdefault(name, ibis.table(schema, name=name_at(name, version)))

    select = str(ibis.to_sql(build(table), dialect="duckdb"))
    return with_tables_at(mart, select, (published[name] for name in used), version)


def missing_table(name: str, wanted_by: str) -> MissingTableError:
    """The refusal to read a table that nobody has made."""
    domains = {table.name: domain for domain, table in published_tables().items()}
    pipeline = pipeline_of(domains[name])
    first = " (after `kedro run --pipelines=features`)" if pipeline != domains[name] else ""
    return MissingTableError(
        f"{wanted_by}: the mart does not have {name} yet.",
        f"Make it with `kedro run --pipelines={pipeline}`{first}.",
        state="",
    )


def figure(metric: Metric, group: Sequence[Any], values: Sequence[Any]) -> Figure:
    """A row of an answer as a figure; quotients are divided exactly, rounded half away from zero."""
    if metric.denominators is None:
        return Figure(tuple(group), _number(values[0]))
    numerator, denominator = map(_number, values)
    value = quotient(numerator, denominator, DIGITS[metric.unit])
    return Figure(tuple(group), value, numerator, denominator)


def quotient(numerator: Decimal | int | None, denominator: Decimal | int | None, digits: int) -> Decimal | None:
    """A quotient to so many digits, rounded half away from zero; None without a denominator."""
    if numerator is None or not denominator:
        return None
    exact = Decimal(numerator) / Decimal(denominator)
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _number(value: Any) -> Decimal | int | None:
    return Decimal(repr(value)) if isinstance(value, float) else value


def columns_of(answer: Answer) -> list[str]:
    """Names of what a figure has, in order."""
    quotient = ["numerator", "denominator"] if answer.metric.denominators else []
    return [*answer.question.by, answer.metric.name, *quotient]


def records(answer: Answer) -> Iterable[dict[str, Any]]:
    """The figures as plain rows."""
    for found in answer.figures:
        quotient = (found.numerator, found.denominator) if answer.metric.denominators else ()
        yield dict(zip(columns_of(answer), (*found.group, found.value, *quotient), strict=True))


def described(answer: Answer) -> dict[str, Any]:
    """Where the figures come from, for machines."""
    asked = answer.question
    return {
        "metric": answer.metric.name,
        "meaning": answer.metric.meaning,
        "unit": answer.metric.unit,
        "denominator": answer.metric.denominator or None,
        "adds_up": answer.metric.adds_up,
        "by": list(asked.by),
        "where": {name: list(values) for name, values in asked.where.items()},
        "since": _day(asked.since),
        "until": _day(asked.until),
        "version": answer.version,
        "valid_from": answer.valid_from.isoformat() if answer.valid_from else None,
        "sql": answer.sql,
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
