"""Months and quarters before a cutoff: what is counted at their edges, and what has no ratio."""

from __future__ import annotations

from decimal import Decimal

from tests.features.shops import SmallShop, feature, order

LAST = order("last", "2026-02-01", "nobody")
"""So that the cutoff is not in the future."""


def active_months(*days: str) -> int:
    """Active months at 2026-01-15 of a customer who bought on these days: the year begins on 2025-01-15."""
    orders = [order(f"o{n}", day) for n, day in enumerate(days)]
    return int(feature(SmallShop(orders=[*orders, LAST]), "2026-01-15")["active_months_12"])


def test_a_month_counts_whose_first_purchase_lies_before_the_year_and_another_in_it():
    assert active_months("2025-01-14", "2025-01-15") == 1
    assert active_months("2025-01-14", "2025-01-15", "2025-01-20", "2025-03-01") == 2


def test_the_same_month_of_two_years_counts_twice():
    assert active_months("2025-01-20", "2026-01-05") == 2


def test_there_are_never_more_than_twelve():
    months = [f"2025-{month:02}-20" for month in range(1, 13)]
    assert active_months(*months) == 12
    assert active_months(*months, "2026-01-05") == 12


def net_amount_ratio(before: str, now: str) -> float | None:
    """Ratio at 2026-01-01 of an amount of the last 90 days to one of the 90 before, which end on 2025-10-02."""
    orders = [
        order("before", "2025-10-02 23:59", net_amount=Decimal(before)),
        order("now", "2025-10-03", net_amount=Decimal(now)),
    ]
    ratio: float | None = feature(SmallShop(orders=[*orders, LAST]), "2026-01-01")["net_amount_ratio_90"]
    return ratio


def test_the_ratio_of_net_amounts_holds_the_last_90_days_against_the_90_before():
    assert net_amount_ratio("3.00", "7.00") == 2.0  # 8 / 4


def test_there_is_no_ratio_where_returns_make_the_divisor_zero():
    assert net_amount_ratio("-1.00", "7.00") is None
