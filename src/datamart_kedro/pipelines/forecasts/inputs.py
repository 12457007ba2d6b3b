"""Inputs of models: one row per series and step, seen from a cutoff.

Every function here is given the days before the cutoff and nothing else, so that the lag of whatever a model sees is at
least its step: each step is forecast directly, and no forecast is fed back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from datamart_kedro.pipelines.forecasts.arrangement import sums
from datamart_kedro.pipelines.forecasts.features import FEATURES
from datamart_kedro.pipelines.forecasts.rules import SEASON
from datamart_kedro.pipelines.forecasts.sales import Flags, Floats, Sales, Target, Whole

QUARTER, MONTH, FORTNIGHTS = 91, 28, 56
YEAR = 364
"""Days of whole weeks, so that weekdays meet."""
PRIOR_DAYS = 7
"""So many days of the mean of all days are in the spread of a series, which is then not 0 for one that ever varied."""


@dataclass(frozen=True)
class Past:
    """What is known at a cutoff: the days before it.

    Attributes:
        sales: Cut off.
        target: What is forecast.
    """

    sales: Sales
    target: Target

    @property
    def own(self) -> Floats:
        """Values of the target: one row per finest series."""
        return self.sales.values[self.target]

    @property
    def cutoff_day(self) -> date:
        """The first day that is not known."""
        return self.sales.day(self.sales.days)


def before(sales: Sales, cutoff: int, target: Target) -> Past:
    """What is known at the start of a column; whatever comes later is left out here, once for all."""
    return Past(
        Sales(sales.tree, sales.first_day, {name: values[:, :cutoff] for name, values in sales.values.items()}), target
    )


def is_sold(past: Past) -> Flags:
    """Which finest series are there at the cutoff: those that have started and not ended."""
    there: Flags = ~np.isnan(past.own[:, -1])
    return there


def scale_of(values: Floats) -> Floats:
    """The usual size of a day of each series: mean of the absolute values of the last 91 days; 0 if it sold nothing."""
    return np.nan_to_num(mean(np.abs(values[:, -QUARTER:]), axis=1))


def spread_of(values: Floats) -> Floats:
    """How far days of each series lie from their mean: in the last 91 days, and some in all days."""
    return _recent_and_some_of_all(np.abs(values - mean(values[:, -QUARTER:], axis=1)[:, None]))


def idle_shares(values: Floats, steps: int) -> Floats:
    """How often nothing is sold, by series and step: the mean of the share of all days and of that of the weekday.

    Both are of the last 91 days. Half of it is of the weekday, so that the days on which a shop is closed do not make
    others uncertain, and half of all days, as of one weekday there are only 13. The first day of a series, which is the
    first because something was sold, tells nothing and counts as one without sales. 1 for a series without days.
    """
    started = ~np.isnan(values)
    is_first = started & (np.cumsum(started, axis=1) == 1)
    weeks = _weeks(np.where(started, (values == 0) | is_first, np.nan), QUARTER // SEASON)
    own = mean(weeks.reshape(len(weeks), -1), axis=1)[:, None]
    weekdays = mean(weeks, axis=1)
    shares = (own + np.where(np.isnan(weekdays), own, weekdays)) / 2
    return np.nan_to_num(shares, nan=1.0)[:, np.arange(steps) % SEASON]


def _recent_and_some_of_all(values: Floats) -> Floats:
    """Mean of the last 91 days, with so many days more of the mean of all; 0 for a series without days."""
    recent = values[:, -QUARTER:]
    known = (~np.isnan(recent)).sum(axis=1)
    found: Floats = (np.nansum(recent, axis=1) + PRIOR_DAYS * mean(values, axis=1)) / (known + PRIOR_DAYS)
    return np.nan_to_num(found)


def inputs(past: Past, series: Whole, steps: Whole) -> Floats:
    """The columns of `FEATURES`, one row for each pair of a finest series and a step.

    Args:
        past: What is known.
        series: Places of the series.
        steps: Days ahead, from 1.
    """
    ahead = (steps - 1) % SEASON
    described = _of_series(past)
    weekdays = _of_weekdays(past)
    found = (
        {name: values[series] for name, values in described.items()}
        | {name: values[series, ahead] for name, values in weekdays.items()}
        | {name: values[steps - 1] for name, values in _of_steps(past, int(steps.max(initial=1))).items()}
    )
    return np.column_stack([found[feature["name"]] for feature in FEATURES])


def last_season(past: Past) -> Floats:
    """The newest value of each weekday, for each finest series, from the weekday of the cutoff on.

    Where a series is younger than a season, the mean of its days.
    """
    last = _weeks(past.own, 1)[:, 0]
    return np.where(np.isnan(last), mean(past.own[:, -SEASON:], axis=1)[:, None], last)


def mean(values: Floats, axis: int) -> Floats:
    """Mean of the numbers; not a number where there is none."""
    count = (~np.isnan(values)).sum(axis=axis)
    return _ratio(np.nansum(values, axis=axis), count.astype(float))


def _of_series(past: Past) -> dict[str, Floats]:
    """What does not depend on the day that is forecast."""
    own, tree = past.own, past.sales.tree
    scale = scale_of(own)
    recent = own[:, -QUARTER:]
    nodes = _node_days(past)
    above, root = _above(past), _root(past)
    means = {days: mean(own[:, -days:], axis=1) for days in (SEASON, MONTH, QUARTER)}
    sold = np.nan_to_num(recent) != 0
    since = np.where(sold.any(axis=1), np.argmax(sold[:, ::-1], axis=1), QUARTER)
    started = ~np.isnan(own)
    trend = _ratio(nodes[:, -SEASON:].mean(axis=1), nodes[:, -MONTH:].mean(axis=1))
    growth = _ratio(nodes[:, -MONTH:].mean(axis=1), nodes[:, -FORTNIGHTS:].mean(axis=1))
    assert tree.finest == len(own)
    return {f"mean_{days}": _ratio(found, scale) for days, found in means.items()} | {
        "parent_trend": trend[above],
        "root_trend": growth[root],
        "zero_share_91": mean(np.where(np.isnan(recent), np.nan, recent == 0), axis=1),
        "days_since_sale": np.log1p(since),
        "age_days": np.log1p(own.shape[1] - np.argmax(started, axis=1)),
        "price_trend": _ratio(_price(past, MONTH), _price(past, QUARTER)),
    }


def _of_weekdays(past: Past) -> dict[str, Floats]:
    """What depends on the weekday that is forecast: one column per weekday, from that of the cutoff on."""
    scale = scale_of(past.own)[:, None]
    weeks = _weeks(past.own, 8)
    nodes = _weeks(_node_days(past), 8).mean(axis=1)
    profile = _ratio(nodes, nodes.mean(axis=1, keepdims=True))
    return {
        "same_weekday_last": _ratio(last_season(past), scale),
        "same_weekday_mean_4": _ratio(mean(weeks[:, -4:], axis=1), scale),
        "same_weekday_mean_8": _ratio(mean(weeks, axis=1), scale),
        "parent_weekday": profile[_above(past)],
        "root_weekday": profile[_root(past)],
    }


def _of_steps(past: Past, horizon: int) -> dict[str, Floats]:
    """What depends on the day that is forecast, and not on the series: known ahead, or of a year before."""
    days = [past.cutoff_day + timedelta(days=step) for step in range(horizon)]
    return {
        "step": np.arange(1.0, horizon + 1),
        "day_of_week": np.array([float(day.isoweekday()) for day in days]),
        "day_of_month": np.array([float(day.day) for day in days]),
        "last_year": _last_year(past, horizon),
    }


def _last_year(past: Past, horizon: int) -> Floats:
    """How a year before went on: the week around the same weekday, to the four weeks that came before it."""
    cutoff = past.sales.days
    start = cutoff - YEAR
    if start < MONTH:
        return np.full(horizon, np.nan)
    total = np.nansum(past.own, axis=0)
    usual = np.array([total[start - MONTH : start].mean()])
    around = np.array([total[start + step - 3 : start + step + 4].mean() for step in range(horizon)])
    return _ratio(around, usual)


def _price(past: Past, days: int) -> Floats:
    """What a unit brought in the last days: in units of the last digit, which cancel out."""
    units, amount = (np.nansum(past.sales.values[name][:, -days:], axis=1) for name in ("y_units", "y_net_amount"))
    return _ratio(amount, np.where(units > 0, units, 0))


def _weeks(values: Floats, weeks: int) -> Floats:
    """The last days of each series by week and weekday, from the weekday of the cutoff on; not a number before all."""
    days = weeks * SEASON
    last = values[:, -days:]
    padded = np.pad(last, ((0, 0), (days - last.shape[1], 0)), constant_values=np.nan)
    return padded.reshape(len(values), weeks, SEASON)


def _node_days(past: Past) -> Floats:
    """The last days of every series of the tree, 0 before it started."""
    last = past.own[:, -FORTNIGHTS:]
    padded = np.pad(last, ((0, 0), (FORTNIGHTS - last.shape[1], 0)), constant_values=0)
    return sums(past.sales.tree, padded)


def _above(past: Past) -> Whole:
    """For each finest series the place of the one above, or of itself where there is none."""
    tree = past.sales.tree
    own = np.arange(len(tree.ids) - tree.finest, len(tree.ids))
    parents = tree.parents[own]
    return np.where(parents < 0, own, parents)


def _root(past: Past) -> Whole:
    """For each finest series the place of the coarsest that it is part of."""
    tree, place = past.sales.tree, _above(past)
    while (tree.parents[place] >= 0).any():
        place = np.where(tree.parents[place] < 0, place, tree.parents[place])
    return place


def _ratio(part: Floats, whole: Floats) -> Floats:
    """A quotient; not a number where the divisor is 0."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    divided: Floats = np.full(shape, np.nan)
    np.divide(part, whole, out=divided, where=whole != 0)
    return divided
