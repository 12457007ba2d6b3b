"""What is asked of a metric, checked before anything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from datamart_kedro.errors import UsageError
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import DIMENSIONS, dimensions_of
from datamart_kedro.metrics.metric import TIME, Metric, Rows

MAX_TEXT = 200
"""Letters of a name or value."""
MAX_VALUES = 50
"""Values of one dimension."""
SPLIT = "is_from_split_on"


@dataclass(frozen=True, eq=False)
class Question:
    """A metric, by some dimensions, of some rows.

    Attributes:
        metric: The metric.
        by: Dimensions whose values are shown apart; those that the metric always keeps apart come last.
        where: Values that are counted, by dimension; an empty text stands for NULL.
        since: First day, in the shop's time zone; from the first order on if absent.
        until: The day after the last one; up to the newest order if absent.
        split: Day from which on figures are told apart from those before, so that one query gives both.
    """

    metric: Metric
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    split: date | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """What figures are told apart by: the dimensions, then whether they are from the split on."""
        return (*self.by, SPLIT) if self.split else self.by

    @property
    def asked(self) -> set[str]:
        """All dimensions that play a part."""
        return {*self.by, *self.where}

    @property
    def rows(self) -> Rows:
        """The first rows of the metric that know all of its dimensions."""
        return next(rows for rows in self.metric.measures if _know(rows, self.asked))


def question(
    name: str,
    by: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
    since: date | None = None,
    until: date | None = None,
    split: date | None = None,
) -> Question:
    """A question that can be answered.

    Raises:
        UsageError: There is no such metric or dimension, or the metric is not known by it.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise UsageError(f"There is no metric {_short(name)}.", f"There are {', '.join(METRICS)}.", state="")
    where = where or {}
    for dimension in (*by, *where):
        _require_dimension(metric, dimension)
    for dimension, values in where.items():
        if dimension in TIME:
            raise UsageError(f"{dimension} is no filter.", "Ask for days with --since and --until.", state="")
        if len(values) > MAX_VALUES or any(len(value) > MAX_TEXT for value in values):
            raise UsageError(
                f"There are too many values of {dimension}, or one is too long.",
                f"Give at most {MAX_VALUES} values of at most {MAX_TEXT} letters.",
                state="",
            )
    if metric.is_state and (since or until):
        raise UsageError(
            f"{metric.name} is of the moment, not of a period.",
            "Leave the days out; the mart as it was is read with --version.",
            state="",
        )
    if since and until and since >= until:
        raise UsageError(f"{since} is not before {until}.", "--until is the day after the last one.", state="")
    together = tuple(dict.fromkeys((*by, *metric.apart)))
    found = Question(metric, together, {d: tuple(values) for d, values in where.items()}, since, until, split)
    if not any(_know(rows, found.asked) for rows in metric.measures):
        raise UsageError(
            f"{metric.name} is not known by {', '.join(sorted(found.asked))} together.",
            "Leave one of them out.",
            state="",
        )
    return found


def _know(rows: Rows, dimensions: set[str]) -> bool:
    return all(rows in DIMENSIONS[name].rows for name in dimensions)


def _require_dimension(metric: Metric, name: str) -> None:
    known = dimensions_of(metric)
    if name not in known:
        raise UsageError(
            f"{metric.name} is not known by {_short(name)}.", f"It is by {', '.join(known) or 'nothing'}.", state=""
        )


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."
