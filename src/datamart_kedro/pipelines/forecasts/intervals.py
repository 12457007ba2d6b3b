"""Intervals around forecasts, from the errors of the backtest."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from datamart_kedro.pipelines.forecasts.backtest import earlier
from datamart_kedro.pipelines.forecasts.metrics import levels_of
from datamart_kedro.pipelines.forecasts.rules import SEASON, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest, Floats, Target


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


def reaches(found: Backtest, target: Target, model: str, origins: Sequence[int], share: float) -> tuple[Floats, Floats]:
    """How far a day lies below and above its forecast, in spreads of its series, by series of the tree and step.

    Errors are divided by the spread of their series (Lei et al., 2018, 5.2), and taken together by level, and for each
    week ahead with the weeks beside it, as a step alone (Stankeviciute, Alaa and van der Schaar, 2021) has few. Both
    ends have half of what an interval leaves out.

    Args:
        found: The backtest.
        target: What is forecast.
        model: By which model.
        origins: Places of the origins whose errors count.
        share: Of the days that an interval should hold.

    Returns:
        How far below, and how far above, neither below 0.
    """
    spread = found.spreads[target][:, :, None]
    all_errors = np.full(found.actual[target].shape, np.nan)
    np.divide(found.actual[target] - found.forecasts[target][model], spread, out=all_errors, where=spread > 0)
    errors = all_errors[list(origins)]
    steps = errors.shape[-1]
    below, above = (np.full((len(found.tree.ids), steps), np.nan) for _ in range(2))
    tail = (1 + share) / 2
    for level in dict.fromkeys(found.tree.levels):
        places = found.tree.at_level(level)
        for start in range(0, steps, SEASON):
            week = slice(start, start + SEASON)
            given = errors[:, places, max(start - SEASON, 0) : start + 2 * SEASON]
            below[places, week] = np.maximum(reach(-given, tail), 0.0)
            above[places, week] = np.maximum(reach(given, tail), 0.0)
    return below, above


def bounds(point: Floats, reaches_: tuple[Floats, Floats], spread: Floats, lowest: Floats) -> tuple[Floats, Floats]:
    """The ends of intervals, in whole numbers.

    Args:
        point: Forecasts: whole numbers, by series and step.
        reaches_: How far a day lies below and above, in spreads.
        spread: How far days lie from their mean, by series.
        lowest: The lowest day of a series, or 0: no end lies below it, where the forecast does not.
    """
    below, above = reaches_
    lower = np.floor(point - below * spread[:, None])
    upper = np.ceil(point + above * spread[:, None])
    return np.maximum(lower, np.minimum(point, lowest[:, None])), upper


def coverage(found: Backtest, model: str, rules: ForecastRules) -> list[dict[str, Any]]:
    """The share of days that intervals held, at origins none of whose errors made them: one row per target and level.

    At each origin, intervals are made of the errors of earlier ones whose windows had ended. None where there are none.

    Args:
        found: The backtest.
        model: By which model.
        rules: Rules of forecasts.
    """
    rows = []
    for target in TARGETS:
        held = np.full(found.actual[target].shape, np.nan)
        for which in range(len(found.origins)):
            origins = earlier(found.origins, which, rules.horizon_days)
            if not origins:
                continue
            point = found.forecasts[target][model][which]
            lower, upper = bounds(
                np.rint(point),
                reaches(found, target, model, origins, rules.interval),
                found.spreads[target][which],
                found.lowest[target][which],
            )
            actual = found.actual[target][which]
            told = ~np.isnan(lower) & ~np.isnan(upper)
            held[which] = np.where(told, (actual >= lower) & (actual <= upper), np.nan)
        for level, places in levels_of(found).items():
            given = held[:, places][~np.isnan(held[:, places])]
            rows.append(
                {
                    "target": target,
                    "level": level,
                    "wanted": rules.interval,
                    "held": float(given.mean()) if len(given) else None,
                    "days": len(given),
                }
            )
    return rows
