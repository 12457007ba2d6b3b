"""Intervals around forecasts: how far they reach, and how often they hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from datamart_kedro.pipelines.forecasts.arrangement import arrange
from datamart_kedro.pipelines.forecasts.backtest import backtest, earlier, lowest_day
from datamart_kedro.pipelines.forecasts.inputs import idle_shares, spread_of
from datamart_kedro.pipelines.forecasts.intervals import (
    bounds,
    coverage,
    coverage_by_sold,
    groups,
    how_often_sold,
    intervals_at_origins,
    reach,
    reaches,
    reaches_by_group,
)
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
        idle={target: np.zeros(came.shape) for target in TARGETS},
        seasonal_errors=of_series,
        daily_changes=of_series,
        lowest={target: np.full((3, 1), -1e9) for target in TARGETS},
    )


NEVER_IDLE = np.zeros((1, 7))


def reaches_of_half(errors: Sequence[float], spread: float = 1.0) -> tuple[float, float]:
    """How far the first day lies below and above, by the errors of a week, in intervals that hold half of the days."""
    below, above = reaches(backtest_of([errors] * 3, spread), "y_units", "linear", [0], NEVER_IDLE, 0.5)
    return below[0, 0], above[0, 0]


def test_reach_is_the_conformal_quantile():
    assert reach(np.arange(1.0, 10.0), 0.9) == 9  # rank ceil(10 * 0.9)
    assert reach(np.arange(1.0, 101.0), 0.9) == 91  # rank ceil(101 * 0.9)
    assert reach(np.array([5.0, np.nan, 1.0, 3.0]), 0.5) == 3  # rank ceil(4 * 0.5)


def test_reach_is_unknown_where_errors_are_too_few():
    assert np.isnan(reach(np.arange(1.0, 9.0), 0.9))


def test_each_end_has_half_of_what_an_interval_leaves_out():
    assert reaches_of_half([-3, -2, -1, 0, 1, 2, 10]) == (2, 2)  # of 7 errors the sixth, on either side


def test_errors_count_in_proportion_to_the_spread_of_their_series():
    assert reaches_of_half([-3, -2, -1, 0, 1, 2, 10], spread=4.0) == (0.5, 0.5)


def test_an_end_never_lies_on_the_other_side_of_the_forecast():
    assert reaches_of_half([1, 2, 3, 4, 5, 6, 7]) == (0, 6)
    assert reaches_of_half([-1, -2, -3, -4, -5, -6, -7]) == (6, 0)


def test_days_without_sales_are_held_where_there_are_more_than_may_be_left_out():
    errors, idle = np.arange(-4.0, 5.0), np.full(9, 0.3)
    below, above = reaches_by_group(errors, idle, np.array([0.3]), 0.8)
    assert (below[0], above[0]) == (np.inf, 3)  # all that is left out lies above: of 9 errors the eighth
    below, above = reaches_by_group(errors, idle, np.array([0.3]), 0.6)
    assert (below[0], above[0]) == (3, 3)  # 0.3 may be left out


def test_what_sells_regularly_and_what_does_not_have_no_errors_in_common():
    errors = np.concatenate([np.arange(-9.0, 10.0), np.arange(-90.0, 100.0, 10)])
    idle = np.repeat([0.1, 0.6], 19)
    below, above = reaches_by_group(errors, idle, np.array([0.6, 0.2]), 0.8)
    assert below.tolist() == [np.inf, 8]  # of 19 errors the eighteenth
    assert above.tolist() == [60, 8]  # and the sixteenth


def test_few_regular_days_borrow_from_those_that_sell_most_often():
    errors, idle = np.repeat([0.0, 7.0, 100.0], [3, 400, 2000]), np.repeat([0.1, 0.5, 0.9], [3, 400, 2000])
    below, above = reaches_by_group(errors, idle, np.array([0.1, 0.5, 0.9]), 0.8)
    assert below.tolist() == [0, np.inf, np.inf]
    assert above.tolist() == [7, 7, 100]


def test_a_few_days_that_often_sell_nothing_borrow_from_regular_ones():
    errors, idle = np.append(np.arange(-9.0, 10.0), 50), np.append(np.full(19, 0.1), 0.6)
    below, above = reaches_by_group(errors, idle, np.array([0.6]), 0.8)
    assert (below[0], above[0]) == (np.inf, 7)  # of 20 errors the seventeenth


def test_reaches_are_unknown_where_all_errors_are_too_few():
    found = reaches_by_group(np.arange(2.0), np.array([0.1, 0.6]), np.array([0.6, 0.1]), 0.8)
    assert np.isnan(found).all()


def test_groups_have_equally_many_days_with_sales():
    idle = np.concatenate([np.full(500, 0.1), np.full(400, 0.5), np.full(1000, 0.8)])
    assert groups(idle, 0.8).tolist() == [0.2, 0.5]  # two of 200 days with sales each; what is alike is not cut
    assert groups(np.full(150, 0.5), 0.8).tolist() == [0.2]  # 75 are not enough for two
    assert groups(np.ones(5), 0.8).tolist() == groups(np.zeros(0), 0.8).tolist() == [0.2]


def test_bounds_are_whole_and_reach_down_to_the_lowest_day_at_most():
    point = np.array([[10.0, 1.0], [10.0, 1.0]])
    reaches_ = (np.full((2, 2), 2.1), np.full((2, 2), 3.1))
    lower, upper = bounds(point, reaches_, np.array([1.0, 1.0]), np.array([0.0, -1.0]))
    assert lower.tolist() == [[7, 0], [7, -1]]
    assert upper.tolist() == [[14, 5], [14, 5]]


def test_bounds_reach_down_to_0_where_there_is_no_end_below():
    point = np.array([[5.0], [5.0], [5.0], [-2.0]])
    reaches_ = (np.full((4, 1), np.inf), np.full((4, 1), 1.0))
    lower, upper = bounds(point, reaches_, np.array([2.0, 2.0, 0.0, 2.0]), np.array([0.0, -3.0, 0.0, -3.0]))
    assert lower.ravel().tolist() == [0, 0, 0, -2]  # and not to a day of returns, but where that is what is forecast
    assert upper.ravel().tolist() == [7, 7, 5, 0]


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


def test_coverage_says_on_which_side_days_were_missed_and_how_wide_intervals_were():
    later = [0, -100, 0, -2, 3, 4, -5]  # of intervals from 98 to 102, and, at the third origin, from 97 to 103
    found = coverage(backtest_of([[-3, -2, -1, 0, 1, 2, 3], later, later]), "linear", HALF)
    (total,) = (row for row in found if row["target"] == "y_units" and row["level"] == "total")
    assert (total["below"], total["above"]) == (pytest.approx(4 / 14), pytest.approx(3 / 14))
    assert total["idle"] == pytest.approx(2 / 14)
    assert total["width"] == pytest.approx((7 * 4 + 7 * 6) / 1200)
    assert total["score"] == pytest.approx((70 + 4 * (98 + 3 + 1 + 2 + 97 + 2 + 1)) / 1200)


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


def test_intervals_are_made_by_what_was_known_at_their_own_origin():
    found = backtest_of([[-3, -2, -1, 0, 1, 2, 3]] * 3)
    for target in TARGETS:
        found.idle[target][2] = 0.9
    lower, _ = intervals_at_origins(found, "y_units", "linear", HALF)
    assert (lower[1, 0, 0], lower[2, 0, 0]) == (98, 0)


def test_the_backtest_knows_how_often_nothing_was_sold_before_each_origin():
    found = backtest(sales({"A": [0, 0, 0, 0, 0, 0, 2] * 7 + [2] * 7}), HALF)
    assert found.origins == [35, 42, 49]
    assert found.idle["y_units"][:, 0, 0] == pytest.approx([(1 + 6 / 7) / 2] * 3)
    assert found.idle["y_units"][:, 0, 6] == pytest.approx([6 / 14] * 3)


def test_days_are_told_apart_by_how_often_something_is_sold():
    found = how_often_sold(np.array([0.0, 0.2, 0.3, 0.8, 0.9]), 0.8)
    assert {name: np.flatnonzero(days).tolist() for name, days in found.items()} == {
        "regularly": [0, 1],
        "at times": [2, 3],
        "rarely": [4],
    }


SERIES_OF_KIND, STEPS = 20, 28
CLOSED = {"regularly": 0.0, "at times": 0.5, "rarely": 0.95}
"""How often nothing is sold."""
FOURTHS = ForecastRules(origins=5, interval=0.8)


def shop_of_known_distribution(seed: int) -> Backtest:
    """Five origins of products of three kinds and many sizes; forecasts are their means, more or less a fifth."""
    draw = np.random.default_rng(seed)
    count = SERIES_OF_KIND * len(CLOSED)
    shape = (5, count, STEPS)
    idle = np.broadcast_to(np.repeat(list(CLOSED.values()), SERIES_OF_KIND)[:, None], shape)
    size = np.broadcast_to(draw.lognormal(10, 1, count)[:, None], shape)
    came = np.rint(np.where(draw.random(shape) < idle, 0, size * draw.exponential(size=shape)))
    forecast = size * (1 - idle) * draw.lognormal(0, 0.2, (5, count, 1))
    spread = (size * (1 - idle))[:, :, 0]
    rows = daily({f"A{place:02}": [1] for place in range(count)})
    return Backtest(
        tree=arrange(rows, ("product",)).tree,
        origins=[100 + STEPS * n for n in range(5)],
        actual=dict.fromkeys(TARGETS, came),
        forecasts={target: {"linear": forecast} for target in TARGETS},
        spreads=dict.fromkeys(TARGETS, spread),
        idle=dict.fromkeys(TARGETS, idle),
        seasonal_errors=dict.fromkeys(TARGETS, spread),
        daily_changes=dict.fromkeys(TARGETS, spread),
        lowest=dict.fromkeys(TARGETS, np.zeros((5, count))),
    )


@pytest.mark.parametrize("seed", range(5))
def test_intervals_hold_their_share_of_days_of_every_kind_at_origins_that_made_none(seed: int):
    found = coverage_by_sold(shop_of_known_distribution(seed), "linear", FOURTHS)
    held = {row["sold"]: row["held"] for row in found if row["target"] == "y_units" and row["level"] == "product"}
    assert held["regularly"] == pytest.approx(0.8, abs=0.03)
    assert held["at times"] == pytest.approx(0.8, abs=0.03)
    assert held["rarely"] == pytest.approx(0.95, abs=0.03)  # so often nothing is sold, which every interval holds


def test_intervals_of_what_often_sells_nothing_are_no_wider_than_they_must_be():
    shop = shop_of_known_distribution(0)
    lower, upper = intervals_at_origins(shop, "y_units", "linear", FOURTHS)
    at_times = slice(SERIES_OF_KIND, 2 * SERIES_OF_KIND)
    assert (lower[1:, SERIES_OF_KIND:] == 0).all()
    mean = shop.spreads["y_units"][-1, at_times, None]
    assert np.median(upper[-1, at_times] / mean) == pytest.approx(2 * np.log(2.5), rel=0.1)  # a fifth of days lie above
    rare = slice(2 * SERIES_OF_KIND, None)
    assert (upper[-1, rare] - shop.forecasts["y_units"]["linear"][-1, rare] <= 1).all()


def test_how_often_nothing_is_sold_is_told_by_weekday_and_by_all_days():
    week = [4.0, 0.0, 4.0, 4.0, 4.0, 4.0, 4.0]
    (found,) = idle_shares(np.array([week * 14]), 9)
    assert found == pytest.approx([1 / 14, 8 / 14, *[1 / 14] * 5, 1 / 14, 8 / 14])


def test_how_often_nothing_is_sold_is_told_by_the_last_91_days_that_there_were():
    found = idle_shares(np.array([[0.0] * 7 + [1.0] * 91, [np.nan] * 94 + [1.0, 0.0, 1.0, 1.0], [np.nan] * 98]), 7)
    assert found[0].tolist() == [0] * 7
    assert found[1] == pytest.approx([1 / 2] * 3 + [3 / 4, 3 / 4, 1 / 4, 1 / 4])  # other weekdays are as all days
    assert found[2].tolist() == [1] * 7


def test_a_series_that_began_yesterday_is_not_taken_for_one_that_sells_daily():
    assert idle_shares(np.array([[np.nan, np.nan, 3.0]]), 3).tolist() == [[1, 1, 1]]


def test_the_spread_is_the_mean_distance_from_the_mean():
    assert spread_of(np.array([[0.0, 10.0] * 50])) == pytest.approx([5], rel=0.01)
    assert spread_of(np.array([[7.0] * 9])).tolist() == [0]


def test_the_lowest_day_is_that_of_returns():
    assert lowest_day(np.array([[np.nan, 3.0, -2.0], [1.0, 2.0, 3.0]])).tolist() == [-2, 0]


@pytest.mark.parametrize("seed", range(3))
def test_every_interval_of_a_backtest_holds_its_forecast_and_reaches_to_the_lowest_day_at_most(seed: int):
    rules = HALF.model_copy(update={"models": ("linear",)})
    found = backtest(sales(random_products(seed)), rules)
    for target in TARGETS:
        point, lowest = np.rint(found.forecasts[target]["linear"]), found.lowest[target][:, :, None]
        lower, upper = intervals_at_origins(found, target, "linear", rules)
        told = ~np.isnan(lower) & ~np.isnan(upper)
        assert told[1:].any()
        assert not told[0].any()
        assert (lower <= point)[told].all()
        assert (point <= upper)[told].all()
        assert (lower >= np.minimum(point, lowest))[told].all()
