"""Rejected rows: kept once, closed with what became of them, and replayed."""

from __future__ import annotations

from typing import Any

import pytest

from datamart_kedro.errors import ParameterError
from tests.project import Project
from tests.shop import SHOP, customer, item, order, product

BAD = order(order_id="13", ordered_at="soon")


def shop_with(project: Project, *orders: dict[str, Any]) -> None:
    project.write_source("orders", [*SHOP["orders"], *orders])


def kept(project: Project) -> list[tuple[Any, ...]]:
    """Every rejected order with its reasons and what became of it, in the order in which they were set aside."""
    return project.query(
        "SELECT row->>'order_id', reasons, closed_as FROM tb_rejected_rows WHERE domain = 'orders' ORDER BY rowid"
    )


def test_a_row_that_comes_again_is_kept_once(project: Project):
    shop_with(project, BAD)
    project.run()
    project.run(params={"force": True})
    assert kept(project) == [("13", "ordered_at is not a date", None)]
    assert project.query("SELECT run_id = (SELECT min(run_id) FROM tb_control_data_update) FROM tb_rejected_rows") == [
        (True,)
    ]
    assert project.query("SELECT rows_rejected FROM tb_control_data_update WHERE domain = 'orders'") == [(1,), (1,)]


def test_of_two_equal_rows_one_may_go(project: Project):
    shop_with(project, BAD, BAD)
    project.run()
    assert kept(project) == [("13", "ordered_at is not a date", None)] * 2
    shop_with(project, BAD)
    project.run()
    assert sorted(outcome or "" for *_, outcome in kept(project)) == ["", "rejected again"]


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ([order(order_id="13")], "superseded"),
        ([order(order_id=" 13 ", status="new")], "superseded"),
        ([], "gone"),
        ([order(order_id="13", ordered_at="later")], "rejected again"),
        ([BAD, order(order_id="13")], None),
    ],
)
def test_a_rejected_row_is_closed_by_what_became_of_it(
    project: Project, later: list[dict[str, Any]], outcome: str | None
):
    shop_with(project, BAD)
    project.run()
    shop_with(project, *later)
    project.run()
    assert kept(project)[0] == ("13", "ordered_at is not a date", outcome)
    ((closed_by, last),) = project.query(
        "SELECT any_value(closed_by), (SELECT max(run_id) FROM tb_control_data_update)"
        " FROM tb_rejected_rows WHERE closed_as IS NOT NULL"
    )
    assert closed_by == (last if outcome else None)


def test_a_row_that_a_mended_rule_lets_in_is_closed_as_staged(project: Project):
    project.write_source("products", [*SHOP["products"], product(product_id="C", unit_price="2000000")])
    project.run()
    project.run(params={"products": {"max_unit_price": 3000000}})
    assert project.query("SELECT row->>'product_id', closed_as FROM tb_rejected_rows") == [("C", "staged")]
    assert project.query("SELECT unit_price FROM tb_products WHERE product_id = 'C'") == [(2000000,)]


def test_a_row_that_is_let_in_and_replaced_at_once_is_not_said_to_be_staged(project: Project):
    late = product(product_id="C", unit_price="1.00", updated_at="2026-01-01T00:00:00Z")
    project.write_source("products", [*SHOP["products"], product(product_id="C", unit_price="2000000"), late])
    project.run()
    project.run(params={"products": {"max_unit_price": 3000000}})
    assert project.query("SELECT closed_as FROM tb_rejected_rows") == [("superseded",)]


def test_a_row_without_a_key_is_open_until_it_is_gone(project: Project):
    shop_with(project, order(order_id=""))
    project.run()
    shop_with(project, order(order_id=""), order(order_id="14"))
    project.run()
    assert kept(project) == [(None, "order_id is missing", None)]
    shop_with(project)
    project.run()
    assert kept(project) == [(None, "order_id is missing", "gone")]


def test_a_run_that_publishes_nothing_closes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch):
    shop_with(project, BAD)
    project.run()
    shop_with(project)
    monkeypatch.setattr("datamart_kedro.gated_runner.confirm_shops", lambda: 1 / 0)
    with pytest.raises(Exception, match="division"):
        project.run()
    assert kept(project) == [("13", "ordered_at is not a date", None)]


def test_the_rows_that_a_run_set_aside_are_shown_after_they_were_closed(project: Project):
    shop_with(project, BAD)
    project.run()
    shop_with(project, order(order_id="13", ordered_at=""))
    project.run()
    ((first, second),) = project.query("SELECT min(run_id), max(run_id) FROM tb_control_data_update")
    shown = {
        run: [" ".join(line.split()[1:-1]) for line in lines]
        for run in (first, second)
        for lines in [project.cli("kedro", "mart", "rejected", "--run", run).stdout.splitlines()[1:]]
    }
    assert shown == {
        first: [f"ordered_at is not a date 1 {first} rejected"],
        second: [f"ordered_at is missing 1 {second} set"],
    }
    (line,) = project.cli("kedro", "mart", "rejected", "--closed").stdout.splitlines()[1:]
    assert line.split() == ["orders", *["ordered_at", "is", "not", "a", "date", "1"], first, "rejected", "again"]


def test_replaying_reads_the_domains_again_that_have_rejected_rows_and_accounts_for_these(project: Project):
    shop_with(project, BAD, order(order_id="14", ordered_at="soon"), order(order_id=""))
    project.write_source("customers", [*SHOP["customers"], customer(customer_id="3", created_at="then")])
    project.run()
    shop_with(project, order(order_id="13"), order(order_id=""))
    done = project.cli("kedro", "mart", "replay")
    assert "orders: open, forced by `--params force=orders`" in done.stdout
    assert "customers: open, forced by `--params force=customers`" in done.stdout
    assert "products: skipped" in done.stdout
    assert [line.split() for line in done.stdout.splitlines()[-3:]] == [
        ["domain", "set", "aside", "staged", "superseded", "gone", "rejected", "again", "as", "before"],
        ["customers", "1", "0", "0", "0", "0", "1"],
        ["orders", "3", "0", "1", "1", "0", "1"],
    ]
    assert project.query("SELECT count(*) FROM tb_orders WHERE order_id = '13'") == [(1,)]


def test_one_domain_is_replayed_alone(project: Project):
    shop_with(project, BAD)
    project.write_source("order_items", [*SHOP["order_items"], item(line_number="9", quantity="0")])
    project.run()
    done = project.cli("kedro", "mart", "replay", "--domain", "order_items")
    assert done.stdout.splitlines()[-1].split() == ["order_items", "1", "0", "0", "0", "0", "1"]
    assert "order_items: open, forced" in done.stdout
    assert "orders: open, tb_order_items is built in this run" in done.stdout


def test_where_nothing_is_set_aside_there_is_nothing_to_replay(published: Project):
    before = published.query("SELECT count(*) FROM tb_control_data_update")
    assert published.cli("kedro", "mart", "replay").stdout == "No row is set aside.\n"
    assert published.query("SELECT count(*) FROM tb_control_data_update") == before


def test_pruning_removes_rows_that_are_no_longer_rejected(project: Project):
    shop_with(project, BAD, order(order_id=""))
    project.run()
    shop_with(project, order(order_id=""))
    project.run()
    assert "tb_rejected_rows: 0 rows removed" in project.cli("kedro", "mart", "prune", "--keep", "1d").stdout
    assert "tb_rejected_rows: 1 rows removed" in project.cli("kedro", "mart", "prune", "--keep", "0d").stdout
    assert kept(project) == [(None, "order_id is missing", None)]


def test_one_domain_can_be_forced(published: Project):
    ((first,),) = published.query("SELECT max(run_id) FROM tb_control_data_update")
    published.run(params={"force": "products"})
    read = published.query(f"SELECT domain FROM tb_control_data_update WHERE rows_read > 0 AND run_id > '{first}'")
    assert read == [("products",)]


@pytest.mark.parametrize("force", ["letters", ["orders", "letters"], 1, None])
def test_what_cannot_be_forced_is_refused(published: Project, force: object):
    with pytest.raises(ParameterError, match="It can be true, false, or one of"):
        published.run(params={"force": force})
