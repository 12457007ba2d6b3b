"""Contracts: what published tables promise, and what a broken rule does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from datamart_kedro.errors import ContractError
from datamart_kedro.expressions.contract import Contract, ContractRules, Reference, Rule, known_to_fail
from tests.project import Project
from tests.shop import SHOP, customer, item, order
from tests.tables import rows, table


def numbers(*values: int | None) -> Any:
    return table([{"id": n, "value": value} for n, value in enumerate(values)], id="int64", value="int64")


def contract(rows_: Any, *rules: Rule, **strictness: Any) -> Contract:
    return Contract(rows_, ("id",), rules, ContractRules(**strictness))


def test_rows_that_break_a_rule_are_counted_and_null_is_a_breach():
    t = numbers(1, 5, None, 9)
    held = contract(t, Rule("value is below 5", t.value >= 5))
    assert rows(held.breaches()) == [{"id is unique": 0, "value is below 5": 3}]


def test_where_a_value_is_missing_a_rule_may_say_nothing():
    t = numbers(1, 5, None)
    assert rows(contract(t, Rule("small", known_to_fail(t.value < 5))).breaches())[0]["small"] == 1


def test_the_grain_is_the_first_rule():
    t = table([{"id": 1}, {"id": 2}, {"id": 2}, {"id": 2}], id="int64")
    held = contract(t)
    assert rows(held.breaches()) == [{"id is unique": 2}]
    assert rows(held.example("id is unique")) == [{"id": 2}]


def test_an_example_is_the_key_of_the_first_row_that_breaks_the_rule():
    t = numbers(1, 7, 8)
    held = contract(t, Rule("small", t.value >= 5))
    assert rows(held.example("small")) == [{"id": 1}]


def test_rows_that_refer_to_nothing_are_counted_with_their_own_key():
    t = numbers(1)
    others = table([{"line": 7}, {"line": 9}], line="int64")
    held = Contract(t, ("id",), [], ContractRules(), [Reference("found", others, ("line",))])
    assert rows(held.breaches()) == [{"id is unique": 0, "found": 2}]
    assert rows(held.example("found")) == [{"line": 7}]


def test_an_empty_table_breaks_no_rule():
    t = numbers()
    assert rows(contract(t, Rule("small", t.value >= 5)).breaches()) == [{"id is unique": 0, "small": 0}]


def test_severities_are_those_of_the_rules_unless_parameters_say_otherwise():
    t = numbers(1)
    held = contract(t, Rule("a", t.value > 1, "warn"), Rule("b", t.value > 1), severities={"b": "off"})
    assert held.severities() == {"id is unique": "error", "a": "warn", "b": "off"}


LATE = {"orders": {"contract": {"severities": {"delivered_at is not before ordered_at": "error"}}}}


def results(project: Project, rule: str) -> list[tuple[Any, ...]]:
    return project.query(
        f"SELECT severity, breaches, example FROM tb_contract_results WHERE rule = '{rule}' ORDER BY run_id"
    )


@pytest.fixture
def time_travel(published: Project) -> Project:
    """A shop in which an order arrives before it is made."""
    published.write_source("orders", [order(delivered_at="2025-01-01"), *SHOP["orders"][1:]])
    return published


def test_a_broken_rule_of_severity_warn_is_counted_and_shown(time_travel: Project, caplog: pytest.LogCaptureFixture):
    time_travel.run()
    rule = "delivered_at is not before ordered_at"
    assert results(time_travel, rule)[-1] == ("warn", 1, "order_id=10")
    assert f"orders: {rule} -- 1 row, e.g. order_id=10. Mend it, or set the rule to off in parameters_orders.yml." in [
        record.message for record in caplog.records if record.levelno == logging.WARNING
    ]


def test_a_broken_rule_of_severity_error_stops_the_publication_of_the_run(time_travel: Project):
    before = time_travel.content()
    time_travel.write_source("customers", [customer(full_name="Other")])
    with pytest.raises(ContractError) as refusal:
        time_travel.run(params=LATE)
    assert str(refusal.value) == (
        "orders: 1 of 15 rules are broken.\n"
        "    delivered_at is not before ordered_at -- 1 row, e.g. order_id=10\n"
        "  Nothing was published, the mart still holds version 1.\n"
        "  The staged rows are in tmp_orders. Mend the source, or set the rule to warn in orders.contract.severities"
        " (conf/base/parameters_orders.yml)."
    )
    assert time_travel.content() == before
    assert results(time_travel, "delivered_at is not before ordered_at")[-1] == ("error", 1, "order_id=10")


def test_the_next_run_goes_through_once_the_source_is_mended(time_travel: Project):
    with pytest.raises(ContractError):
        time_travel.run(params=LATE)
    time_travel.write_source("orders", [order(delivered_at="2025-02-05"), *SHOP["orders"][1:]])
    time_travel.run(params=LATE)
    assert time_travel.query("SELECT delivery_days FROM tb_orders WHERE order_id = '10'") == [(2,)]


def test_orders_of_unknown_customers_and_lines_of_unknown_things_are_named(published: Project):
    published.write_source("orders", [*SHOP["orders"], order(order_id="13", customer_id="99")])
    published.write_source("order_items", [*SHOP["order_items"], item(order_id="77", product_id="Z")])
    published.run()
    assert results(published, "customer_id of orders exists in customers")[-1] == ("warn", 1, "order_id=13")
    assert results(published, "order_id exists in orders")[-1] == ("warn", 1, "order_id=77, line_number=1")
    assert results(published, "product_id exists in products")[-1] == ("warn", 1, "order_id=77, line_number=1")


def test_a_rule_that_there_is_not_cannot_be_set(published: Project):
    severities = {"order_id is lovely": "error"}
    with pytest.raises(ContractError, match="orders: the contract has no rule 'order_id is lovely'"):
        published.run(params={"orders": {"contract": {"severities": severities}}})


def many(number: int, bad: int = 0) -> list[dict[str, str]]:
    return [customer(customer_id=str(n) if n >= bad else "") for n in range(number)]


def test_too_many_rejected_rows_stop_the_run(published: Project):
    published.write_source("customers", many(200, bad=41))
    with pytest.raises(ContractError, match=r"at most 20% of the rows read may be rejected -- 41 rows"):
        published.run()
    published.write_source("customers", many(200, bad=40))
    published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(160,)]


def test_a_source_that_lost_most_of_its_rows_stops_the_run(published: Project):
    published.write_source("customers", many(200))
    published.run()
    published.write_source("customers", many(99))
    with pytest.raises(ContractError, match=r"at most 50% of the published rows may be deleted -- 101 rows"):
        published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(200,)]
    published.run(params={"customers": {"contract": {"max_lost_share": 0.6}}})
    assert published.query("SELECT count(*) FROM tb_customers") == [(99,)]


def test_a_small_table_is_not_held_against_shares(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(1,)]


BROKEN = {
    "net_amount is gross_amount - discount_amount": ("order_items", "net_amount", "net_amount + 1"),
    "is_return is told by the sign of quantity": ("order_items", "is_return", "NOT is_return"),
    "amounts and items_count are those of its items": ("orders", "tax_amount", "tax_amount + 0.01"),
    "total_amount is net_amount + tax_amount + shipping_fee": ("orders", "total_amount", "total_amount - 0.01"),
    "orders_count, failed_orders_count and net_amount_lifetime are those of its orders": (
        "customers",
        "orders_count",
        "orders_count + 1",
    ),
    "a discontinued product is not available": ("products", "availability", "'discontinued'"),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_identity_notices_when_it_is_broken(published: Project, monkeypatch: pytest.MonkeyPatch, rule: str):
    """A build that gets a column wrong, as a bug would."""
    domain, column, wrong = BROKEN[rule]

    def build_wrongly(mart: Any, built: Any, name: str, select: str, *slices: Any) -> int:
        select = (
            f"SELECT * REPLACE (CAST({wrong} AS {types[column]}) AS {column}) FROM ({select})"
            if name == domain
            else select
        )
        return build(mart, built, name, select, *slices)

    from datamart_kedro.mart.publication import build

    types = dict(
        published.query(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'tb_{domain}'")
    )
    monkeypatch.setattr("datamart_kedro.datasets.mart_table.build", build_wrongly)
    with pytest.raises(ContractError, match="rules are broken") as refusal:
        published.run(params={"force": True})
    assert f"{rule} -- " in str(refusal.value)
