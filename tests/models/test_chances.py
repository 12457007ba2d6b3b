"""The best that can be known of customers of the sample shop."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from datamart_kedro.sample.chances import area_under_curve, chance_of_no_purchase

CUTOFF = date(2025, 10, 1)


def test_a_customer_who_has_left_buys_nothing():
    assert chance_of_no_purchase(5.0, datetime(2025, 9, 30, 23, 59), CUTOFF, 90) == 1


@pytest.mark.parametrize("dropped_out_at", [None, datetime(2025, 10, 1)])
def test_a_customer_who_has_not_left_by_the_cutoff_buys_at_their_rate(dropped_out_at: datetime | None):
    assert chance_of_no_purchase(0.01, dropped_out_at, CUTOFF, 100) == pytest.approx(0.36787944)


def test_the_area_counts_pairs_in_the_right_order():
    assert area_under_curve([1, 1, 0, 0], [0.9, 0.4, 0.4, 0.1]) == (1 + 1 + 0.5 + 1) / 4
