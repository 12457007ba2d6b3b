"""Daily sales: dense, whole, and parts of one another."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from datamart_kedro.pipelines.features.rules import FeatureRules
from tests.features.shops import Row, SmallShop, item, order, product, random_shop, sales

TOTAL = FeatureRules(levels=("total",))


def two_days(*more: Row, **values: object) -> SmallShop:
    """One unit sold on 1 January 2026, two on the 4th, which is the newest day."""
    orders = [order("a", "2026-01-01 10:00"), order("b", "2026-01-04 10:00"), *more]
    items = [item("a"), item("b", quantity=Decimal("2.000"), net_amount=Decimal("19.00"))]
    return SmallShop(orders=orders, items=items, products=[product("A", **values)])


def test_days_without_sales_are_zero_and_the_first_and_the_newest_may_not_be_whole():
    found = sales(two_days(), TOTAL)
    assert [(str(row["ds"]), row["y_units"], row["y_net_amount"], row["is_complete"]) for row in found] == [
        ("2026-01-01", Decimal("1.000"), Decimal("10.00"), False),
        ("2026-01-02", Decimal("0.000"), Decimal("0.00"), True),
        ("2026-01-03", Decimal("0.000"), Decimal("0.00"), True),
        ("2026-01-04", Decimal("2.000"), Decimal("19.00"), False),
    ]
    assert [row["unit_net_price"] for row in found] == [Decimal("10.0000"), None, None, Decimal("9.5000")]


def test_the_calendar_is_known_ahead():
    thursday, *_ = sales(two_days(), TOTAL)
    assert (thursday["day_of_week"], thursday["day_of_month"], thursday["month"], thursday["age_days"]) == (4, 1, 1, 0)


def test_a_failed_order_sells_nothing_and_an_order_of_nobody_does():
    orders = [order("a", "2026-01-01", None), order("b", "2026-01-02", status="cancelled"), order("c", "2026-01-02")]
    shop = SmallShop(orders=orders, items=[item("a"), item("b"), item("unknown")])
    assert [row["y_units"] for row in sales(shop, TOTAL)] == [1, 0]


def test_what_comes_back_is_taken_off():
    orders = [order("a", "2026-01-01"), order("b", "2026-01-01")]
    back = item("b", quantity=Decimal(-1), net_amount=Decimal("-10.00"))
    (row,) = sales(SmallShop(orders=orders, items=[item("a"), back]), TOTAL)
    assert (row["y_units"], row["y_net_amount"], row["unit_net_price"]) == (0, 0, None)


@pytest.mark.parametrize(
    ("gone_at", "last"),
    [(datetime(2026, 1, 2, 12), "2026-01-02"), (datetime(2025, 1, 1), "2026-01-01"), (None, "2026-01-04")],
)
def test_a_product_ends_when_it_is_no_longer_sold_and_not_before_its_last_sale(gone_at: datetime | None, last: str):
    orders = [order("a", "2026-01-01"), order("b", "2026-01-04")]
    products = [product("A", is_discontinued=True, discontinued_at=gone_at), product("B")]
    shop = SmallShop(orders=orders, items=[item("a"), item("b", "B")], products=products)
    found = [str(row["ds"]) for row in sales(shop) if row["unique_id"] == "product=A"]
    assert found[-1] == last
    assert len(found) == (date.fromisoformat(last) - date(2026, 1, 1)).days + 1


def test_series_are_named_after_what_they_hold_and_what_has_no_name_is_unknown():
    orders = [order("a", "2026-01-01")]
    items = [item("a"), item("a", None, None, line_number=2), item("a", "X", None, line_number=3)]
    found = sales(SmallShop(orders=orders, items=items, products=[product("A")]))
    assert {row["unique_id"]: row["parent_id"] for row in found} == {
        "total": None,
        "department=Media": "total",
        "department=unknown": "total",
        "category=Books": "department=Media",
        "category=unknown": "department=unknown",
        "product=A": "category=Books",
        "product=X": "category=unknown",
        "product=unknown": "category=unknown",
    }


def test_levels_that_are_left_out_leave_no_hole():
    found = sales(two_days(), FeatureRules(levels=("total", "product")))
    assert {row["unique_id"]: row["parent_id"] for row in found} == {"total": None, "product=A": "total"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_series_are_dense_and_sum_to_what_they_are_part_of(seed: int):
    shop = random_shop(seed, orders=60)
    found = sales(shop)
    days, sums = defaultdict(list), defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in found:
        days[row["unique_id"]].append(row["ds"])
        if row["parent_id"]:
            sums[row["parent_id"], row["ds"]][0] += row["y_units"]
            sums[row["parent_id"], row["ds"]][1] += row["y_net_amount"]
    for series in days.values():
        assert series == [series[0] + timedelta(days=n) for n in range(len(series))]
    parents = [row for row in found if row["level"] != "product"]
    assert [sums[row["unique_id"], row["ds"]] for row in parents] == [
        [row["y_units"], row["y_net_amount"]] for row in parents
    ]
    kept = {row["order_id"] for row in shop.orders if not row["is_failed"]}
    sold = sum(row["net_amount"] for row in shop.items if row["order_id"] in kept)
    assert sum(row["y_net_amount"] for row in found if row["level"] == "total") == sold


def test_without_sales_there_are_no_rows():
    assert sales(SmallShop()) == []
    assert sales(SmallShop(orders=[order("a", "2026-01-01", status="failed")], items=[item("a")])) == []
