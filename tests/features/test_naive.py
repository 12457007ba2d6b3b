"""The features against a second, naive way to compute them, cell by cell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from datamart_kedro.control.period import Period
from tests.features.naive import naive_features
from tests.features.shops import cutoffs, features, random_shop

DAYS = ("2025-06-01", "2025-12-15", "2026-06-01")


def same(found: Any, expected: Any) -> bool:
    """Are two cells alike? Floats may differ in their last digits, the entropy in its sixth."""
    if isinstance(found, float) and isinstance(expected, int | float):
        return found == pytest.approx(expected, abs=1e-6)
    if isinstance(found, Decimal):
        return found == expected
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize(("seed", "orders", "people"), [(1, 400, 30), (2, 400, 90), (3, 60, 6), (4, 10, 6), (5, 2, 3)])
def test_every_cell_is_that_of_the_naive_way(seed: int, orders: int, people: int):
    shop = random_shop(seed, orders=orders, people=people)
    rules = cutoffs(*DAYS)
    found = {(row["customer_id"], row["cutoff_date"]): row for row in features(shop, rules, Period(None, None, None))}
    expected = {(name, cutoff): row for cutoff in rules.cutoffs for name, row in naive_features(shop, cutoff).items()}
    assert found.keys() == expected.keys()
    differing = [
        (key, name, found[key][name], value)
        for key, row in expected.items()
        for name, value in row.items()
        if not same(found[key][name], value)
    ]
    assert differing == []
    assert all(set(row) - set(expected[key]) == {"basis"} for key, row in found.items())
