"""Intervals around forecasts: how far they reach, and how often they hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from datamart_kedro.pipelines.forecasts.arrangement import arrange
from datamart_kedro.pipelines.forecasts.backtest import backtest, earlier, lowest_day
from datamart_kedro.pipelines.forecasts.inputs import spread_of
from datamart_kedro.pipelines.forecasts.intervals import bounds, coverage, reach, reaches
from datamart_kedro.pipelines.forecasts.rules import ForecastRules
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Backtest
from tests.models.daily_sales import daily, random_products, sales

ORIGINS = (28, 35, 42)
HALF = ForecastRules(horizon_days=7, origins=3, step_days=7, interval=0.5)


def backtest_of(errors: Sequence[Sequence[float]], spread: float = 1.0) -> Backtest:
    """A backtest of one series at three origins, whose forecast is always 100."""
    came = 100 + np.array(errors)[:, None, :]
    of_series = {target: np.full((3, 1), spread) for target in TARGETS}
    return Backtest(
        tree=arrange(daily({"A": [1]}), ("total",)).tree,
        origins=ORIGINS,
        actual=dict.fromkeys(TARGETS, came),
        forecasts={target: {"linear": np.full(came.shape, 100.0)} for target in TARGETS},
        spreads=of_series,
        seasonal_errors=of_series,
        daily_changes=of_series,
        lowest={target: np.full((3, 1), -1e9) for target in TARGETS},
    )


def test_reach_is_the_conformal_quantile():
    assert reach(np.arange(1.0, 10.0), 0.9) == 9  # rank ceil(10 * 0.9)
    assert reach(np.arange(1.0, 101.0), 0.9) == 91  # rank ceil(101 * 0.9)
    assert reach(np.array([5.0, np.nan, 1.0, 3.0]), 0.5) == 3  # rank ceil(4 * 0.5)


def test_reach_is_unknown_where_errors_are_too_few():
    assert np.isnan(reach(np.arange(1.0, 9.0), 0.9))


def test_each_end_has_half_of_what_an_interval_leaves_out():
    found = backtest_of([[-3, -2, -1, 0, 1, 2, 10]] * 3)
    below, above = reaches(found, "y_units", "linear", [0], 0.5)
    assert (below[0, 0], above[0, 0]) == (2, 2)  # of 7 errors the sixth, on either side


def test_errors_count_in_proportion_to_the_spread_of_their_series():
    below, above = reaches(backtest_of([[-3, -2, -1, 0, 1, 2, 10]] * 3, spread=4.0), "y_units", "linear", [0], 0.5)
    assert (below[0, 0], above[0, 0]) == (0.5, 0.5)


def test_an_end_never_lies_on_the_other_side_of_the_forecast():
    below, above = reaches(backtest_of([[1, 2, 3, 4, 5, 6, 7]] * 3), "y_units", "linear", [0], 0.5)
    assert (below[0, 0], above[0, 0]) == (0, 6)
    below, above = reaches(backtest_of([[-1, -2, -3, -4, -5, -6, -7]] * 3), "y_units", "linear", [0], 0.5)
    assert (below[0, 0], above[0, 0]) == (6, 0)


def test_bounds_are_whole_and_reach_down_to_the_lowest_day_at_most():
    point = np.array([[10.0, 1.0], [10.0, 1.0]])
    reaches_ = (np.full((2, 2), 2.1), np.full((2, 2), 3.1))
    lower, upper = bounds(point, reaches_, np.array([1.0, 1.0]), np.array([0.0, -1.0]))
    assert lower.tolist() == [[7, 0], [7, -1]]
    assert upper.tolist() == [[14, 5], [14, 5]]


def test_bounds_hold_a_forecast_that_lies_below_every_day():
    lower, _ = bounds(np.array([[-5.0]]), (np.array([[1.0]]),) * 2, np.array([2.0]), np.array([-3.0]))
    assert lower.tolist() == [[-5]]


def test_only_origins_whose_windows_have_ended_count():
    assert earlier([100, 114, 128], 2, 28) == [0]
    assert earlier([100, 114, 128], 2, 14) == [0, 1]
    assert earlier([100, 114, 128], 0, 14) == []


def test_coverage_is_the_share_of_days_held_at_origins_that_made_no_interval():
    made = [-3, -2, -1, 0, 1, 2, 3]  # the interval of the second origin is 98 to 102
    second, third = [0, 0, 0, -2, 3, 4, -5], [0, 0, 0, 0, 0, 0, 99]
    found = coverage(backtest_of([made, second, third]), "linear", HALF)
    (total,) = (row for row in found if row["target"] == "y_units" and row["level"] == "total")
    # that of the third is of errors of both: of 14 the twelfth on either side, 98 to 103
    assert (total["held"], total["days"], total["wanted"]) == (pytest.approx((4 + 6) / 14), 14, 0.5)


def test_coverage_is_unknown_where_windows_overlap():
    rules = HALF.model_copy(update={"horizon_days": 28})
    assert {row["held"] for row in coverage(backtest_of([[0] * 7] * 3), "linear", rules)} == {None}


def test_intervals_hold_about_their_share_of_days_that_are_alike():
    draw = np.random.default_rng(1)
    products = {f"A{n}": draw.poisson(4, 140).tolist() for n in range(30)}
    rules = ForecastRules(horizon_days=14, origins=5, step_days=14, models=(), interval=0.8)
    found = coverage(backtest(sales(products), rules), "seasonal_naive", rules)
    (products_held,) = (row["held"] for row in found if row["target"] == "y_units" and row["level"] == "product")
    assert 0.78 < products_held < 0.92  # whole numbers: a day on the end is held


def test_the_spread_is_the_mean_distance_from_the_mean():
    assert spread_of(np.array([[0.0, 10.0] * 50])) == pytest.approx([5], rel=0.01)
    assert spread_of(np.array([[7.0] * 9])).tolist() == [0]


def test_the_lowest_day_is_that_of_returns():
    assert lowest_day(np.array([[np.nan, 3.0, -2.0], [1.0, 2.0, 3.0]])).tolist() == [-2, 0]


@pytest.mark.parametrize("seed", range(3))
def test_every_interval_of_a_backtest_holds_its_forecast(seed: int):
    rules = HALF.model_copy(update={"models": ("linear",)})
    found = backtest(sales(random_products(seed)), rules)
    for target in TARGETS:
        point = np.rint(found.forecasts[target]["linear"][2])
        ends = reaches(found, target, "linear", [0, 1], 0.5)
        lower, upper = bounds(point, ends, found.spreads[target][2], found.lowest[target][2])
        told = ~np.isnan(lower)
        assert told.any()
        assert (lower[told] <= point[told]).all()
        assert (point[told] <= upper[told]).all()
