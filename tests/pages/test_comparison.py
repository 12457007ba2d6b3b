"""Figures beside those of the days before, worked out by head."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from datamart_kedro.errors import UsageError
from datamart_kedro.facts.comparison import Headline, headlines
from datamart_kedro.facts.period import Days, last_days, months_up_to, newest_day
from datamart_kedro.facts.quality import accounting, rule_courses
from datamart_kedro.facts.trends import courses, spread
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.pages.drawing import change_of
from tests.metrics.shops import line, mart, order, product

TEN_DAYS = Days(date(2025, 1, 11), date(2025, 1, 21))
SALES: dict[str, Any] = {
    "tb_products": [product("A"), product("B", category="Lamps", department="Home")],
    "tb_orders": [
        order(1, "2025-01-01"),
        order(2, "2025-01-10T23:59"),
        order(3, "2025-01-11"),
        order(4, "2025-01-20", customer_id=2, currency="USD"),
    ],
    "tb_order_items": [
        line(1, "10.00"),
        line(2, "10.00"),
        line(3, "30.00"),
        line(4, "7.00", product_id="B", category="Lamps"),
    ],
}


def test_figures_stand_beside_those_of_as_many_days_before(tmp_path: Path):
    found = {
        (one.metric.name, one.apart): (one.value, one.before)
        for one in headlines(mart(tmp_path, SALES), ["revenue", "orders", "new_customers"], TEN_DAYS, "UTC")
    }
    assert found == {
        ("revenue", "EUR"): (Decimal("30.00"), Decimal("20.00")),
        ("revenue", "USD"): (Decimal("7.00"), None),
        ("orders", ""): (2, 2),
        ("new_customers", ""): (1, 1),
    }


def test_days_without_orders_have_no_orders_and_no_revenue(tmp_path: Path):
    held = mart(tmp_path, SALES)
    quiet = Days(date(2025, 1, 21), date(2025, 1, 31))
    found = headlines(held, ["revenue", "orders", "late_rate"], quiet, "UTC", {"currency": ["EUR"]})
    assert [(one.value, one.before) for one in found] == [(None, Decimal("30.00")), (0, 1), (None, Decimal(0))]


def test_a_metric_that_does_not_know_a_filter_is_left_out(tmp_path: Path):
    found = headlines(mart(tmp_path, SALES), ["orders", "late_rate"], TEN_DAYS, "UTC", {"department": ["Home"]})
    assert [(one.metric.name, one.value) for one in found] == [("orders", 1)]


@pytest.mark.parametrize(
    ("name", "value", "before", "change", "text", "better"),
    [
        ("revenue", Decimal(30), Decimal(20), Decimal("0.5000"), "+50.0 %", True),
        ("revenue", Decimal(10), Decimal(20), Decimal("-0.5000"), "-50.0 %", False),
        ("revenue", Decimal(10), Decimal(-20), Decimal("1.5000"), "+150.0 %", True),
        ("revenue", Decimal(10), Decimal(0), None, "no comparison", None),
        ("revenue", Decimal(10), None, None, "no comparison", None),
        ("orders", 5, 5, Decimal(0), "unchanged", None),
        ("return_rate", Decimal("0.06"), Decimal("0.04"), Decimal("0.02"), "+2.0 points", False),
        ("return_rate", Decimal("0.06"), Decimal(0), Decimal("0.06"), "+6.0 points", False),
    ],
)
def test_a_change_is_a_share_of_what_was_and_of_a_share_the_difference(
    name: str, value: Any, before: Any, change: Any, text: str, better: Any
):
    headline = Headline(METRICS[name], "", value, before)
    assert (headline.change, change_of(headline), headline.is_better) == (change, text, better)


def test_days_are_as_many_before_as_after():
    assert TEN_DAYS.before == Days(date(2025, 1, 1), date(2025, 1, 11))
    assert last_days(date(2025, 3, 1), 30) == Days(date(2025, 1, 31), date(2025, 3, 2))
    assert months_up_to(Days(date(2025, 3, 1), date(2025, 3, 20))).since == date(2024, 3, 1)
    with pytest.raises(UsageError):
        Days(date(2025, 1, 2), date(2025, 1, 2))


def test_the_newest_day_is_one_of_the_shop(tmp_path: Path):
    held = mart(tmp_path, {"tb_orders": [order(1, "2025-01-31T23:30:00")]})
    assert newest_day(held, "UTC") == date(2025, 1, 31)
    assert newest_day(held, "Europe/Paris") == date(2025, 2, 1)


def test_courses_are_apart_by_currency_and_groups_are_sorted_by_size(tmp_path: Path):
    held = mart(tmp_path, SALES)
    assert [(c.apart, c.points) for c in courses(held, ["revenue"], "month", TEN_DAYS, "UTC")] == [
        ("EUR", ((date(2025, 1, 1), Decimal("30.00")),)),
        ("USD", ((date(2025, 1, 1), Decimal("7.00")),)),
    ]
    whole = Days(date(2025, 1, 1), date(2025, 2, 1))
    (orders,) = spread(held, "orders", "department", whole, "UTC")
    assert orders.points == (("Media", 3), ("Home", 1))


def test_rules_are_followed_run_by_run_and_broken_ones_come_first():
    runs = [{"run_id": run_id, "started_at": datetime(2025, 1, day)} for run_id, day in (("b", 2), ("a", 1))]
    rows = [("a", "is new", 1), ("b", "is new", 3), ("a", "is kept", 0), ("b", "is kept", 0), ("a", "is gone", 9)]
    results = [
        {
            "run_id": run_id,
            "domain": "orders",
            "rule": rule,
            "severity": "warn",
            "rows_checked": 10,
            "breaches": breaches,
            "example": None,
        }
        for run_id, rule, breaches in reversed(rows)
    ]
    assert [(c.rule, c.breaches, c.course) for c in rule_courses(results, runs)] == [
        ("is new", 3, (1, 3)),
        ("is kept", 0, (0, 0)),
    ]


def test_rows_are_accounted_for_by_the_newest_run_that_read_some():
    def run(day: int, *rows: int | None) -> dict[str, Any]:
        names = ("rows_read", "rows_staged", "rows_rejected", "rows_superseded")
        return {"domain": "orders", "started_at": datetime(2025, 1, day)} | dict(zip(names, rows, strict=True))

    runs = [run(3, None, None, None, None), run(2, 10, 7, 2, 1), run(1, 5, 5, 0, 0)]
    (found,) = accounting(runs)
    assert (found.read, found.staged, found.rejected, found.superseded, found.is_complete) == (10, 7, 2, 1, True)
    (lost,) = accounting([run(1, 10, 7, 1, 1)])
    assert not lost.is_complete
