"""Models: seasonal naive, and what learns from all series together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from datamart_kedro.models.threads import one_thread
from datamart_kedro.pipelines.forecasts.inputs import Past, before, inputs, is_sold, last_season, scale_of
from datamart_kedro.pipelines.forecasts.rules import SEASON, SEASONAL_NAIVE, SHORTEST_PAST, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import Floats, Sales, Target, Whole

Examples = tuple[Floats, Floats, Floats]
"""Inputs; values divided by the scale of their series; weights."""
PREDICTED_AT_ONCE = 200_000
"""Rows, which bounds the memory for any number of series."""


def seasonal_naive(past: Past, horizon: int) -> Floats:
    """The newest value of the same weekday: one row per finest series, one column per step."""
    season = last_season(past)
    forecast: Floats = np.where(is_sold(past)[:, None], season[:, np.arange(horizon) % SEASON], np.nan)
    return forecast


def learn(name: str, learnt_from: Examples, rules: ForecastRules) -> Any:
    """Train a model.

    It learns what a day is to the usual size of a day of its series, so that small and large series are alike; a large
    series weighs more, in the proportion in which its errors do.

    Args:
        name: A model of the rules.
        learnt_from: What it learns from.
        rules: Rules of forecasts.

    Returns:
        A scikit-learn model; None where no series has sold anything.
    """
    rows, ratios, weights = learnt_from
    if not len(rows):
        return None
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    *steps, last = _linear() if name == "linear" else _gradient_boosting(rules.random_state)
    model = make_pipeline(*steps, last)
    with one_thread():
        return model.fit(rows, ratios, **{f"{model.steps[-1][0]}__sample_weight": weights})


def examples(known: Past, rules: ForecastRules) -> Examples:
    """What a model learns from: inputs at earlier cutoffs, what came, and weights.

    The windows of all these cutoffs have ended when the model learns.

    Args:
        known: What is known.
        rules: Rules of forecasts.

    Returns:
        Inputs; values divided by the scale of their series; these scales, with a mean of 1.
    """
    draw = np.random.default_rng(rules.random_state)
    newest = known.sales.days - rules.horizon_days
    cutoffs = [c for n in range(rules.train_weeks) if (c := newest - n * SEASON) >= SHORTEST_PAST]
    found = [_examples_at(known, cutoff, draw, rules.max_rows // max(len(cutoffs), 1), rules) for cutoff in cutoffs]
    rows, ratios, scales = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, ratios, scales / (scales.mean() if len(scales) else 1)


def forecast(model: Any, past: Past, horizon: int) -> Floats:
    """What a model forecasts: one row per finest series, one column per step, nothing below 0.

    A series that sold nothing in the last 91 days is forecast to sell nothing.

    Args:
        model: A trained one; None forecasts 0.
        past: What is known.
        horizon: Days ahead.
    """
    there, scale = is_sold(past), scale_of(past.own)
    found = np.full((len(there), horizon), np.nan)
    series, steps = pairs(np.flatnonzero(there), horizon)
    for start in range(0, len(series), PREDICTED_AT_ONCE):
        part = slice(start, start + PREDICTED_AT_ONCE)
        with one_thread():
            ratios = 0.0 if model is None else np.maximum(model.predict(inputs(past, series[part], steps[part])), 0)
        found[series[part], steps[part] - 1] = ratios * scale[series[part]]
    return found


def forecasts_at(sales: Sales, cutoff: int, target: Target, rules: ForecastRules) -> Mapping[str, Floats]:
    """What every model forecasts at a cutoff, from what was known at it."""
    past = before(sales, cutoff, target)
    found = {SEASONAL_NAIVE: seasonal_naive(past, rules.horizon_days)}
    learnt_from = examples(past, rules)
    for name in rules.models:
        found[name] = forecast(learn(name, learnt_from, rules), past, rules.horizon_days)
    return found


def pairs(series: Whole, horizon: int) -> tuple[Whole, Whole]:
    """Every series with every step, from 1."""
    return np.repeat(series, horizon), np.tile(np.arange(1, horizon + 1), len(series))


def _examples_at(known: Past, cutoff: int, draw: np.random.Generator, most: int, rules: ForecastRules) -> Examples:
    """Examples of one cutoff, drawn where there are more than `most`."""
    past = before(known.sales, cutoff, known.target)
    scale = scale_of(past.own)
    series, steps = pairs(np.flatnonzero(is_sold(past) & (scale > 0)), rules.horizon_days)
    if len(series) > most:
        drawn = np.sort(draw.choice(len(series), most, replace=False))
        series, steps = series[drawn], steps[drawn]
    came = np.nan_to_num(known.own[series, cutoff + steps - 1])
    return inputs(past, series, steps), came / scale[series], scale[series]


def _linear() -> list[Any]:
    from sklearn.linear_model import Ridge  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    return [_filled(), StandardScaler(), Ridge(alpha=10.0)]


def _gradient_boosting(random_state: int) -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor  # type: ignore[import-untyped]

    boosted = HistGradientBoostingRegressor(
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=8,
        min_samples_leaf=100,
        early_stopping=False,
        random_state=random_state,
    )
    return [_filled(), boosted]


def _filled() -> Any:
    """Medians in place of what is missing; scikit-learn 1.9 cannot find bins for a column of which all is missing."""
    from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]

    return SimpleImputer(strategy="median", keep_empty_features=True)
