"""Figures of some days beside those of as many days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from datamart_kedro.facts.period import Days
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import Figure, answers
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import dimensions_of
from datamart_kedro.metrics.metric import Metric
from datamart_kedro.metrics.question import question

HEADLINES = (
    "revenue",
    "net_revenue",
    "orders",
    "average_order",
    "active_customers",
    "new_customers",
    "returning_customers",
    "return_rate",
    "late_rate",
)
"""What stands at the top."""
STATES = ("stock_out_rate", "churn_risk")
"""What is of the moment: it has no period before."""


@dataclass(frozen=True)
class Headline:
    """A figure and what it was before.

    Attributes:
        metric: What it is.
        apart: What it is kept apart by, such as EUR; empty if by nothing.
        value: The figure; None if there is none.
        before: That of as many days before; None if there was none, or it is a state.
    """

    metric: Metric
    apart: str
    value: Decimal | int | None
    before: Decimal | int | None = None

    @property
    def change(self) -> Decimal | None:
        """Change as a share of what it was; of a share, the difference. None where neither can be told."""
        if self.value is None or self.before is None:
            return None
        if self.metric.unit in ("rate", "probability"):
            return Decimal(self.value) - Decimal(self.before)
        if not self.before:
            return None
        share = (Decimal(self.value) - Decimal(self.before)) / abs(Decimal(self.before))
        return share.quantize(Decimal("0.0001"), ROUND_HALF_UP)

    @property
    def is_better(self) -> bool | None:
        """Is the change for the better? None where there is none, or it is neither."""
        if not self.change or self.metric.rises is None:
            return None
        return (self.change > 0) == self.metric.rises


def headlines(
    mart: Mart,
    names: Sequence[str],
    days: Days | None,
    time_zone: str,
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Headline]:
    """Metrics of some days beside those before, in the order of their names.

    A metric that is not known by a filter is left out, rather than shown for other rows than the rest.

    Args:
        mart: Read only.
        names: Of the metrics.
        days: The days; None for states.
        time_zone: In which days begin.
        where: Values that are counted, by dimension.
    """
    found = []
    for name, figures in _figures(mart, names, days, time_zone, where).items():
        now = {
            figure.group[:-1] if days else figure.group: figure for figure in figures if not days or figure.group[-1]
        }
        earlier = {figure.group[:-1]: figure.value for figure in figures if days and not figure.group[-1]}
        for group in sorted({*now, *earlier}, key=repr) or [()]:
            value = now[group].value if group in now else _of_no_rows(METRICS[name])
            before = earlier.get(group, _of_no_rows(METRICS[name])) if days else None
            found.append(Headline(METRICS[name], _words(group), value, before))
    return found


def _figures(
    mart: Mart,
    names: Sequence[str],
    days: Days | None,
    time_zone: str,
    where: Mapping[str, Sequence[str]] | None,
) -> dict[str, Sequence[Figure]]:
    """Figures of the days and of those before, told apart by the last part of their groups."""
    period = {"since": days.before.since, "until": days.until, "split": days.since} if days else {}
    asked = [question(name, (), where, **period) for name in names if _is_known(name, where or {})]
    return {found.metric.name: found.figures for found in answers(mart, asked, time_zone)}


def _of_no_rows(metric: Metric) -> int | None:
    """What a metric is of no rows at all: a number of things is 0, and nothing else is known."""
    return 0 if metric.unit == "count" else None


def _is_known(name: str, where: Mapping[str, Sequence[str]]) -> bool:
    return set(where) <= set(dimensions_of(METRICS[name]))


def _words(group: tuple[Any, ...]) -> str:
    return ", ".join(str(value) for value in group)
