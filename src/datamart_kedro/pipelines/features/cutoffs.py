"""At which days customers are looked at, and what is known and observed there: plain dates, no tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from datamart_kedro.control.period import Period
from datamart_kedro.errors import ParameterError
from datamart_kedro.pipelines.features.rules import FeatureRules

Split = Literal["train", "valid", "test", "score"]


@dataclass(frozen=True)
class Cutoff:
    """Midnight, UTC, at the start of a day: events before it make features, those from it on make labels.

    Attributes:
        day: The day.
        number: Its place among the cutoffs, from 1.
        is_known_then: Does the history reach back to it? If not, rows are taken as they are now.
    """

    day: date
    number: int
    is_known_then: bool


@dataclass(frozen=True)
class Window:
    """What a label looks at: the days from `start` up to, and without, `end`."""

    start: date
    end: date


def cutoffs_of(rules: FeatureRules, period: Period) -> tuple[Cutoff, ...]:
    """The cutoffs that the rules ask for, in order; none where months are counted and there are no orders.

    Raises:
        ParameterError: A cutoff lies after the end of the newest day: what happens until then is not known.
    """
    days = rules.cutoffs or _first_of_months(rules.months, period)
    if period.newest_day and days and days[-1] > period.newest_day + timedelta(days=1):
        raise ParameterError(
            f"features.cutoffs: {days[-1]} lies in the future: the newest order is of {period.newest_day}.",
            f"Name days up to {period.newest_day + timedelta(days=1)}.",
        )
    return tuple(Cutoff(day, number, _is_known(day, period)) for number, day in enumerate(days, start=1))


def label_window(cutoff: date, horizon_days: int, rules: FeatureRules) -> Window:
    """The days that a label looks at."""
    start = cutoff + timedelta(days=rules.gap_days)
    return Window(start, start + timedelta(days=horizon_days))


def is_observed(window: Window, period: Period) -> bool:
    """Has the whole window passed? The newest day may not have ended."""
    return period.newest_day is not None and window.end <= period.newest_day


def split_of(cutoff: date, rules: FeatureRules, period: Period) -> Split | None:
    """What a cutoff is for: a function of the day alone, whatever other cutoffs there are.

    The labels of a split, the longest horizon included, end before the first cutoff of the next one. Cutoffs whose
    labels would reach into the next split are for nothing: None.
    """
    if period.newest_day is None:
        return "score"
    length = timedelta(days=rules.gap_days + max(rules.horizons))
    width = timedelta(days=rules.split_days)
    test_to = period.newest_day - length
    valid_to = test_to - width - length
    train_to = valid_to - width - length
    if cutoff > test_to:
        return "score"
    if cutoff > test_to - width:
        return "test"
    if valid_to - width < cutoff <= valid_to:
        return "valid"
    return "train" if cutoff <= train_to else None


def _first_of_months(months: int, period: Period) -> tuple[date, ...]:
    """The first days of the newest months that lie after the first order, up to the newest."""
    if period.newest_day is None or period.first_day is None:
        return ()
    newest = period.newest_day.year * 12 + period.newest_day.month - 1
    days = (date(month // 12, month % 12 + 1, 1) for month in range(newest - months + 1, newest + 1))
    return tuple(day for day in days if day > period.first_day)


def _is_known(day: date, period: Period) -> bool:
    return period.known_since is not None and datetime(day.year, day.month, day.day) >= period.known_since
