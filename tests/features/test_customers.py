"""Features of customers, worked out by hand."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.features.shops import (
    ITEMS,
    ORDERS,
    Engine,
    Row,
    SmallShop,
    customer,
    cutoffs,
    feature,
    features,
    item,
    order,
)

LAST = order("last", "2026-02-01", "nobody")
"""So that the cutoff is not in the future."""


def bought(*days: str, **values: Any) -> Row:
    """Features at 2026-01-01 of a customer who bought on these days."""
    orders = [order(f"o{n}", day, **values) for n, day in enumerate(days)]
    return feature(SmallShop(orders=[*orders, LAST]), "2026-01-01")


def btyd(row: Row) -> tuple[Any, ...]:
    return tuple(row[f"btyd_{name}"] for name in ("frequency", "recency_days", "age_days", "monetary"))


def test_buy_till_you_die_counts_repeat_days_up_to_the_last_day_before_the_cutoff():
    orders = [
        order("a", "2025-10-01 09:00", net_amount=Decimal("99.00")),
        order("b", "2025-10-11 09:00", net_amount=Decimal("10.00")),
        order("c", "2025-10-11 17:00", net_amount=Decimal("5.00")),
        order("d", "2025-12-20 12:00", net_amount=Decimal("20.01")),
    ]
    row = feature(SmallShop(orders=[*orders, LAST]), "2026-01-01")
    # x = 2 days after the first; t_x = 1 Oct to 20 Dec = 80; T = 1 Oct to 31 Dec = 91; (15.00 + 20.01) / 2 = 17.505
    assert btyd(row) == (2, 80, 91, Decimal("17.5050"))


def test_buy_till_you_die_of_a_single_purchase():
    assert btyd(bought("2025-12-31")) == (0, 0, 0, Decimal("0.0000"))


def test_an_order_of_zero_value_is_a_purchase():
    row = bought("2025-12-01", "2025-12-11", net_amount=Decimal("0.00"))
    assert btyd(row) == (1, 10, 30, Decimal("0.0000"))


def test_a_failed_order_is_no_purchase():
    assert bought("2025-12-01", status="cancelled")["is_buyer"] is False


def test_monetary_is_rounded_half_away_from_zero():
    amounts = [Decimal(amount) for amount in ("9.00", "0.01", "0.00", "0.00", "0.00", "0.00", "0.00", "0.02", "0.01")]
    orders = [order(f"o{n}", f"2025-12-0{n + 1}", net_amount=amount) for n, amount in enumerate(amounts)]
    row = feature(SmallShop(orders=[*orders, LAST]), "2026-01-01")
    assert row["btyd_monetary"] == Decimal("0.0050")  # 0.04 / 8
    back = [row | {"net_amount": -row["net_amount"]} for row in orders[:2] + orders[7:]]
    assert feature(SmallShop(orders=[*back, LAST]), "2026-01-01")["btyd_monetary"] == Decimal("-0.0133")  # -0.04 / 3


def test_the_average_order_is_rounded_half_away_from_zero():
    orders = [
        order("a", "2025-12-01", net_amount=Decimal("0.01")),
        order("b", "2025-12-02", net_amount=Decimal("0.02")),
    ]
    assert feature(SmallShop(orders=[*orders, LAST]), "2026-01-01")["avg_order_amount_life"] == Decimal("0.02")
    back = [row | {"net_amount": -row["net_amount"]} for row in orders]
    assert feature(SmallShop(orders=[*back, LAST]), "2026-01-01")["avg_order_amount_life"] == Decimal("-0.02")


def test_rhythm_is_that_of_the_days_between_purchase_days():
    row = bought("2025-12-01", "2025-12-03", "2025-12-03 20:00", "2025-12-07", "2025-12-17")
    # gaps 2, 4, 10: mean 16/3, median 4, variance (120 - 256/3) / 3 = 104/9
    assert row["gap_mean_days"] == pytest.approx(16 / 3)
    assert (row["gap_median_days"], row["gap_last_days"]) == (4.0, 10)
    assert row["gap_std_days"] == pytest.approx(math.sqrt(104) / 3)
    assert row["overdue_ratio"] == pytest.approx(15 / (16 / 3))


def test_rhythm_needs_two_purchase_days():
    row = bought("2025-12-01 08:00", "2025-12-01 20:00")
    names = ("gap_mean_days", "gap_median_days", "gap_std_days", "gap_last_days", "overdue_ratio")
    assert {row[name] for name in names} == {None}


def test_trend_sets_the_last_90_days_against_the_90_before():
    row = bought("2025-10-03", "2025-12-31", "2025-10-02", "2025-07-05", "2025-07-04")
    # last 90 days: from 3 Oct, 2 orders; before: from 5 Jul, 2 orders
    assert row["orders_ratio_90"] == 1.0
    assert row["net_amount_ratio_90"] == pytest.approx(21 / 21)
    assert row["active_months_12"] == 3


def test_active_months_are_months_of_the_last_year_alone():
    assert bought("2024-12-31", "2025-01-01", "2025-01-31", "2025-03-01")["active_months_12"] == 2
    assert bought("2024-12-31")["active_months_12"] == 0


def test_recency_is_1_on_the_day_before_the_cutoff():
    row = bought("2025-12-31 00:00", "2025-12-22")
    assert (row["recency_days"], row["days_since_first_order"]) == (1, 10)


def test_breadth_counts_lines_by_category_and_products_by_day():
    orders = [order("a", "2025-12-01"), order("b", "2025-12-01 20:00"), order("c", "2025-12-05"), LAST]
    items = [
        item("a", "A", "Books"),
        item("b", "A", "Books"),
        item("c", "B", "Games"),
        item("c", "C", "Games", line_number=2),
        item("c", "A", "Books", line_number=3),
        item("c", "D", "Art", line_number=4),
        item("c", "E", "Art", line_number=5, quantity=Decimal(-1)),
        item("c", None, None, line_number=6),
    ]
    row = feature(SmallShop(orders=orders, items=items), "2026-01-01")
    # lines: Books 3, Games 2, Art 1; A on two days of four products
    assert (row["products_count"], row["categories_count"], row["top_category"]) == (4, 3, "Books")
    assert (row["top_category_share"], row["repeat_product_share"]) == (0.5, 0.25)
    entropy = -(1 / 2 * math.log(1 / 2) + 1 / 3 * math.log(1 / 3) + 1 / 6 * math.log(1 / 6))
    assert row["category_entropy"] == pytest.approx(entropy, abs=1e-6)


def test_of_categories_with_equal_lines_the_first_by_name_is_on_top():
    orders = [order("a", "2025-12-01"), order("b", "2025-12-02"), LAST]
    items = [item("a", "B", "Games"), item("b", "A", "Books")]
    row = feature(SmallShop(orders=orders, items=items), "2026-01-01")
    assert (row["top_category"], row["top_category_share"]) == ("Books", 0.5)


def test_a_single_category_has_no_entropy():
    row = feature(SmallShop(orders=[order("a", "2025-12-01"), LAST], items=[item("a")]), "2026-01-01")
    assert (row["category_entropy"], row["repeat_product_share"]) == (0.0, 0.0)
    assert math.copysign(1, row["category_entropy"]) == 1


def test_service_counts_orders_by_their_day_and_late_deliveries_by_the_day_of_delivery():
    orders = [
        order("a", "2025-12-10", status="cancelled"),
        order("b", "2025-11-10", status="failed"),
        order("c", "2025-12-11", status="returned"),
        order("d", "2025-11-20", is_late=True, delivered_at=datetime(2025, 12, 20)),
        order("e", "2025-12-20", is_late=True, delivered_at=datetime(2026, 1, 1)),
        order("f", "2025-12-20", is_late=True),
        order("g", "2025-12-20", is_late=False, delivered_at=datetime(2025, 12, 22)),
        LAST,
    ]
    row = feature(SmallShop(orders=orders), "2026-01-01")
    assert (row["cancelled_orders_30d"], row["failed_orders_30d"], row["failed_orders_90d"]) == (1, 1, 2)
    assert (row["returned_orders_30d"], row["late_deliveries_30d"], row["late_deliveries_life"]) == (1, 1, 1)
    assert row["return_rate_30d"] == 0.25


def test_a_customer_who_never_bought_has_counts_of_zero_and_no_recency():
    row = feature(SmallShop(orders=[LAST]), "2026-01-01")
    assert (row["orders_life"], row["units_30d"], row["net_amount_365d"]) == (0, 0, Decimal("0.00"))
    assert (row["products_count"], row["failed_orders_life"], row["active_months_12"]) == (0, 0, 0)
    absent = ("recency_days", "btyd_frequency", "max_order_amount", "gap_mean_days", "rfm_r", "rfm_segment")
    assert {row[name] for name in (*absent, "avg_order_amount_30d", "return_rate_life", "top_category")} == {None}
    assert (row["is_buyer"], row["is_eligible_churn"], row["orders_ratio_90"]) == (False, False, 1.0)


@pytest.mark.parametrize(
    ("created_at", "orders", "tenure"),
    [
        (datetime(2025, 12, 22, 23), ["2025-12-30"], 10),
        (datetime(2025, 12, 22), ["2025-12-12"], 20),
        (None, ["2025-12-31"], 1),
        (datetime(2026, 1, 5), ["2025-12-27"], 5),
    ],
)
def test_tenure_begins_with_the_registration_or_the_first_purchase(created_at: Any, orders: list[str], tenure: int):
    shop = SmallShop([customer(created_at=created_at)], [*(order(day, day) for day in orders), LAST])
    assert feature(shop, "2026-01-01")["tenure_days"] == tenure


@pytest.mark.parametrize(
    ("created_at", "orders", "is_there"),
    [
        (datetime(2025, 12, 31, 23, 59), [], True),
        (datetime(2026, 1, 1), [], False),
        (None, [], False),
        (None, [order("x", "2025-12-31", status="failed")], True),
        (datetime(2026, 1, 1), [order("x", "2025-12-31")], True),
    ],
)
def test_a_customer_is_known_who_registered_or_ordered_before_the_cutoff(
    created_at: Any, orders: list[Row], is_there: bool
):
    found = features(SmallShop([customer(created_at=created_at)], [*orders, LAST]), cutoffs("2026-01-01"))
    assert (len(found) == 1) is is_there


@pytest.mark.parametrize(("day", "is_eligible"), [("2025-12-02", True), ("2025-12-01", False)])
def test_who_bought_too_long_ago_cannot_churn_any_more(day: str, is_eligible: bool):
    row = feature(SmallShop(orders=[order("x", day), LAST]), "2026-01-01", eligible_within_days=30)
    assert row["is_eligible_churn"] is is_eligible


def test_equal_values_have_equal_scores():
    people = [customer(f"c{n}") for n in range(10)]
    orders = [order(f"o{n}", "2025-12-01", f"c{n}") for n in range(9)]
    orders += [order("top", "2025-12-30", "c9", net_amount=Decimal("50.00")), order("more", "2025-12-30", "c9"), LAST]
    found = features(SmallShop(people, orders), cutoffs("2026-01-01"))
    assert [(row["rfm_r"], row["rfm_f"], row["rfm_m"]) for row in found] == [(1, 1, 1)] * 9 + [(5, 5, 5)]
    assert [row["rfm_segment"] for row in found] == ["lapsed"] * 9 + ["champions"]


def test_five_different_values_have_the_five_scores():
    people = [customer(f"c{n}") for n in range(5)]
    orders = [order(f"o{n}", f"2025-12-0{n + 1}", f"c{n}", net_amount=Decimal(n)) for n in range(5)]
    found = features(SmallShop(people, [*orders, LAST]), cutoffs("2026-01-01"))
    assert [(row["rfm_r"], row["rfm_f"], row["rfm_m"]) for row in found] == [
        (score, 1, score) for score in (1, 2, 3, 4, 5)
    ]


def test_ids_that_are_numbers_in_one_table_and_texts_in_another_are_the_same():
    place = Engine(
        customers={
            "customer_id": "int64",
            "created_at": "timestamp(6)",
            "signup_month": "date",
            "country_code": "string",
        },
        orders=ORDERS | {"order_id": "int64"},
        items=ITEMS,
    )
    shop = SmallShop([customer(7)], [order(1, "2025-12-01", "7"), LAST | {"order_id": 2}], [item("1")])  # type: ignore[arg-type]
    (row,) = features(shop, cutoffs("2026-01-01"), on=place)
    assert (row["customer_id"], row["orders_life"], row["products_count"]) == (7, 1, 1)
