"""At which days customers are looked at, and what is known and observed there: plain dates, no tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from datamart_kedro.control.period import Period
from datamart_kedro.control.settlement import Settled
from datamart_kedro.errors import ParameterError
from datamart_kedro.pipelines.features.rules import FeatureRules

Split = Literal["train", "valid", "test", "score"]
NONE_SETTLED = Settled()


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

    @property
    def basis(self) -> str:
        """What its features are made of, as `ft_customers` tells it."""
        return "known_then" if self.is_known_then else "happened_before"


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


def open_cutoffs(rules: FeatureRules, period: Period, settled: Settled) -> tuple[Cutoff, ...]:
    """The cutoffs that the rules ask for, without those that are settled."""
    return tuple(cutoff for cutoff in cutoffs_of(rules, period) if cutoff.day not in settled.days)


def label_window(cutoff: date, horizon_days: int, rules: FeatureRules) -> Window:
    """The days that a label looks at."""
    start = cutoff + timedelta(days=rules.gap_days)
    return Window(start, start + timedelta(days=horizon_days))


def is_observed(window: Window, period: Period) -> bool:
    """Has the whole window passed? The newest day may not have ended."""
    return period.newest_day is not None and window.end <= period.newest_day


def splits_at(rules: FeatureRules, period: Period) -> dict[date, Split | None]:
    """What each cutoff that the rules ask for is for; see `splits_of`."""
    return splits_of([cutoff.day for cutoff in cutoffs_of(rules, period)], rules, period)


def splits_of(days: Sequence[date], rules: FeatureRules, period: Period) -> dict[date, Split | None]:
    """What each cutoff is for, whoever the customer and whatever the horizon.

    The newest cutoffs whose longest labels are observed are for testing, the newest whose labels end before the first
    of these for validation, and all whose labels end before the first of those for training. The rest is None: its
    labels would reach into another split.
    """
    length = timedelta(days=rules.gap_days + max(rules.horizons))
    newest = period.newest_day or date.min
    observed = [day for day in days if day + length <= newest]
    test = _newest_of(observed, rules.split_days)
    valid = _newest_of([day for day in observed if test and day + length <= test[0]], rules.split_days)
    train = [day for day in observed if valid and day + length <= valid[0]]
    found: dict[date, Split | None] = {day: None if day in observed else "score" for day in days}
    return found | dict.fromkeys(train, "train") | dict.fromkeys(valid, "valid") | dict.fromkeys(test, "test")


def _newest_of(days: Sequence[date], count: int) -> list[date]:
    """The days that lie less than so many days before the last."""
    return [day for day in days if (days[-1] - day).days < count]


def _first_of_months(months: int, period: Period) -> tuple[date, ...]:
    """The first days of the newest months that lie after the first order, up to the newest."""
    if period.newest_day is None or period.first_day is None:
        return ()
    newest = period.newest_day.year * 12 + period.newest_day.month - 1
    days = (date(month // 12, month % 12 + 1, 1) for month in range(newest - months + 1, newest + 1))
    return tuple(day for day in days if day > period.first_day)


def _is_known(day: date, period: Period) -> bool:
    return period.known_since is not None and datetime(day.year, day.month, day.day) >= period.known_since
