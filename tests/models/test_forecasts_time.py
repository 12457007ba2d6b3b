"""Forecasts do not know the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datamart_kedro.pipelines.forecasts.backtest import backtest, started
from datamart_kedro.pipelines.forecasts.inputs import before, inputs
from datamart_kedro.pipelines.forecasts.models import examples, forecast, forecasts_at
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Sales
from tests.models.daily_sales import SHORT, random_products, sales

ORIGIN = 49


def changed_from(found: Sales, origin: int) -> Sales:
    """The same sales with every value at or after an origin replaced, those that are missing included."""
    values = {target: numbers.copy() for target, numbers in found.values.items()}
    for numbers in values.values():
        numbers[:, origin:] = 1e6 + np.arange(numbers[:, origin:].size).reshape(numbers[:, origin:].shape)
    return replace(found, values=values)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("target", TARGETS)
def test_what_comes_at_or_after_an_origin_changes_no_byte_of_its_forecasts(seed: int, target: str):
    known = sales(random_products(seed))
    now = forecasts_at(known, ORIGIN, target, SHORT)
    then = forecasts_at(changed_from(known, ORIGIN), ORIGIN, target, SHORT)
    assert set(now) == {"seasonal_naive", "linear", "gradient_boosting"}
    assert {name: found.tobytes() for name, found in now.items()} == {n: f.tobytes() for n, f in then.items()}


def test_the_day_before_an_origin_does_change_its_forecasts():
    known = sales(random_products(0))
    now, then = (forecasts_at(s, ORIGIN, "y_units", SHORT) for s in (known, changed_from(known, ORIGIN - 1)))
    assert [name for name in now if now[name].tobytes() == then[name].tobytes()] == []


def test_a_product_that_is_launched_later_changes_no_forecast():
    products = random_products(0)
    with_new = sales({**products, "A00": [None] * ORIGIN + [50] * 14})
    now, then = (forecasts_at(s, ORIGIN, "y_units", SHORT) for s in (sales(products), with_new))
    place = with_new.tree.ids[-with_new.tree.finest :].index("product=A00")
    for name, found in now.items():
        assert np.delete(then[name], place, axis=0).tobytes() == found.tobytes()
        assert np.isnan(then[name][place]).all()


def test_the_backtest_knows_nothing_of_what_came_after_each_origin():
    known = sales(random_products(1))
    now, then = (backtest(s, SHORT) for s in (known, changed_from(known, ORIGIN)))
    place = now.origins.index(ORIGIN)
    for target in TARGETS:
        for part in ("spreads", "idle", "seasonal_errors", "daily_changes", "lowest"):
            for n in range(place + 1):
                assert getattr(now, part)[target][n].tobytes() == getattr(then, part)[target][n].tobytes(), part
        for model in now.models:
            assert now.forecasts[target][model][place].tobytes() == then.forecasts[target][model][place].tobytes()


def test_a_model_learns_from_windows_that_have_ended():
    known = sales({"A": list(range(1, 57))})
    _, ratios, weights = examples(before(known, 42, "y_units"), SHORT)
    means = [18] * 7 + [14.5] * 7  # of 1 to 35 and of 1 to 28: the cutoffs a week, and two, before
    assert ratios == pytest.approx(np.array([*range(36, 43), *range(29, 36)]) / means)
    assert weights == pytest.approx(np.array(means) / 16.25)


def test_inputs_are_what_their_definitions_say():
    past = before(sales({"A": list(range(1, 57)), "B": [None] * 40 + [0] * 15 + [2]}), 56, "y_units")
    first, seventh = inputs(past, np.array([0, 0]), np.array([1, 7]))
    scale = 28.5
    assert first[:3].tolist() == [1, 1, 3]  # 2025-03-03, a Monday
    assert seventh[:3].tolist() == [7, 7, 9]
    assert first[3:9] * scale == pytest.approx([50, 39.5, 25.5, 53, 42.5, 28.5])
    assert seventh[3:6] * scale == pytest.approx([56, 45.5, 31.5])
    parent_weekday, parent_trend = first[9], first[10]
    assert parent_weekday == pytest.approx(25.5 / 28.5)
    assert parent_trend == pytest.approx(53 / 42.5)
    assert first[11] == pytest.approx(25.5 / (28.5 + 2 / 56))  # of all sales, B among them
    assert np.isnan(first[13])  # no year before
    (other,) = inputs(past, np.array([1]), np.array([1]))
    assert other[14:17] == pytest.approx([15 / 16, 0, np.log(17)])
    assert other[17] == 1


@pytest.mark.parametrize("name", SHORT.models)
def test_a_product_that_has_not_sold_for_91_days_is_forecast_to_sell_nothing(name: str):
    known = sales({"A": [1, 5, 2, 8, 4, 0, 3] * 20, "B": [5] * 48 + [0] * 92})
    found = forecasts_at(known, 140, "y_units", SHORT)[name]
    assert found[1].tolist() == [0] * 7
    assert (found[0] > 0).any()


def test_no_model_forecasts_less_than_nothing():
    class Pessimist:
        def predict(self, rows: np.ndarray) -> np.ndarray:
            return np.full(len(rows), -1.0)

    assert forecast(Pessimist(), before(sales({"A": [1, 2, 3]}), 3, "y_units"), 7).tolist() == [[0] * 7]


def test_a_series_is_there_from_the_day_after_its_first():
    known = sales({"A1": [1, 1, 1], "B1": [None, 1, 1]})
    there = [dict(zip(known.tree.ids, started(known, origin, "y_units"), strict=True)) for origin in (1, 2)]
    assert (there[0]["category=A"], there[0]["category=B"], there[1]["category=B"]) == (True, False, True)


def test_the_price_trend_is_of_prices_that_were_paid_before():
    known = sales({"A": [1] * 91})
    known.values["y_net_amount"][0, -28:] = 300  # 3.00 in the last 28 days, 2.00 in the 63 before
    (row,) = inputs(before(known, 91, "y_units"), np.array([0]), np.array([1]))
    assert row[17] == pytest.approx(300 / ((28 * 300 + 63 * 200) / 91))


def test_a_year_before_is_told_by_the_week_around_the_same_weekday():
    units = [10] * 420
    units[56:63] = [30] * 7  # 364 days before the days from 420 on
    past = before(sales({"A": units}), 420, "y_units")
    rows = inputs(past, np.zeros(7, dtype=int), np.arange(1, 8))
    assert rows[:, 13] * 70 == pytest.approx([150, 170, 190, 210, 190, 170, 150])
