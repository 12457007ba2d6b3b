"""What can be asked of a metric, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from datamart_kedro.errors import UsageError
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import DIMENSIONS, dimensions_of
from datamart_kedro.metrics.page import PAGE, with_metrics
from datamart_kedro.metrics.question import question
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"name": "profit"}, "There is no metric profit."),
        ({"name": "x" * 5000}, f"There is no metric {'x' * 60}...."),
        ({"name": "late_rate", "by": ["department"]}, "late_rate is not known by department."),
        ({"name": "orders", "by": ["colour"]}, "orders is not known by colour."),
        ({"name": "orders", "where": {"colour": ["red"]}}, "orders is not known by colour."),
        ({"name": "orders", "where": {"month": ["2025-01-01"]}}, "month is no filter."),
        ({"name": "orders", "where": {"country": ["x" * 201]}}, "There are too many values of country, or one is"),
        ({"name": "orders", "where": {"country": ["x"] * 51}}, "There are too many values of country, or one is"),
        ({"name": "products", "since": date(2025, 1, 1)}, "products is of the moment, not of a period."),
        ({"name": "orders", "since": date(2025, 1, 1), "until": date(2025, 1, 1)}, "2025-01-01 is not before"),
    ],
)
def test_what_cannot_be_answered_is_refused(asked: dict[str, Any], message: str):
    with pytest.raises(UsageError) as refused:
        question(**asked)
    assert str(refused.value).startswith(message)
    assert len(str(refused.value)) < 400


def test_money_is_by_currency_whether_it_is_asked_for_or_not():
    money = [metric for metric in METRICS.values() if metric.unit == "money"]
    assert {metric.name for metric in money} == {"revenue", "net_revenue", "average_order"}
    for metric in money:
        assert question(metric.name, ["month"]).by == ("month", "currency")
        assert question(metric.name, ["currency", "month"]).by == ("currency", "month")


def test_lines_are_read_only_where_orders_do_not_know():
    assert question("revenue", ["month", "country"]).rows == "orders"
    assert question("revenue", ["month", "department"]).rows == "lines"
    assert question("revenue", ["month"], {"category": ["Books"]}).rows == "lines"


def test_a_quotient_says_what_it_is_divided_by():
    for metric in METRICS.values():
        assert bool(metric.denominators) == bool(metric.denominator)
        assert metric.unit not in ("rate", "probability") or metric.denominator
        if metric.denominators:
            assert metric.denominators.keys() == metric.measures.keys()


def test_every_metric_has_a_meaning_and_dimensions():
    for metric in METRICS.values():
        assert metric.meaning.endswith(".")
        assert dimensions_of(metric)
    assert {name for metric in METRICS.values() for name in dimensions_of(metric)} == set(DIMENSIONS)


def test_the_page_says_what_the_definitions_say():
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert with_metrics(text) == text
    assert all(f"### `{name}`\n\n{metric.meaning}" in text for name, metric in METRICS.items())
