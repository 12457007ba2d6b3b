"""How metrics went, month by month, and by groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from datamart_kedro.facts.period import Days
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import answers
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.metric import Metric
from datamart_kedro.metrics.numbers import in_words
from datamart_kedro.metrics.question import Question, question

Points = tuple[tuple[Any, Decimal | int | None], ...]
GROUPS = 12
"""Groups that are shown, the largest first; the others would be too small to see."""


@dataclass(frozen=True)
class Course:
    """How a metric went, or how it is spread over groups.

    Attributes:
        metric: What it is.
        apart: What it is kept apart by, such as EUR; empty if by nothing.
        points: Day, month or group, with the figure.
        others: Groups that are left out.
    """

    metric: Metric
    apart: str
    points: Points
    others: int = 0


def courses(
    mart: Mart,
    names: Sequence[str],
    by: str,
    days: Days,
    time_zone: str,
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Course]:
    """Metrics over time, one course for each currency or what else they are kept apart by."""
    asked = [question(name, [by], where, days.since, days.until) for name in names]
    return [course for found in answers(mart, asked, time_zone) for course in _apart(found.question, found.figures)]


def spread(
    mart: Mart,
    name: str,
    by: str,
    days: Days | None,
    time_zone: str,
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Course]:
    """A metric by groups, the largest first."""
    period = (days.since, days.until) if days else (None, None)
    (found,) = answers(mart, [question(name, [by], where, *period)], time_zone)
    return [_largest(course) for course in _apart(found.question, found.figures)]


def _apart(asked: Question, figures: Sequence[Any]) -> list[Course]:
    by_rest: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
    for figure in figures:
        by_rest.setdefault(figure.group[1:], []).append((figure.group[0], figure.value))
    return [
        Course(METRICS[asked.metric.name], ", ".join(map(str, rest)), tuple(points))
        for rest, points in sorted(by_rest.items(), key=lambda item: repr(item[0]))
    ]


def _largest(course: Course) -> Course:
    given = [(in_words(group), value) for group, value in course.points if value is not None]
    ordered = sorted(given, key=lambda point: (-point[1], point[0]))
    return Course(course.metric, course.apart, tuple(ordered[:GROUPS]), len(ordered) - len(ordered[:GROUPS]))
