"""Metrics of forecasts and seasonal naive, against figures worked out by head and a second way of computing them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from datetime import date, timedelta
from math import nan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datamart_kedro.pipelines.forecasts.backtest import backtest, daily_change, seasonal_error
from datamart_kedro.pipelines.forecasts.inputs import before
from datamart_kedro.pipelines.forecasts.metrics import (
    choose,
    interval_score,
    interval_width,
    mase,
    measure,
    rmsse,
    scores,
    wape,
)
from datamart_kedro.pipelines.forecasts.models import seasonal_naive
from datamart_kedro.pipelines.forecasts.rules import SEASONAL_NAIVE, ForecastRules
from tests.models.daily_sales import MONDAY, SHORT, daily, random_products, sales

ACTUAL, FORECAST = np.array([[10.0, 0.0, 20.0]]), np.array([[8.0, 1.0, 25.0]])


def test_wape_is_the_sum_of_errors_to_the_sum_of_sales():
    assert wape(ACTUAL, FORECAST) == pytest.approx(8 / 30)


def test_wape_takes_returns_as_sales_of_their_size():
    assert wape(np.array([[-2.0, 2.0]]), np.array([[0.0, 2.0]])) == 0.5


def test_wape_is_unknown_without_sales():
    assert wape(np.zeros((1, 3)), FORECAST) is None


def test_a_day_that_an_interval_misses_costs_ten_times_its_distance_where_four_fifths_are_wanted():
    lower, upper = np.array([[8.0, 1.0, 0.0]]), np.array([[12.0, 2.0, 18.0]])
    assert interval_width(ACTUAL, lower, upper) == pytest.approx((4 + 1 + 18) / 30)
    assert interval_score(ACTUAL, lower, upper, 0.8) == pytest.approx((4 + 1 + 18 + 10 * (1 + 2)) / 30)


def test_the_interval_score_is_lowest_where_equal_shares_are_left_out():
    came = np.arange(1.0, 101.0)
    ends = [(0.0, 200.0), (40.0, 60.0), (1.0, 80.0), (10.5, 90.5)]
    scored = [interval_score(came, np.full(100, lower), np.full(100, upper), 0.8) for lower, upper in ends]
    assert min(ends, key=lambda pair: scored[ends.index(pair)] or 0) == (10.5, 90.5)


def test_width_and_interval_score_are_unknown_without_sales():
    nothing = np.zeros(2)
    assert interval_width(nothing, nothing, nothing + 1) is None
    assert interval_score(nothing, nothing, nothing + 1, 0.8) is None


def test_mase_divides_the_mean_error_by_that_of_seasonal_naive():
    assert mase(ACTUAL, FORECAST, np.array([2.0])) == pytest.approx(8 / 3 / 2)


def test_rmsse_divides_the_root_of_the_mean_square_by_that_of_the_day_before():
    assert rmsse(ACTUAL, FORECAST, np.array([5.0])) == pytest.approx(sqrt(10 / 5))


def test_scaled_errors_leave_out_series_that_never_changed_and_are_unknown_for_such_alone():
    twice = np.vstack([ACTUAL, ACTUAL]), np.vstack([FORECAST, FORECAST])
    assert mase(*twice, np.array([2.0, 0.0])) == mase(ACTUAL, FORECAST, np.array([2.0]))
    assert mase(ACTUAL, FORECAST, np.array([0.0])) is None
    assert rmsse(ACTUAL, FORECAST, np.array([nan])) is None


def test_what_was_not_forecast_does_not_count():
    assert wape(np.vstack([ACTUAL, [[5.0, 5.0, 5.0]]]), np.vstack([FORECAST, np.full((1, 3), nan)])) == 8 / 30


def test_the_past_errors_of_naive_forecasts_are_those_of_a_week_and_of_a_day():
    past = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 3.0, 4.0], [nan, nan, nan, nan, nan, 0.0, 3.0, 3.0, 1.0]])
    assert seasonal_error(past)[0] == 2.0
    assert np.isnan(seasonal_error(past)[1])
    assert daily_change(past)[1] == pytest.approx((9 + 0 + 4) / 3)


def test_seasonal_naive_repeats_the_last_week():
    past = before(sales({"A": list(range(1, 10))}), 9, "y_units")
    assert (seasonal_naive(past, 9) / 1000).tolist() == [[3, 4, 5, 6, 7, 8, 9, 3, 4]]


def test_seasonal_naive_of_a_series_younger_than_a_week_takes_the_mean_for_days_it_has_not_seen():
    past = before(sales({"A": [1] * 9, "B": [None] * 6 + [4, 8, 6]}), 9, "y_units")
    assert (seasonal_naive(past, 7)[1] / 1000).tolist() == [6, 6, 6, 6, 4, 8, 6]


def test_seasonal_naive_does_not_forecast_a_series_that_has_ended():
    past = before(sales({"A": [1] * 9, "B": [1] * 8}), 9, "y_units")
    assert np.isnan(seasonal_naive(past, 7)[1]).all()


@pytest.mark.parametrize("seed", range(8))
def test_metrics_of_seasonal_naive_agree_with_a_second_way_of_computing_them(seed: int):
    products = random_products(seed)
    rules = SHORT.model_copy(update={"models": ()})
    found = {(row["target"], row["level"]): row for row in measure(backtest(sales(products), rules))}
    for (target, level), row in found.items():
        expected = naive_metrics(daily(products), target, level)
        for name in ("wape", "mase", "rmsse"):
            assert row[name] == (expected[name] if expected[name] is None else pytest.approx(expected[name])), name


def naive_metrics(frame: pd.DataFrame, target: str, level: str) -> dict[str, Any]:
    """Seasonal naive and its metrics, one day after another: three origins, a week apart, a week ahead."""
    series = {
        name: dict(zip(rows["ds"].dt.date, rows[target], strict=True)) for name, rows in frame.groupby("unique_id")
    }
    rows = frame.drop_duplicates("unique_id")
    level_of = dict(zip(rows["unique_id"], rows["level"], strict=True))
    parts = {name: parts_of(name, frame) for name in series}
    end = frame["ds"].max().date() + timedelta(days=1)
    errors, sizes, scaled, squared = [], [], [], []
    for origin in (end - timedelta(days=days) for days in (21, 14, 7)):
        ahead = [origin + timedelta(days=n) for n in range(7)]
        for name, days in series.items():
            is_there = min(days) < origin and (level_of[name] != "product" or origin - timedelta(days=1) in days)
            if level not in ("all", level_of[name]) or not is_there:
                continue
            forecast = [
                sum(of_last_week(series[part], day, origin) for part in parts[name] if is_sold(series[part], origin))
                for day in ahead
            ]
            actual = [days.get(day, 0) for day in ahead]
            wrong = [abs(a - f) for a, f in zip(actual, forecast, strict=True)]
            errors += wrong
            sizes += [abs(a) for a in actual]
            past = filled(days, origin)
            weekly = [abs(past[n] - past[n - 7]) for n in range(7, len(past))]
            changes = [(past[n] - past[n - 1]) ** 2 for n in range(1, len(past))]
            if any(weekly):
                scaled.append(statistics.fmean(wrong) / statistics.fmean(weekly))
            if any(changes):
                squared.append(sqrt(statistics.fmean(e * e for e in wrong)) / sqrt(statistics.fmean(changes)))
    return {
        "wape": sum(errors) / sum(sizes) if any(sizes) else None,
        "mase": statistics.fmean(scaled) if scaled else None,
        "rmsse": statistics.fmean(squared) if squared else None,
    }


def parts_of(name: str, frame: pd.DataFrame) -> list[str]:
    """The products that sum to a series."""
    below = list(frame.loc[frame["parent_id"] == name, "unique_id"].unique())
    return [part for child in below for part in parts_of(child, frame)] if below else [name]


def is_sold(days: Mapping[date, int], origin: date) -> bool:
    return origin - timedelta(days=1) in days


def of_last_week(days: Mapping[date, int], day: date, origin: date) -> float:
    before_ = [origin - timedelta(days=n) for n in range(7, 0, -1)]
    same = next(past for past in before_ if past.isoweekday() == day.isoweekday())
    return days[same] if same in days else statistics.fmean(days[past] for past in before_ if past in days)


def filled(days: Mapping[date, int], origin: date) -> list[int]:
    """A series from its start to an origin, 0 where it, or all that it is made of, is not sold."""
    first = min(days)
    return [days.get(first + timedelta(days=n), 0) for n in range((origin - first).days)]


def report(**wapes: float | None) -> list[dict[str, Any]]:
    return [
        {"target": target, "level": level, "model": model, "wape": value}
        for target in ("y_units", "y_net_amount")
        for level in ("total", "all")
        for model, value in wapes.items()
    ]


@pytest.mark.parametrize(
    ("wapes", "chosen"),
    [
        ({"linear": 0.4, "gradient_boosting": 0.3}, "gradient_boosting"),
        ({"linear": 0.3, "gradient_boosting": 0.3}, "linear"),
        ({"linear": 0.5, "gradient_boosting": 0.6}, SEASONAL_NAIVE),
        ({"linear": 0.7}, SEASONAL_NAIVE),
        ({"linear": None}, SEASONAL_NAIVE),
        ({}, SEASONAL_NAIVE),
    ],
)
def test_the_best_model_is_published_if_it_beats_seasonal_naive(wapes: dict[str, float | None], chosen: str):
    assert choose(scores(report(seasonal_naive=0.5, **wapes)), ForecastRules()) == chosen


def test_the_best_model_is_published_in_any_case_where_the_rules_say_so():
    rules = ForecastRules(must_beat_seasonal_naive=False)
    assert choose(scores(report(seasonal_naive=0.5, linear=0.7)), rules) == "linear"


def test_a_score_is_the_mean_over_targets_of_the_wape_of_all_levels():
    rows = [
        {"target": "y_units", "level": "all", "model": SEASONAL_NAIVE, "wape": 0.2},
        {"target": "y_net_amount", "level": "all", "model": SEASONAL_NAIVE, "wape": 0.6},
        {"target": "y_net_amount", "level": "total", "model": SEASONAL_NAIVE, "wape": 9.0},
    ]
    assert scores(rows) == {SEASONAL_NAIVE: pytest.approx(0.4)}


def test_the_backtest_is_of_whole_weeks_before_the_end():
    found = backtest(sales({"A": [1] * 56}), SHORT.model_copy(update={"models": ()}))
    assert found.origins == [35, 42, 49]
    assert sales({"A": [1] * 56}).day(35) == MONDAY + timedelta(weeks=5)
