"""Which path a refresh takes, and what the ledger says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from datamart_kedro.mart.mart import close_marts
from tests.mart_pair import ALWAYS, Pair
from tests.project import Project
from tests.test_changes_in_files import a_shop, add_line, the
from tests.typed_shop import START, read_parquet


@pytest.fixture
def pair(project: Project, tmp_path: Path) -> Pair:
    """A mart that has been built once; the other one is not needed here."""
    read_parquet(project)
    made = Pair(project, Project(tmp_path / "nowhere"), a_shop())
    made.shop.write(project)
    made.run()
    return made


def told(pair: Pair, domain: str) -> tuple[str, str]:
    return pair.how()[domain][:2]


def assert_like_a_full_build(pair: Pair) -> None:
    close_marts()
    verified = CliRunner().invoke(cli, ["mart", "verify"])
    assert verified.exit_code == 0, verified.output


def staged_note(pair: Pair, domain: str) -> dict[str, Any]:
    """What is written on the staged rows of a domain."""
    ((note,),) = pair.by_changes.query(f"SELECT comment FROM duckdb_tables() WHERE table_name = 'tmp_{domain}'")
    return dict(json.loads(note))


def change_order(pair: Pair) -> None:
    order = the(pair.shop, "orders", order_id=1)
    pair.shop.change(order, status="delivered" if order["status"] == "shipped" else "shipped")
    pair.shop.write(pair.by_changes)


def test_the_first_run_is_in_full_and_the_next_by_changes(pair: Pair):
    assert {how[:2] for how in pair.how().values()} == {("full", "nothing is published yet")}
    change_order(pair)
    pair.run()
    assert pair.how() == {
        "orders": ("changes", "2 of 3 rows are touched", 2),
        "order_items": ("changes", "4 of 6 rows are touched", 0),
        "customers": ("changes", "1 of 3 rows are touched", 0),
    }
    assert staged_note(pair, "orders")["runs_since_comparison"] == 1  # sums agree: no keys were asked for


def test_a_row_that_is_new_or_changed_or_rejected_needs_no_comparison_of_keys(pair: Pair):
    add_line(pair.shop, 2, 3, product_id=1)
    the(pair.shop, "order_items", order_id=1, line_number=1).update(quantity=0, updated_at=pair.shop.tick())
    pair.shop.add("order_items", order_id=None, line_number=1, quantity=1)
    pair.shop.write(pair.by_changes)
    pair.run()
    the(pair.shop, "order_items", order_id=1, line_number=1).update(quantity=2, updated_at=pair.shop.tick())
    the(pair.shop, "order_items", order_id=None).update(quantity=2, updated_at=pair.shop.tick())
    pair.shop.write(pair.by_changes)
    pair.run()
    assert staged_note(pair, "order_items")["runs_since_comparison"] == 2
    clocks = [row["updated_at"] for row in pair.shop.rows["order_items"]]
    assert staged_note(pair, "order_items")["source_clock"] == sum(
        (clock - datetime(1970, 1, 1)) // timedelta(microseconds=1) for clock in clocks
    )


def test_a_lost_row_costs_a_comparison_of_keys_and_moves_no_watermark(pair: Pair):
    pair.shop.add("customers", customer_id=None, full_name="Keyless", updated_at=START)
    pair.shop.write(pair.by_changes)
    pair.run()
    before = staged_note(pair, "customers")
    pair.shop.rows["customers"].remove(the(pair.shop, "customers", customer_id=3))  # the newest
    pair.shop.add("customers", customer_id=4, full_name="Late", updated_at=START + timedelta(seconds=1))
    pair.shop.write(pair.by_changes)
    pair.run()
    assert told(pair, "customers")[0] == "changes"
    after = staged_note(pair, "customers")
    assert (after["watermark"], after["runs_since_comparison"]) == (before["watermark"], 0)


def test_a_row_that_is_dated_to_the_future_takes_the_watermark_no_further_than_now(pair: Pair):
    pair.shop.add("customers", customer_id=4, full_name="Early", updated_at=datetime(2999, 1, 1))
    pair.shop.write(pair.by_changes)
    pair.run()
    assert staged_note(pair, "customers")["watermark"] < "2999"


def test_lines_without_numbers_are_read_with_all_of_their_order_and_each_once(pair: Pair):
    for row in pair.shop.rows["order_items"]:
        row["line_number"] = None
    pair.shop.write(pair.by_changes)
    pair.run(full=True, accept_loss="order_items.line_number")
    pair.shop.change(pair.shop.rows["order_items"][0], quantity=7)
    pair.shop.write(pair.by_changes)
    pair.run()
    # Both lines of order 1, and both of order 3, of which one is within the overlap.
    assert pair.how()["order_items"] == ("changes", "4 of 6 rows are touched", 4)
    assert pair.by_changes.query("SELECT sum(quantity) FROM tb_order_items") == [(12,)]
    pair.shop.rows["order_items"].pop(0)  # the other line of its order takes its number
    pair.shop.write(pair.by_changes)
    pair.run()
    assert told(pair, "order_items")[0] == "changes"
    numbers = "SELECT line_number, quantity FROM tb_order_items WHERE order_id = 1"
    assert pair.by_changes.query(numbers) == [(1, 1)]


def test_a_row_without_a_clock_is_taken_out_when_it_is_gone(pair: Pair):
    pair.shop.add("customers", customer_id=4, full_name="Timeless", updated_at=None)
    pair.shop.write(pair.by_changes)
    pair.run()
    pair.shop.rows["customers"].remove(the(pair.shop, "customers", customer_id=4))
    pair.shop.write(pair.by_changes)
    pair.run()
    assert told(pair, "customers")[0] == "changes"
    assert pair.by_changes.query("SELECT count(*) FROM tb_customers") == [(3,)]


def test_a_shop_of_which_much_changed_is_read_in_whole(pair: Pair):
    change_order(pair)
    pair.run(refresh={**ALWAYS, "full_from_share": 0.6})  # 2 of 3 orders: the one that changed, and one of the overlap
    assert told(pair, "orders") == ("full", "2 of 3 rows changed since 2026-01-01 00:11:00")
    assert told(pair, "customers") == ("changes", "1 of 3 rows are touched")


def test_a_table_of_which_much_is_touched_is_built_in_full(pair: Pair):
    pair.shop.change(the(pair.shop, "products", product_id=1), category="Garden")
    pair.shop.write(pair.by_changes)
    pair.run(refresh={**ALWAYS, "full_from_share": 0.5})
    assert told(pair, "products")[0] == "full"
    assert told(pair, "order_items") == ("changes", "3 of 6 rows are touched")
    pair.shop.change(the(pair.shop, "products", product_id=1), category="Toys")
    pair.shop.write(pair.by_changes)
    pair.run(refresh={**ALWAYS, "full_from_share": 0.49})
    assert told(pair, "order_items") == ("full", "3 of 6 rows are touched")


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"full": True}, "asked for by `--params full=true`"),
        ({"force": "orders"}, "asked for by force"),
        ({"formats": {"missing_words": ["nil"]}}, "its code, query or parameters changed"),
    ],
    ids=str,
)
def test_somebody_asks_for_all_rows(pair: Pair, params: dict[str, object], reason: str):
    pair.run(**params)
    assert pair.how()["orders"] == ("full", reason, 3)


def test_a_domain_below_one_that_ran_alone_is_built_in_full(pair: Pair):
    change_order(pair)
    pair.run("orders")
    assert told(pair, "orders")[0] == "changes"
    pair.run()
    assert told(pair, "customers") == ("full", "tb_orders was made by a later run than tb_customers")
    assert told(pair, "order_items") == ("full", "tmp_orders was made by a later run than tb_order_items")
    change_order(pair)
    pair.run()
    assert told(pair, "orders")[0] == "changes"
    assert_like_a_full_build(pair)


def test_what_was_staged_and_not_built_is_read_again_in_whole(pair: Pair):
    change_order(pair)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(pair.by_changes.folder)
        pair.by_changes.run("orders", to_outputs=["tmp_orders"], params={"refresh": ALWAYS})
    assert pair.how() == {}
    pair.run()
    assert told(pair, "orders") == ("full", "tmp_orders holds the rows of a run that did not publish them")
    change_order(pair)
    pair.run()
    assert told(pair, "orders")[0] == "changes"
    assert_like_a_full_build(pair)


def drop_the_key_of_a_line_behind_the_clock(pair: Pair) -> None:
    the(pair.shop, "order_items", order_id=1, line_number=1)["order_id"] = None


def mend_the_key_of_a_line_behind_the_clock(pair: Pair) -> None:
    the(pair.shop, "order_items", order_id=None)["order_id"] = 1


@pytest.mark.parametrize("change", [drop_the_key_of_a_line_behind_the_clock, mend_the_key_of_a_line_behind_the_clock])
def test_rows_without_a_key_that_cannot_be_asked_for_are_found_with_all_others(
    pair: Pair, change: Callable[[Pair], None]
):
    add_line(pair.shop, 2, 3, product_id=1)
    if change is mend_the_key_of_a_line_behind_the_clock:
        drop_the_key_of_a_line_behind_the_clock(pair)
    pair.shop.write(pair.by_changes)
    pair.run(full=True)
    change(pair)
    add_line(pair.shop, 3, 3, product_id=1)
    pair.shop.write(pair.by_changes)
    pair.run(refresh={**ALWAYS, "compare_keys_every": 1})
    reason = "rows without a key changed, which cannot be asked for one by one"
    assert told(pair, "order_items") == ("full", reason)


def test_an_offset_deletion_is_found_when_it_is_the_turn_of_the_keys(pair: Pair):
    gone = the(pair.shop, "customers", customer_id=1)
    pair.shop.rows["customers"].remove(gone)
    pair.shop.rows["customers"].append(gone | {"customer_id": 4})  # number and sum stay
    pair.shop.change(the(pair.shop, "customers", customer_id=3), country="FR")
    pair.shop.write(pair.by_changes)
    every_third = {"refresh": {**ALWAYS, "compare_keys_every": 2}}
    ids = "SELECT list(customer_id ORDER BY customer_id) FROM tb_customers"
    pair.run(**every_third)
    assert pair.by_changes.query(ids) == [([1, 2, 3],)]
    pair.shop.change(the(pair.shop, "customers", customer_id=3), country="DE")
    pair.shop.write(pair.by_changes)
    pair.run(**every_third)
    assert told(pair, "customers")[0] == "changes"
    assert pair.by_changes.query(ids) == [([2, 3, 4],)]


def test_what_rules_found_of_rows_that_are_not_touched_still_counts(pair: Pair):
    add_line(pair.shop, 1, 3, product_id=77)
    add_line(pair.shop, 2, 3, product_id=88)
    pair.shop.tick(30)
    add_line(pair.shop, 3, 3, product_id=1)  # the newest, so that neither is read again for the overlap
    pair.shop.write(pair.by_changes)
    pair.run()
    rule = (
        "SELECT breaches, example FROM tb_contract_results WHERE rule LIKE 'product_id exists%'"
        " QUALIFY run_id = max(run_id) OVER ()"
    )
    assert pair.by_changes.query(rule) == [(2, "order_id=1, line_number=3")]
    pair.shop.change(the(pair.shop, "order_items", order_id=1, line_number=3), product_id=1)
    pair.shop.write(pair.by_changes)
    pair.run()
    assert told(pair, "order_items")[0] == "changes"
    assert pair.by_changes.query(rule) == [(1, "order_id=2, line_number=3")]
    pair.shop.add("products", product_id=88, name="New", category="Books", unit_price=Decimal(1))
    pair.shop.write(pair.by_changes)
    pair.run()
    assert pair.by_changes.query(rule) == [(0, None)]
    add_line(pair.shop, 1, 4, product_id=99)
    pair.shop.write(pair.by_changes)
    pair.run()
    assert told(pair, "order_items")[0] == "changes"
    assert pair.by_changes.query(rule) == [(1, "order_id=1, line_number=4")]
