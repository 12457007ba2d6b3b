"""The backtest: stand at past days, forecast from what was known, and look at what came."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datamart_kedro.pipelines.forecasts.arrangement import sums
from datamart_kedro.pipelines.forecasts.inputs import before, idle_shares, is_sold, mean, spread_of
from datamart_kedro.pipelines.forecasts.models import forecasts_at
from datamart_kedro.pipelines.forecasts.rules import SEASON, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest, Flags, Floats, Sales, Target


def origins_of(days: int, rules: ForecastRules) -> list[int]:
    """Columns at whose start forecasts are made, the horizon of the last ending with the sales."""
    last = days - rules.horizon_days
    return [last - rules.step_days * n for n in reversed(range(rules.origins))]


def backtest(sales: Sales, rules: ForecastRules) -> Backtest:
    """Forecast at each origin with each model.

    Args:
        sales: Daily sales of at least `rules.days_needed` days.
        rules: Rules of forecasts.
    """
    origins = origins_of(sales.days, rules)
    tree = sales.tree
    days = {target: sums(tree, sales.values[target]) for target in TARGETS}
    made = {target: [forecasts_at(sales, origin, target, rules) for origin in origins] for target in TARGETS}
    there = {target: [started(sales, origin, target) for origin in origins] for target in TARGETS}

    def before_origins(target: Target) -> list[Floats]:
        return [known(days[target], first_days(sales, target), origin) for origin in origins]

    return Backtest(
        tree=tree,
        origins=origins,
        actual={
            target: np.stack([days[target][:, origin : origin + rules.horizon_days] for origin in origins])
            for target in TARGETS
        },
        forecasts={
            target: {
                name: np.stack(
                    [
                        np.where(is_there[:, None], sums(tree, found[name]), np.nan)
                        for found, is_there in zip(made[target], there[target], strict=True)
                    ]
                )
                for name in made[target][0]
            }
            for target in TARGETS
        },
        spreads={target: np.stack([spread_of(past) for past in before_origins(target)]) for target in TARGETS},
        idle={
            target: np.stack([idle_shares(past, rules.horizon_days) for past in before_origins(target)])
            for target in TARGETS
        },
        seasonal_errors={
            target: np.stack([seasonal_error(past) for past in before_origins(target)]) for target in TARGETS
        },
        daily_changes={target: np.stack([daily_change(past) for past in before_origins(target)]) for target in TARGETS},
        lowest={target: np.stack([lowest_day(past) for past in before_origins(target)]) for target in TARGETS},
    )


def started(sales: Sales, origin: int, target: Target) -> Flags:
    """Which series of the tree are there at an origin: finest ones that sell, and whatever they were ever part of."""
    tree = sales.tree
    there: Flags = first_days(sales, target) < origin
    there[len(tree.ids) - tree.finest :] &= is_sold(before(sales, origin, target))
    return there


def first_days(sales: Sales, target: Target) -> Floats:
    """The column in which each series of the tree starts."""
    starts = np.argmax(~np.isnan(sales.values[target]), axis=1)
    tree = sales.tree
    return np.array([starts[a:b].min(initial=sales.days) for a, b in zip(tree.starts, tree.stops, strict=True)])


def known(days: Floats, starts: Floats, origin: int) -> Floats:
    """The days before an origin of every series of the tree, not a number before its start."""
    return np.where(np.arange(origin) >= starts[:, None], days[:, :origin], np.nan)


def seasonal_error(past: Floats) -> Floats:
    """Mean absolute difference of a day and the same weekday before, for each series; not a number without any."""
    return mean(np.abs(past[:, SEASON:] - past[:, :-SEASON]), axis=1)


def daily_change(past: Floats) -> Floats:
    """Mean square of the difference of a day and the day before, for each series."""
    return mean((past[:, 1:] - past[:, :-1]) ** 2, axis=1)


def lowest_day(past: Floats) -> Floats:
    """The lowest value of each series that was below 0; 0 where none was."""
    found: Floats = np.nan_to_num(past).min(axis=1, initial=0)
    return found


def earlier(origins: Sequence[int], which: int, horizon: int) -> list[int]:
    """Places of the origins whose windows had ended when an origin came."""
    return [n for n, origin in enumerate(origins) if origin + horizon <= origins[which]]
