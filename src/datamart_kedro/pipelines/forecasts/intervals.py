"""Intervals around forecasts, from the errors of the backtest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np

from datamart_kedro.pipelines.forecasts.backtest import earlier
from datamart_kedro.pipelines.forecasts.metrics import interval_score, interval_width, levels_of
from datamart_kedro.pipelines.forecasts.rules import SEASON, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest, Flags, Floats, Target

MOST_GROUPS, SOLD_DAYS_OF_GROUP = 4, 100
"""Groups of days on which often nothing is sold, and days with sales that each has at least."""


def reach(errors: Floats, share: float) -> float:
    """How far errors reach above 0: the conformal quantile; not a number where there are too few to tell.

    Of n errors and one more, exchangeable, the last is not above the one of rank ceil((n + 1) * share) with a
    probability of at least `share` (Vovk, Gammerman and Shafer, 2005; Lei et al., 2018). Errors of one origin are not
    independent, so that the share that was held is measured and reported.

    Args:
        errors: Of the backtest; what is not a number is left out.
        share: Such as 0.9.
    """
    given = np.sort(errors[~np.isnan(errors)])
    rank = ceil(round((len(given) + 1) * share, 9))
    return float(given[rank - 1]) if rank <= len(given) else np.nan


def reaches(
    found: Backtest, target: Target, model: str, origins: Sequence[int], idle: Floats, share: float
) -> tuple[Floats, Floats]:
    """How far a day lies below and above its forecast, in spreads of its series, by series of the tree and step.

    Errors are divided by the spread of their series (Lei et al., 2018, 5.2), and taken together by level, for each week
    ahead with the weeks beside it, as a step alone (Stankeviciute, Alaa and van der Schaar, 2021) has few, and by how
    often nothing is sold (Mondrian conformal prediction: Vovk, Lindsay, Nouretdinov and Gammerman, 2003; Boström and
    Johansson, 2020), as what sells daily and what sells twice a year have no errors in common.

    Args:
        found: The backtest.
        target: What is forecast.
        model: By which model.
        origins: Places of the origins whose errors count.
        idle: How often nothing is sold, as known when the intervals are made, by series and step.
        share: Of the days that an interval should hold.

    Returns:
        How far below, and how far above, neither below 0. Infinitely far below where nothing is sold too often for an
        interval to leave such days out.
    """
    spread = found.spreads[target][:, :, None]
    all_errors = np.full(found.actual[target].shape, np.nan)
    np.divide(found.actual[target] - found.forecasts[target][model], spread, out=all_errors, where=spread > 0)
    errors, idle_then = all_errors[list(origins)], found.idle[target][list(origins)]
    below, above = np.full(idle.shape, np.nan), np.full(idle.shape, np.nan)
    for level in dict.fromkeys(found.tree.levels):
        places = found.tree.at_level(level)
        for start in range(0, idle.shape[-1], SEASON):
            week, around = slice(start, start + SEASON), slice(max(start - SEASON, 0), start + 2 * SEASON)
            below[places, week], above[places, week] = reaches_by_group(
                errors[:, places, around], idle_then[:, places, around], idle[places, week], share
            )
    return below, above


def reaches_by_group(errors: Floats, idle_then: Floats, idle: Floats, share: float) -> tuple[Floats, Floats]:
    """How far days lie below and above, by groups of how often nothing is sold.

    Where there are too few regular days to tell, those that sell most often of the others count as well.

    Args:
        errors: Of the backtest; what is not a number is left out.
        idle_then: How often nothing was sold, for each error.
        idle: How often nothing is sold, for each day that is forecast.
        share: Of the days that an interval should hold.
    """
    given, idle_then = errors[~np.isnan(errors)], idle_then[~np.isnan(errors)]
    edges = groups(idle_then, share)
    then, now = (np.digitize(shares, edges, right=True) for shares in (idle_then, idle))
    ends = []
    for group in range(len(edges) + 1):
        ends_of_group = _one_side if group else _both_sides
        found = ends_of_group(given[then == group], share)
        ends.append(ends_of_group(given[then <= 1], share) if np.isnan(found).any() else found)
    below, above = np.array(ends).T
    return below[now], above[now]


def groups(idle: Floats, share: float) -> Floats:
    """Where groups of days end, by how often nothing is sold.

    The first are regular days, on which nothing is sold no more often than an interval may leave out. The others have
    equally many days with sales each, of which the upper ends of their intervals are made.

    Args:
        idle: How often nothing is sold, for each day.
        share: Of the days that an interval should hold.
    """
    regular = round(1 - share, 9)
    others = np.sort(idle[idle > regular])
    sold = np.cumsum(1 - others)
    count = max(1, min(MOST_GROUPS, int(sold[-1] / SOLD_DAYS_OF_GROUP))) if len(others) else 1
    cuts = others[np.searchsorted(sold, np.arange(1, count) / count * sold[-1:])]
    return np.unique(np.append(regular, cuts[cuts < others[-1:]]))


def _both_sides(errors: Floats, share: float) -> tuple[float, float]:
    """How far below and above: both ends have half of what an interval leaves out."""
    below, above = (reach(signed, (1 + share) / 2) for signed in (-errors, errors))
    return float(np.maximum(below, 0)), float(np.maximum(above, 0))


def _one_side(errors: Floats, share: float) -> tuple[float, float]:
    """How far below and above: days without sales are held, and whatever is left out lies above the upper end."""
    above = float(np.maximum(reach(errors, share), 0))
    return np.nan if np.isnan(above) else np.inf, above


def bounds(point: Floats, reaches_: tuple[Floats, Floats], spread: Floats, lowest: Floats) -> tuple[Floats, Floats]:
    """The ends of intervals, in whole numbers.

    Args:
        point: Forecasts: whole numbers, by series and step.
        reaches_: How far a day lies below and above, in spreads; infinitely far below is down to 0.
        spread: How far days lie from their mean, by series.
        lowest: The lowest day of a series, or 0: no end lies below it, where the forecast does not.
    """
    below, above = reaches_
    far = np.isinf(below)
    near = np.floor(point - np.where(far, 0, below) * spread[:, None])
    lower = np.where(far, np.minimum(point, 0), np.maximum(near, np.minimum(point, lowest[:, None])))
    return lower, np.ceil(point + above * spread[:, None])


def intervals_at_origins(found: Backtest, target: Target, model: str, rules: ForecastRules) -> tuple[Floats, Floats]:
    """The ends of the intervals that would have been published at each origin: arrays of origin, series and step.

    They are made of the errors of earlier origins whose windows had ended. Not a number where there are none.

    Args:
        found: The backtest.
        target: What is forecast.
        model: By which model.
        rules: Rules of forecasts.
    """
    lower, upper = (np.full(found.actual[target].shape, np.nan) for _ in range(2))
    for which in range(len(found.origins)):
        origins = earlier(found.origins, which, rules.horizon_days)
        if origins:
            lower[which], upper[which] = bounds(
                np.rint(found.forecasts[target][model][which]),
                reaches(found, target, model, origins, found.idle[target][which], rules.interval),
                found.spreads[target][which],
                found.lowest[target][which],
            )
    return lower, upper


def coverage(found: Backtest, model: str, rules: ForecastRules) -> list[dict[str, Any]]:
    """How intervals did at origins none of whose errors made them: one row per target and level.

    Args:
        found: The backtest.
        model: By which model.
        rules: Rules of forecasts.

    Returns:
        - wanted, held: share of the days; below, above: share that lay below or above the interval. None without days.
        - idle: share on which nothing was sold. No interval with 0 in it holds less.
        - width, score: sum of widths, and of interval scores, to the sum of sales. None without sales.
        - days: how many, of all series.
    """
    rows = _coverage(found, model, rules, lambda idle: {"all": np.ones_like(idle, dtype=bool)})
    return [{name: value for name, value in row.items() if name != "sold"} for row in rows]


def coverage_by_sold(found: Backtest, model: str, rules: ForecastRules) -> list[dict[str, Any]]:
    """The same for each kind of days by `how_often_sold`: one row per target, level and sold, where there are days.

    Args:
        found: The backtest.
        model: By which model.
        rules: Rules of forecasts.
    """
    rows = _coverage(found, model, rules, lambda idle: how_often_sold(idle, rules.interval))
    return [row for row in rows if row["days"]]


def _coverage(
    found: Backtest, model: str, rules: ForecastRules, kinds: Callable[[Floats], Mapping[str, Flags]]
) -> list[dict[str, Any]]:
    """One row per target, level and kind of days, which is a function of how often nothing is sold."""
    rows = []
    for target in TARGETS:
        ends = intervals_at_origins(found, target, model, rules)
        told = ~np.isnan(ends[0]) & ~np.isnan(ends[1])
        for level, places in levels_of(found).items():
            for sold, among in kinds(found.idle[target]).items():
                days = told[:, places] & among[:, places]
                actual, lower, upper = (values[:, places][days] for values in (found.actual[target], *ends))
                held = held_by(actual, lower, upper, rules.interval)
                rows.append({"target": target, "level": level, "sold": sold, "wanted": rules.interval} | held)
    return rows


def how_often_sold(idle: Floats, share: float) -> Mapping[str, Flags]:
    """Days by how often something is sold, as known at the origin.

    Args:
        idle: How often nothing is sold.
        share: Of the days that intervals should hold.

    Returns:
        - regularly: nothing is sold no more often than an interval may leave out.
        - rarely: nothing is sold more often than an interval should hold, so that all hold more who hold such days.
        - at times: what lies between.
    """
    regular, rare = idle <= round(1 - share, 9), idle > share
    return {"regularly": regular, "at times": ~regular & ~rare, "rarely": rare}


def held_by(actual: Floats, lower: Floats, upper: Floats, share: float) -> dict[str, Any]:
    """What `coverage` says of days and their intervals."""

    def share_of(days: Flags) -> float | None:
        return float(days.mean()) if len(days) else None

    return {
        "held": share_of((actual >= lower) & (actual <= upper)),
        "below": share_of(actual < lower),
        "above": share_of(actual > upper),
        "idle": share_of(actual == 0),
        "width": interval_width(actual, lower, upper),
        "score": interval_score(actual, lower, upper, share),
        "days": len(actual),
    }
