"""Shops with little in them: empty or NULL, or a clear refusal."""

from __future__ import annotations

from datetime import date

import pytest

from datamart_kedro.control.period import Period
from datamart_kedro.pipelines.features.rules import FeatureRules
from tests.features.shops import SmallShop, customer, cutoffs, features, item, labels, order, product, sales

EMPTY = SmallShop(customers=[])
NOBODY_BOUGHT = SmallShop(customers=[customer("ann"), customer("bob")])
ALL_CANCELLED = SmallShop(orders=[order("a", "2025-12-01", status="cancelled"), order("b", "2026-02-01", None)])


def test_an_empty_shop_has_no_features_labels_or_sales():
    assert features(EMPTY, FeatureRules()) == labels(EMPTY, FeatureRules()) == sales(EMPTY) == []


def test_months_of_a_shop_without_orders_are_none_and_its_named_cutoffs_have_rows():
    assert features(NOBODY_BOUGHT, FeatureRules()) == []
    found = features(NOBODY_BOUGHT, cutoffs("2026-01-01"))
    assert [(row["customer_id"], row["is_buyer"], row["orders_life"]) for row in found] == [
        ("ann", False, 0),
        ("bob", False, 0),
    ]
    assert {row["is_observed"] for row in labels(NOBODY_BOUGHT, cutoffs("2026-01-01"))} == {False}


def test_a_cutoff_before_the_first_order_has_customers_who_never_bought():
    shop = SmallShop(orders=[order("a", "2026-02-01")])
    (row,) = features(shop, cutoffs("2025-01-01"))
    assert (row["is_buyer"], row["orders_life"], row["rfm_r"]) == (False, 0, None)


def test_a_cutoff_before_everything_has_no_rows():
    assert features(SmallShop(orders=[order("a", "2026-02-01")]), cutoffs("2020-01-01")) == []


def test_a_shop_whose_orders_were_all_cancelled_has_no_buyer():
    (row,) = features(ALL_CANCELLED, cutoffs("2026-01-01"))
    assert (row["is_buyer"], row["cancelled_orders_life"], row["recency_days"], row["rfm_segment"]) == (
        False,
        1,
        None,
        None,
    )


def test_one_customer_is_scored_against_nobody():
    (row,) = features(SmallShop(orders=[order("a", "2025-12-01")]), cutoffs("2025-12-02"))
    assert (row["rfm_r"], row["rfm_f"], row["rfm_m"]) == (1, 1, 1)


def test_a_single_product_is_the_whole_shop():
    shop = SmallShop(orders=[order("a", "2026-01-01")], items=[item("a")], products=[product("A")])
    assert {row["y_units"] for row in sales(shop)} == {1}
    assert len(sales(shop)) == 4


@pytest.mark.parametrize("horizon", [1, 3650])
def test_any_horizon_gives_a_label_or_null(horizon: int):
    shop = SmallShop(orders=[order("a", "2025-12-01"), order("b", "2026-01-03", None)])
    rules = cutoffs("2026-01-01", horizons=(horizon,), model_horizon_days=horizon)
    (row,) = labels(shop, rules)
    assert row["churned"] == (1 if horizon == 1 else None)


def test_a_shop_of_one_day_has_no_observed_label():
    shop = SmallShop(orders=[order("a", "2026-01-01 10:00")])
    period = Period(date(2026, 1, 1), date(2026, 1, 1), None)
    rules = cutoffs("2026-01-01", horizons=(1,), model_horizon_days=1)
    assert [row["churned"] for row in labels(shop, rules, period)] == [None]
