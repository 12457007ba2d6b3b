"""The past does not know the future: what a cutoff may see, and what it may not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.control.period import Period
from datamart_kedro.pipelines.features.feature import WINDOWS
from tests.features.shops import (
    Row,
    SmallShop,
    customer,
    cutoffs,
    engine,
    feature,
    features,
    item,
    label,
    labels,
    order,
    random_shop,
)

CUTOFF = datetime(2026, 1, 1)
RULES = cutoffs("2026-01-01")
ANY_TIME = Period(None, None, None)
MICROSECOND = timedelta(microseconds=1)

seeds = st.integers(min_value=0, max_value=10**6)
few = settings(max_examples=12, deadline=None)
fewer = settings(max_examples=6, deadline=None)


def at_cutoff(shop: SmallShop, known_since: datetime | None = None) -> list[Row]:
    return features(shop, RULES, Period(None, None, known_since))


def with_another_future(shop: SmallShop, draw: Random) -> SmallShop:
    """The shop with everything from the cutoff on changed, left out, or added to."""
    kept, gone = [], set()
    for row in shop.orders:
        if row["ordered_at"] < CUTOFF:
            arrived = row["delivered_at"]
            later = arrived and arrived >= CUTOFF and CUTOFF + timedelta(days=draw.randint(0, 9))
            kept.append(row | ({"delivered_at": later} if later else {}))
        elif draw.random() < 0.5:
            kept.append(row | {"net_amount": Decimal("777.00"), "status": "cancelled", "is_failed": True})
        else:
            gone.add(row["order_id"])
    added = [order(f"new{n}", CUTOFF + timedelta(days=n), draw.choice(["c0", "c1", "c5"])) for n in range(4)]
    items = [row for row in shop.items if row["order_id"] not in gone] + [item(f"new{n}", "Z", "New") for n in range(4)]
    people = [*shop.customers, customer("late", created_at=CUTOFF)]
    return shop.with_(orders=[*kept, *added], items=items, customers=people)


@given(seeds)
@few
def test_nothing_from_the_cutoff_on_changes_a_feature(seed: int):
    shop = random_shop(seed)
    assert repr(at_cutoff(with_another_future(shop, Random(seed)))) == repr(at_cutoff(shop))


@given(seeds)
@fewer
def test_cutoffs_together_are_cutoffs_one_by_one(seed: int):
    shop = random_shop(seed)
    days = ("2025-06-01", "2025-12-15", "2026-06-01")
    together = features(shop, cutoffs(*days), ANY_TIME)
    single = [row for day in days for row in features(shop, cutoffs(day), ANY_TIME)]
    assert repr(together) == repr(sorted(single, key=lambda row: (row["customer_id"], row["cutoff_date"])))


@pytest.mark.parametrize(
    ("ordered_at", "orders_before", "orders_after"), [(CUTOFF, 0, 1), (CUTOFF - MICROSECOND, 1, 0)]
)
def test_an_event_at_the_cutoff_is_in_the_label_and_one_before_it_in_the_features(
    ordered_at: datetime, orders_before: int, orders_after: int
):
    shop = SmallShop(orders=[order("x", ordered_at), order("last", "2026-03-01", None)])
    assert feature(shop, "2026-01-01")["orders_life"] == orders_before
    assert label(shop, "2026-01-01")["orders_count"] == orders_after


@pytest.mark.parametrize(("ordered_at", "count"), [("2026-01-31 00:00", 0), ("2026-01-30 23:59:59.999999", 1)])
def test_the_day_after_the_window_of_a_label_is_not_in_it(ordered_at: str, count: int):
    shop = SmallShop(orders=[order("x", ordered_at), order("last", "2026-03-01", None)])
    assert label(shop, "2026-01-01")["orders_count"] == count


def test_a_gap_belongs_to_neither():
    orders = [order("x", "2026-01-07 23:59"), order("y", "2026-01-08"), order("last", "2026-03-01", None)]
    shop = SmallShop(orders=orders)
    assert label(shop, "2026-01-01", gap_days=7)["orders_count"] == 1
    assert feature(shop, "2026-01-01", gap_days=7)["orders_life"] == 0


@pytest.mark.parametrize(("ordered_at", "in_30", "in_90"), [("2025-12-02", 1, 1), ("2025-12-01 23:59", 0, 1)])
def test_a_window_begins_at_the_midnight_so_many_days_before(ordered_at: str, in_30: int, in_90: int):
    row = feature(SmallShop(orders=[order("x", ordered_at), order("y", "2026-02-01")]), "2026-01-01")
    assert (row["orders_30d"], row["orders_90d"]) == (in_30, in_90)


def test_days_are_days_of_utc():
    orders = [order("x", "2025-06-01 23:30"), order("y", "2025-06-02 00:30"), order("z", "2025-06-02 23:30")]
    row = feature(SmallShop(orders=[*orders, order("last", "2026-02-01")]), "2026-01-01")
    assert (row["purchase_days_life"], row["btyd_recency_days"]) == (2, 1)


def test_an_order_from_after_the_cutoff_tells_nothing_though_it_says_to_have_arrived_before():
    odd = order("x", "2026-01-05", is_late=True, delivered_at=datetime(2025, 12, 1))
    first, second = features(SmallShop(orders=[odd]), cutoffs("2026-01-01", "2026-02-01"), ANY_TIME)
    assert (first["late_deliveries_life"], second["late_deliveries_life"]) == (0, 1)


def corrected(changed_at: str) -> SmallShop:
    """An order that was delivered, until the shop found out that it had been cancelled."""
    now = order("x", "2025-11-01", status="cancelled") | {"_valid_from": datetime.fromisoformat(changed_at)}
    was = order("x", "2025-11-01") | {"_valid_from": datetime(2025, 11, 2), "_valid_to": now["_valid_from"]}
    return SmallShop([customer(_valid_from=datetime(2025, 1, 1))], [now], past={"orders": [was]})


@pytest.mark.parametrize(
    ("changed_at", "orders", "cancelled"),
    [("2026-01-01 00:00:00.000001", 1, 0), ("2026-01-01", 0, 1), ("2025-12-01", 0, 1)],
)
def test_a_correction_is_seen_from_the_instant_at_which_it_was_known(changed_at: str, orders: int, cancelled: int):
    (row,) = at_cutoff(corrected(changed_at), known_since=datetime(2025, 6, 1))
    assert (row["basis"], row["orders_life"], row["cancelled_orders_life"]) == ("known_then", orders, cancelled)


def test_where_the_history_does_not_reach_back_rows_are_taken_as_they_are():
    (row,) = at_cutoff(corrected("2026-06-01"), known_since=datetime(2026, 1, 1, 0, 0, 1))
    assert (row["basis"], row["orders_life"], row["cancelled_orders_life"]) == ("happened_before", 0, 1)


@pytest.mark.parametrize(("seen_at", "orders"), [("2026-01-02", 1), ("2026-01-02 00:00:00.000001", 0)])
def test_an_order_that_came_a_night_later_counts_and_one_that_was_entered_long_after_does_not(
    seen_at: str, orders: int
):
    late = order("x", "2025-12-31 22:00") | {"_valid_from": datetime.fromisoformat(seen_at)}
    shop = SmallShop([customer(_valid_from=datetime(2025, 1, 1))], [late])
    (row,) = at_cutoff(shop, known_since=datetime(2025, 6, 1))
    assert row["orders_life"] == orders


def test_a_row_that_is_gone_today_was_known_then():
    gone = order("x", "2025-11-01") | {"_valid_from": datetime(2025, 11, 2), "_valid_to": datetime(2026, 2, 1)}
    shop = SmallShop([customer(_valid_from=datetime(2025, 1, 1))], past={"orders": [gone]})
    assert at_cutoff(shop, known_since=datetime(2025, 6, 1))[0]["orders_life"] == 1


def test_the_country_is_the_one_that_was_known():
    moved = customer(country_code="FR", _valid_from=datetime(2026, 2, 1))
    was = customer() | {"_valid_from": datetime(2025, 1, 1), "_valid_to": datetime(2026, 2, 1)}
    shop = SmallShop([moved], past={"customers": [was]})
    assert at_cutoff(shop, known_since=datetime(2025, 6, 1))[0]["country_code"] == "DE"
    assert at_cutoff(shop)[0]["country_code"] == "FR"


def with_past(shop: SmallShop, draw: Random) -> tuple[SmallShop, SmallShop]:
    """The shop with corrections of orders and lines, and the shop as it was known at the cutoff."""
    past: dict[str, list[Row]] = {"orders": [], "items": []}
    known: dict[str, list[Row]] = {"orders": [], "items": []}
    now: dict[str, list[Row]] = {"orders": [], "items": []}
    for name in ("orders", "items"):
        for row in getattr(shop, name):
            first, changed = (datetime(2025, 1, 2) + timedelta(days=draw.randint(0, 600)) for _ in range(2))
            first, changed = min(first, changed), max(first, changed) + MICROSECOND
            if name == "orders":
                old = row | {"status": "failed", "is_failed": True, "net_amount": Decimal("1.23")}
            else:
                old = row | {"product_id": "OLD", "category": "Old"}
            fate = draw.choice(["always", "changed", "changed", "gone"])
            is_there = first <= CUTOFF + timedelta(days=1)
            if fate == "always":
                now[name].append(row | {"_valid_from": first})
                known[name] += [row] * is_there
            else:
                past[name].append(old | {"_valid_from": first, "_valid_to": changed})
                now[name] += [row | {"_valid_from": changed}] * (fate == "changed")
                if first <= CUTOFF < changed or (first > CUTOFF and is_there):
                    known[name].append(old)
                elif changed <= CUTOFF and fate == "changed":
                    known[name].append(row)
    people = [row | {"_valid_from": datetime(2025, 1, 1)} for row in shop.customers]
    return SmallShop(people, now["orders"], now["items"], past=past), shop.with_(**known)


@given(seeds)
@few
def test_what_was_known_gives_the_features_of_the_shop_as_it_was_known(seed: int):
    shop, as_known = with_past(random_shop(seed), Random(seed))
    found = [row | {"basis": ""} for row in at_cutoff(shop, known_since=datetime(2025, 1, 1))]
    assert repr(found) == repr([row | {"basis": ""} for row in at_cutoff(as_known)])


@given(seeds)
@few
def test_windows_are_nested_and_life_holds_the_revenue_before_the_cutoff(seed: int):
    shop = random_shop(seed)
    found = at_cutoff(shop)
    spans = [*(f"{days}d" for days in WINDOWS), "life"]
    for name in ("orders", "purchase_days", "cancelled_orders", "returned_orders", "failed_orders", "late_deliveries"):
        assert all(row[f"{name}_{a}"] <= row[f"{name}_{b}"] for row in found for a, b in pairwise(spans))
    revenue = sum(
        row["net_amount"]
        for row in shop.orders
        if row["ordered_at"] < CUTOFF
        and not row["is_failed"]
        and row["customer_id"] in {person["customer_id"] for person in shop.customers}
    )
    assert sum(row["net_amount_life"] for row in found) == revenue


@given(seeds)
@fewer
def test_labels_count_what_the_features_of_a_later_cutoff_have_more(seed: int):
    shop = random_shop(seed)
    observed = Period(date(2025, 1, 1), date(2026, 12, 31), None)
    rules = cutoffs("2026-01-01", horizons=(90,))
    found = labels(shop, rules, observed)
    before = {row["customer_id"]: row for row in at_cutoff(shop)}
    after = {row["customer_id"]: row for row in features(shop, cutoffs("2026-04-01"), ANY_TIME)}
    assert [(row["customer_id"], row["orders_count"], row["net_amount"], row["churned"] == 0) for row in found] == [
        (
            name,
            after[name]["orders_life"] - row["orders_life"],
            after[name]["net_amount_life"] - row["net_amount_life"],
            after[name]["orders_life"] > row["orders_life"],
        )
        for name, row in sorted(before.items())
    ]


def test_a_shop_leaves_nothing_behind_for_the_next_in_the_engine_of_the_tests():
    features(random_shop(3), RULES, ANY_TIME)
    assert engine() is engine()
    assert features(SmallShop(customers=[]), RULES, ANY_TIME) == []
