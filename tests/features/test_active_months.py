"""Calendar months in which a customer bought, at the edges of the year before a cutoff."""

from __future__ import annotations

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
