"""Labels, worked out by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from tests.features.shops import SmallShop, customer, cutoffs, label, labels, order

LAST = order("last", "2026-03-01", "nobody")


def test_a_customer_who_comes_back_has_not_churned():
    orders = [order("a", "2026-01-05 23:59"), order("b", "2026-01-20", net_amount=Decimal("2.50")), LAST]
    row = label(SmallShop(orders=orders), "2026-01-01")
    assert (row["label_start"], row["label_end"]) == (date(2026, 1, 1), date(2026, 1, 31))
    assert (row["churned"], row["orders_count"], row["net_amount"]) == (0, 2, Decimal("12.50"))
    assert (row["next_order_days"], row["event_observed"]) == (4, True)


def test_a_customer_who_does_not_has_and_the_wait_is_cut_off_at_the_horizon():
    row = label(SmallShop(orders=[LAST]), "2026-01-01")
    assert (row["churned"], row["orders_count"], row["net_amount"]) == (1, 0, Decimal("0.00"))
    assert (row["next_order_days"], row["event_observed"]) == (30, False)


def test_a_failed_order_brings_nobody_back():
    assert label(SmallShop(orders=[order("a", "2026-01-05", status="failed"), LAST]), "2026-01-01")["churned"] == 1


def test_the_wait_is_counted_from_the_start_of_the_window():
    orders = [order("a", "2026-01-10"), LAST]
    assert label(SmallShop(orders=orders), "2026-01-01", gap_days=7)["next_order_days"] == 2


def test_a_window_that_is_not_fully_observed_has_no_labels_although_there_was_an_order():
    orders = [order("a", "2026-01-05"), order("last", "2026-01-30", "nobody")]
    row = label(SmallShop(orders=orders), "2026-01-01")
    assert (row["is_observed"], row["split"]) == (False, "score")
    given = ("churned", "orders_count", "net_amount", "next_order_days", "event_observed")
    assert {row[name] for name in given} == {None}


def test_a_horizon_beyond_the_data_leaves_the_shorter_ones_alone():
    rules = cutoffs("2026-01-01", horizons=(30, 365), model_horizon_days=30)
    found = labels(SmallShop(orders=[LAST]), rules)
    assert [(row["horizon_days"], row["churned"]) for row in found] == [(30, 1), (365, None)]


def test_every_customer_of_the_features_has_a_label_for_each_horizon_and_nobody_else():
    people = [customer("ann"), customer("bob"), customer("late", created_at=datetime(2026, 2, 1))]
    found = labels(SmallShop(people, [LAST]), cutoffs("2026-01-01", horizons=(30, 90)))
    assert [(row["customer_id"], row["horizon_days"]) for row in found] == [
        ("ann", 30),
        ("ann", 90),
        ("bob", 30),
        ("bob", 90),
    ]
