"""What metrics count, told by head."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from datamart_kedro.errors import MissingTableError
from datamart_kedro.metrics.answer import answer, quotient
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import DIMENSIONS, dimensions_of
from datamart_kedro.metrics.question import question
from tests.metrics.shops import line, mart, order, product

SALES = {
    "tb_products": [
        product("A"),
        product("B", category="Lamps", department="Home", availability="out_of_stock"),
        product("C", category="Lamps", department="Home", availability="discontinued"),
        product("D", category="Lamps", department="Home", availability="low_stock"),
    ],
    "tb_orders": [
        order(1, "2025-01-10"),  # the first of customer 1: a book of 10 and a lamp of 30, of which the book came back
        order(2, "2025-01-20", status="returned"),  # all of it came back
        order(3, "2025-02-05", customer_id=2, ship_country_code="FR", is_late=True),
        order(4, "2025-02-06", currency="USD", is_late=None),
        order(5, "2025-02-07", is_failed=True, status="cancelled", is_late=True),
        order(6, "2025-02-08", customer_id=None, ship_country_code=None),
    ],
    "tb_order_items": [
        line(1, "10.00", margin_amount=Decimal("4.00")),
        line(1, "30.00", line_number=2, product_id="B", category="Lamps", margin_amount=None),
        line(1, "-10.00", line_number=3, margin_amount=Decimal("-4.00")),
        line(2, "7.00", margin_amount=Decimal("3.50")),
        line(3, "20.00", margin_amount=Decimal("5.00")),
        line(4, "100.00"),
        line(5, "1000.00"),
        line(6, "3.00", margin_amount=Decimal("1.00")),
        line(99, "5000.00"),  # of an order that nobody knows
    ],
}


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Ask a metric of the sales above; the figures by group."""
    held = mart(tmp_path, SALES)

    def asked(name: str, *by: str, time_zone: str = "UTC", **how: Any) -> dict[Any, Any]:
        found = answer(held, question(name, by, **how), time_zone)
        return {figure.group: figure.value for figure in found.figures}

    yield asked
    held.close()


def test_revenue_is_what_was_sold_in_orders_that_did_not_fail_by_currency(ask: Any):
    assert ask("revenue") == {("EUR",): Decimal("70.00"), ("USD",): Decimal("100.00")}


def test_net_revenue_is_without_return_lines_and_returned_orders(ask: Any):
    assert ask("net_revenue") == {("EUR",): Decimal("53.00"), ("USD",): Decimal("100.00")}


def test_what_came_back_is_a_share_of_the_revenue(ask: Any):
    assert ask("return_rate", where={"currency": ["EUR"]}) == {("EUR",): Decimal("0.242857")}  # 17 of 70


def test_orders_are_counted_once_however_many_lines_they_have(ask: Any):
    assert ask("orders") == {(): 5}
    assert ask("orders", "department") == {("Home",): 1, ("Media",): 5}


def test_an_average_order_is_revenue_by_orders_in_each_currency(ask: Any):
    assert ask("average_order") == {("EUR",): Decimal("17.50"), ("USD",): Decimal("100.00")}


@pytest.mark.parametrize("name", ["revenue", "net_revenue", "return_rate", "average_order", "new_customers"])
def test_orders_and_lines_give_the_same(ask: Any, name: str):
    of_orders = ask(name, "month")
    of_lines = ask(name, "month", where={"category": ["Books", "Lamps"]})
    assert of_orders == of_lines
    assert len(of_orders) >= 2


@pytest.mark.parametrize("name", ["revenue", "net_revenue"])
def test_departments_add_up_to_all(ask: Any, name: str):
    apart = ask(name, "department", where={"currency": ["EUR"]})
    assert len(apart) == 2
    assert sum(apart.values()) == ask(name)[("EUR",)]


def test_active_customers_are_those_who_ordered_in_the_window(ask: Any):
    assert ask("active_customers", "month") == {(date(2025, 1, 1),): 1, (date(2025, 2, 1),): 2}
    assert ask("active_customers") == {(): 2}
    assert ask("active_customers", since=date(2025, 2, 6)) == {(): 1}


def test_a_customer_is_new_with_the_first_order_that_did_not_fail(ask: Any):
    assert ask("new_customers", "month") == {(date(2025, 1, 1),): 1, (date(2025, 2, 1),): 1}


def test_the_first_order_is_the_first_of_all_whatever_days_are_asked_for(ask: Any):
    assert ask("new_customers", since=date(2025, 1, 15)) == {(): 1}
    assert ask("returning_customers", since=date(2025, 1, 15)) == {(): 1}


def test_who_orders_again_returns(ask: Any):
    assert ask("returning_customers", "month") == {(date(2025, 1, 1),): 1, (date(2025, 2, 1),): 1}


def test_late_orders_are_a_share_of_those_of_which_it_is_known(ask: Any):
    assert ask("late_rate") == {(): Decimal("0.250000")}
    assert ask("late_rate", "country") == {("DE",): Decimal(0), ("FR",): Decimal(1), (None,): Decimal(0)}


def test_a_margin_is_a_share_of_the_lines_whose_cost_is_known(ask: Any):
    assert ask("margin_rate") == {("EUR",): Decimal("0.316667"), ("USD",): Decimal(0)}  # 9.50 of 30


def test_a_stock_out_is_a_share_of_the_products_still_sold(ask: Any):
    assert ask("stock_out_rate") == {(): Decimal("0.333333")}
    assert ask("stock_out_rate", "department") == {("Home",): Decimal("0.500000"), ("Media",): Decimal(0)}
    assert ask("products", "availability") == {
        ("discontinued",): 1,
        ("in_stock",): 1,
        ("low_stock",): 1,
        ("out_of_stock",): 1,
    }


def test_the_last_day_asked_for_is_the_one_before_until(ask: Any):
    assert ask("orders", since=date(2025, 1, 20), until=date(2025, 2, 6)) == {(): 2}


def test_values_of_one_dimension_are_alternatives_and_an_empty_one_is_unknown(ask: Any):
    assert ask("orders", where={"country": ["DE", ""]}) == {(): 4}
    assert ask("orders", where={"country": [""]}) == {(): 1}
    assert ask("orders", where={"country": ["DE"], "currency": ["USD"]}) == {(): 1}


def test_a_value_is_never_read_as_sql(ask: Any):
    assert ask("orders", where={"country": ["' OR 1=1 --", "DE'; DROP TABLE tb_orders; --"]}) == {(): 0}
    assert ask("orders") == {(): 5}


def test_months_begin_in_the_time_zone_of_the_shop(tmp_path: Path):
    late_evening = order(1, "2025-01-31T23:30:00")  # in Paris, it is February
    held = mart(tmp_path, {"tb_orders": [late_evening], "tb_order_items": [line(1, "10.00")]})
    assert late_evening["ordered_at"] == datetime(2025, 1, 31, 23, 30)
    months = answer(held, question("orders", ["month"]), "Europe/Paris").figures
    assert [figure.group for figure in months] == [(date(2025, 2, 1),)]
    since = answer(held, question("orders", since=date(2025, 2, 1)), "Europe/Paris").figures
    until = answer(held, question("orders", until=date(2025, 2, 1)), "Europe/Paris").figures
    assert (since[0].value, until[0].value) == (1, 0)


def test_churn_risk_is_the_mean_of_the_newest_scores(tmp_path: Path):
    def score(customer_id: int, day: date, probability: float) -> dict[str, Any]:
        return {
            "customer_id": customer_id,
            "cutoff_date": day,
            "horizon_days": 90,
            "churn_probability": probability,
            "churn_decile": 1,
        }

    old, new = date(2025, 1, 1), date(2025, 2, 1)
    held = mart(
        tmp_path,
        {
            "tb_customers": [
                {"customer_id": 1, "country_code": "DE", "customer_type": "new"},
                {"customer_id": 2, "country_code": "FR", "customer_type": "new"},
            ],
            "tb_churn_scores": [score(1, old, 0.9), score(1, new, 0.2), score(2, new, 0.4)],
            "tb_customer_segments": [
                {"customer_id": 1, "cutoff_date": old, "segment_name": "loud"},
                {"customer_id": 1, "cutoff_date": new, "segment_name": "quiet"},
            ],
        },
    )

    def risks(*by: str) -> dict[Any, Any]:
        return {f.group: f.value for f in answer(held, question("churn_risk", by), "UTC").figures}

    assert risks() == {(90,): Decimal("0.300000")}
    assert risks("country") == {("DE", 90): Decimal("0.200000"), ("FR", 90): Decimal("0.400000")}
    assert risks("segment") == {("quiet", 90): Decimal("0.200000"), (None, 90): Decimal("0.400000")}


def test_a_table_that_no_model_has_made_is_named_with_the_command_that_makes_it(tmp_path: Path):
    with pytest.raises(MissingTableError) as refused:
        answer(mart(tmp_path, {}), question("churn_risk"), "UTC")
    assert str(refused.value) == (
        "Churn risk: the mart does not have tb_churn_scores yet.\n"
        "  Make it with `kedro run --pipelines=churn` (after `kedro run --pipelines=features`)."
    )


def test_every_metric_answers_by_every_dimension_that_it_is_known_by(tmp_path: Path):
    held = mart(tmp_path, {**SALES, "tb_churn_scores": [], "tb_customer_segments": []})
    for metric in METRICS.values():
        for name in dimensions_of(metric):
            found = answer(held, question(metric.name, [name]), "UTC")
            assert found.question.by[0] == name
            assert set(DIMENSIONS) >= set(found.question.by)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        (1, 8, Decimal("0.13")),
        (-1, 8, Decimal("-0.13")),
        (Decimal("1234567890123456.78"), 3, Decimal("411522630041152.26")),
        (5, 0, None),
        (None, 5, None),
        (0, 5, Decimal("0.00")),
    ],
)
def test_a_quotient_is_exact_and_rounded_half_away_from_zero(numerator: Any, denominator: Any, expected: Any):
    assert quotient(numerator, denominator, 2) == expected
