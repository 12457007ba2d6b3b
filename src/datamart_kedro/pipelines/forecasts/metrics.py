"""How far forecasts were from what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from datamart_kedro.pipelines.forecasts.inputs import mean
from datamart_kedro.pipelines.forecasts.rules import SEASONAL_NAIVE, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest, Floats

DIGITS_SHOWN = 6
ALL = "all"
"""All levels together; each sums to the same sales, and so weighs the same."""


def wape(actual: Floats, forecast: Floats) -> float | None:
    """Weighted absolute percentage error: sum of absolute errors, to the sum of absolute values; None without sales."""
    made = ~np.isnan(forecast)
    return _quotient(np.abs(actual - forecast)[made].sum(), np.abs(actual)[made].sum())


def mase(actual: Floats, forecast: Floats, seasonal_error: Floats) -> float | None:
    """Mean absolute scaled error (Hyndman and Koehler, 2006): mean of series and origins, each of the same weight.

    Args:
        actual: What came; the last axis is the step.
        forecast: What was forecast.
        seasonal_error: Mean absolute error of seasonal naive in the days before, without the last axis; series
            for which it is 0 or unknown are left out.
    """
    return _mean_quotient(mean(np.abs(actual - forecast), axis=-1), seasonal_error)


def rmsse(actual: Floats, forecast: Floats, daily_change: Floats) -> float | None:
    """Root mean squared scaled error, as in the M5 competition: mean of series and origins, each of the same weight.

    Args:
        actual: What came; the last axis is the step.
        forecast: What was forecast.
        daily_change: Mean squared error of the day before as a forecast, in the days before, without the last axis.
    """
    squares = mean((actual - forecast) ** 2, axis=-1)
    return _mean_quotient(np.sqrt(squares), np.sqrt(daily_change))


def interval_width(actual: Floats, lower: Floats, upper: Floats) -> float | None:
    """Sum of the widths of intervals, to the sum of absolute values; None without sales."""
    return _quotient((upper - lower).sum(), np.abs(actual).sum())


def interval_score(actual: Floats, lower: Floats, upper: Floats, share: float) -> float | None:
    """Interval score (Gneiting and Raftery, 2007, 6.2): sum of widths and penalties, to the sum of absolute values.

    A day that is not held costs 2 / (1 - share) times its distance from the interval, so that neither a wide interval
    nor one that misses is good; lower is better. It is lowest for intervals with equal shares left out on both sides.
    None without sales.

    Args:
        actual: What came.
        lower: Lower ends.
        upper: Upper ends.
        share: Of the days that intervals should hold.
    """
    missed = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return _quotient((upper - lower + 2 / (1 - share) * missed).sum(), np.abs(actual).sum())


def measure(found: Backtest) -> list[dict[str, Any]]:
    """One row per target, level (and all of them together) and model, with its metrics and how many series it is of."""
    rows = []
    for target in TARGETS:
        for level, places in levels_of(found).items():
            actual = found.actual[target][:, places]
            for model in found.models:
                forecast = found.forecasts[target][model][:, places]
                rows.append(
                    {
                        "target": target,
                        "level": level,
                        "model": model,
                        "series": len(places),
                        "wape": wape(actual, forecast),
                        "mase": mase(actual, forecast, found.seasonal_errors[target][:, places]),
                        "rmsse": rmsse(actual, forecast, found.daily_changes[target][:, places]),
                    }
                )
    return rows


def measure_steps(found: Backtest) -> list[dict[str, Any]]:
    """One row per target, level, model and step, with its WAPE."""
    return [
        {
            "target": target,
            "level": level,
            "model": model,
            "step": step + 1,
            "wape": wape(found.actual[target][:, places, step], found.forecasts[target][model][:, places, step]),
        }
        for target in TARGETS
        for level, places in levels_of(found).items()
        for model in found.models
        for step in range(found.actual[target].shape[-1])
    ]


def levels_of(found: Backtest) -> Mapping[str, list[int]]:
    """Places of the series of each level, and of all."""
    levels = list(dict.fromkeys(found.tree.levels))
    return {level: found.tree.at_level(level) for level in levels} | {ALL: list(range(len(found.tree.ids)))}


def scores(rows: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """By model, the mean over targets of the WAPE of all levels; None where nothing was sold."""
    found: dict[str, list[float | None]] = {}
    for row in rows:
        if row["level"] == ALL:
            found.setdefault(row["model"], []).append(row["wape"])
    return {
        model: None if None in values else float(np.mean([v for v in values if v is not None]))
        for model, values in found.items()
    }


def best(scored: Mapping[str, float | None]) -> str | None:
    """The learnt model with the lowest score, the first of equals; None without one."""
    learnt = {name: np.inf if score is None else score for name, score in scored.items() if name != SEASONAL_NAIVE}
    return min(learnt, key=learnt.__getitem__) if learnt else None


def is_better(scored: Mapping[str, float | None], model: str | None) -> bool:
    """Has a model a lower score than seasonal naive? Not where nothing was sold."""
    score, naive = scored.get(model or ""), scored[SEASONAL_NAIVE]
    return score is not None and naive is not None and score < naive


def choose(scored: Mapping[str, float | None], rules: ForecastRules) -> str:
    """The model that is published."""
    found = best(scored)
    if found is None:
        return SEASONAL_NAIVE
    return found if is_better(scored, found) or not rules.must_beat_seasonal_naive else SEASONAL_NAIVE


def rounded(report: Any) -> Any:
    """A report with its numbers rounded to six digits after the point."""
    if isinstance(report, Mapping):
        return {name: rounded(value) for name, value in report.items()}
    if isinstance(report, list):
        return [rounded(value) for value in report]
    return round(report, DIGITS_SHOWN) if isinstance(report, float) else report


def _mean_quotient(errors: Floats, usual: Floats) -> float | None:
    made = ~np.isnan(errors) & (np.nan_to_num(usual) > 0)
    return float(np.mean(errors[made] / usual[made])) if made.any() else None


def _quotient(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None
