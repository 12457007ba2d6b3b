"""Which days are cutoffs, which windows are observed, and what each cutoff is for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from datamart_kedro.control.period import Period
from datamart_kedro.errors import ParameterError
from datamart_kedro.pipelines.features.cutoffs import cutoffs_of, is_observed, label_window, splits_of
from datamart_kedro.pipelines.features.rules import FeatureRules

PERIOD = Period(date(2025, 1, 1), date(2025, 12, 9), None)


def days(rules: FeatureRules, period: Period = PERIOD) -> list[str]:
    return [str(cutoff.day) for cutoff in cutoffs_of(rules, period)]


def test_cutoffs_are_the_first_days_of_the_newest_months():
    assert days(FeatureRules(months=3)) == ["2025-10-01", "2025-11-01", "2025-12-01"]


def test_the_first_day_of_a_month_is_a_cutoff_once_it_has_begun():
    assert days(FeatureRules(months=1), Period(date(2024, 1, 1), date(2025, 1, 1), None)) == ["2025-01-01"]


def test_months_before_the_first_order_are_left_out():
    assert days(FeatureRules(months=24))[0] == "2025-02-01"


def test_a_shop_without_orders_has_no_months():
    assert days(FeatureRules(), Period(None, None, None)) == []


def test_a_list_goes_before_months():
    assert days(FeatureRules(cutoffs=(date(2025, 5, 6),), months=3)) == ["2025-05-06"]


def test_the_day_after_the_newest_order_is_the_last_that_can_be_a_cutoff():
    assert days(FeatureRules(cutoffs=(date(2025, 12, 10),))) == ["2025-12-10"]
    with pytest.raises(ParameterError, match="2025-12-11 lies in the future: the newest order is of 2025-12-09"):
        days(FeatureRules(cutoffs=(date(2025, 12, 11),)))


@pytest.mark.parametrize(("horizon", "observed"), [(8, True), (9, False)])
def test_a_window_is_observed_when_the_newest_day_comes_after_it(horizon: int, observed: bool):
    window = label_window(date(2025, 12, 1), horizon, FeatureRules())
    assert is_observed(window, PERIOD) is observed


def test_cutoffs_split_with_their_labels_apart():
    rules = FeatureRules(horizons=(90,))
    asked = [date(2025, 3, 1), date(2025, 4, 1), date(2025, 6, 1), date(2025, 9, 1), date(2025, 12, 1)]
    # 1 Sep + 90 days = 30 Nov; 1 Jun + 90 = 30 Aug; 1 Mar + 90 = 30 May, 1 Apr + 90 = 30 Jun
    assert list(splits_of(asked, rules, PERIOD).values()) == ["train", None, "valid", "test", "score"]


ORDER = ["train", "valid", "test", "score"]


@given(
    st.sets(st.integers(0, 1000), min_size=1, max_size=30), st.integers(1, 120), st.integers(0, 30), st.integers(1, 90)
)
def test_the_labels_of_a_split_end_before_the_first_cutoff_of_the_next(
    offsets: set[int], horizon: int, gap: int, width: int
):
    rules = FeatureRules(horizons=(horizon,), model_horizon_days=horizon, gap_days=gap, split_days=width)
    asked = [date(2023, 1, 1) + timedelta(days=offset) for offset in sorted(offsets)]
    split = splits_of(asked, rules, PERIOD)
    for earlier, later in pairwise(["train", "valid", "test"]):
        ends = [day + timedelta(days=gap + horizon) for day, name in split.items() if name == earlier]
        starts = [day for day, name in split.items() if name == later]
        assert all(end <= min(starts) for end in ends)
    assert all((split[day] == "score") is (day + timedelta(days=gap + horizon) > PERIOD.newest_day) for day in asked)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cutoffs": [date(2025, 2, 1), date(2025, 1, 1)]}, "in the order of the calendar"),
        ({"horizons": [90, 30]}, "they must rise"),
        ({"horizons": [30]}, "model_horizon_days is 90, which is none of horizons"),
        ({"horizons": []}, "at least 1 item"),
        ({"months": 0}, "greater than or equal to 1"),
        ({"levels": ["brand"]}, "Input should be 'total', 'department', 'category' or 'product'"),
        ({"windows": [7]}, "Extra inputs are not permitted"),
    ],
)
def test_impossible_rules_are_refused(values: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        FeatureRules.model_validate(values)
