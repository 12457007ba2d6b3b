"""What is published: forecasts of one model, as rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from datamart_kedro.pipelines.forecasts.arrangement import round_in_sums, sums
from datamart_kedro.pipelines.forecasts.backtest import first_days, known, lowest_day, started
from datamart_kedro.pipelines.forecasts.inputs import before, idle_shares, spread_of
from datamart_kedro.pipelines.forecasts.intervals import bounds, reaches
from datamart_kedro.pipelines.forecasts.models import forecast, seasonal_naive
from datamart_kedro.pipelines.forecasts.rules import SEASONAL_NAIVE, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest, Floats, Forecast, Sales, Target


def forecast_sales(
    sales: Sales, trained: dict[str, Any], found: Backtest, model_name: str, rules: ForecastRules
) -> Forecast:
    """Forecast the days after the last whole one.

    Args:
        sales: Daily sales.
        trained: By target, a model trained on all of them; not looked at for seasonal naive.
        found: The backtest, whose errors make the intervals.
        model_name: Which model is published.
        rules: Rules of forecasts.
    """
    point, lower, upper = {}, {}, {}
    cutoff, tree = sales.days, sales.tree
    for target in TARGETS:
        past = before(sales, cutoff, target)
        finest = (
            seasonal_naive(past, rules.horizon_days)
            if model_name == SEASONAL_NAIVE
            else forecast(trained[target], past, rules.horizon_days)
        )
        point[target] = round_in_sums(tree, finest)
        days = known(sums(tree, sales.values[target]), first_days(sales, target), cutoff)
        lower[target], upper[target] = bounds(
            point[target],
            reaches(
                found,
                target,
                model_name,
                range(len(found.origins)),
                idle_shares(days, rules.horizon_days),
                rules.interval,
            ),
            spread_of(days),
            lowest_day(days),
        )
    is_there = started(sales, cutoff, "y_units")
    return Forecast(tree, sales.day(cutoff), is_there, point, lower, upper, model_name)


def rows_of(made: Forecast, version: str, features: str, made_at: datetime) -> pa.Table:
    """One row per unique_id and ds, with values as whole numbers of the last digit.

    Args:
        made: The forecasts.
        version: Of the model.
        features: Digest of its features.
        made_at: Instant, UTC.
    """
    tree = made.tree
    places = np.flatnonzero(made.is_there)
    horizon = made.point["y_units"].shape[1]
    series, steps = np.repeat(places, horizon), np.tile(np.arange(horizon), len(places))
    ids, levels = (pa.array(list(names), pa.string()) for names in (tree.ids, tree.levels))
    parents = pa.array([tree.ids[above] if above >= 0 else None for above in tree.parents], pa.string())
    day = np.datetime64(made.cutoff_date, "D")
    columns: dict[str, Any] = {
        "unique_id": ids.take(pa.array(series)),
        "level": levels.take(pa.array(series)),
        "parent_id": parents.take(pa.array(series)),
        "ds": pa.array(day + steps),
        "cutoff_date": pa.array(np.full(len(series), day)),
        "step": pa.array(steps + 1, pa.int32()),
    }
    for target in TARGETS:
        for name, values in ends_of(made, target).items():
            columns[name] = _whole(values[series, steps])
    texts = {"model_name": made.model_name, "model_version": version, "feature_set_hash": features}
    columns |= {name: pa.array([text] * len(series), pa.string()) for name, text in texts.items()}
    return pa.table(columns | {"made_at": pa.array([made_at] * len(series), pa.timestamp("us"))})


def ends_of(made: Forecast, target: Target) -> dict[str, Floats]:
    """A forecast and the ends of its interval, by the names of their columns."""
    return {target: made.point[target], f"{target}_lower": made.lower[target], f"{target}_upper": made.upper[target]}


def _whole(values: Floats) -> pa.Array:
    """Whole numbers; NULL where there is none."""
    missing = np.isnan(values)
    return pa.array(np.where(missing, 0, values).astype(np.int64), pa.int64(), mask=missing)
