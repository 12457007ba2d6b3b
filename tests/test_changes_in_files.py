"""What happens in a shop, one thing after the other, refreshed by changes alone: the same as a full build."""

from __future__ import annotations

from contextlib import chdir
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from datamart_kedro.errors import ContractError
from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project
from tests.mart_pair import Pair
from tests.project import Project
from tests.test_changes import content
from tests.test_readable_copy import assert_alike
from tests.typed_shop import START, TypedShop, read_parquet

CHANGES, FULL = "changes", "full"


def a_shop() -> TypedShop:
    """Three customers, two products, and orders 1 to 3 of customers 1 to 3 with a line of each product."""
    shop = TypedShop()
    for number in (1, 2, 3):
        shop.add(
            "customers",
            customer_id=number,
            full_name=f"Customer {number}",
            email=f"c{number}@example.com",
            country="DE",
            created_at=START,
        )
    for number in (1, 2):
        shop.add(
            "products",
            product_id=number,
            name=f"Product {number}",
            category="Books",
            unit_price=Decimal(10 * number),
            unit_cost=Decimal(4),
            stock_quantity=5,
        )
    for number in (1, 2, 3):
        add_order(shop, number, customer_id=number)
    return shop


def add_order(shop: TypedShop, number: int, **values: Any) -> None:
    shop.add(
        "orders",
        **{"order_id": number, "customer_id": 1, "status": "shipped", "ordered_at": shop.clock, "ship_country": "DE"}
        | values,
    )
    for line in (1, 2):
        add_line(shop, number, line)


def add_line(shop: TypedShop, order: int, line: int, **values: Any) -> None:
    shop.add(
        "order_items",
        **{"order_id": order, "line_number": line, "product_id": line, "quantity": 1, "unit_price": Decimal(10 * line)}
        | values,
    )


def the(shop: TypedShop, domain: str, **key: Any) -> dict[str, Any]:
    """The one row of a key."""
    (row,) = (row for row in shop.rows[domain] if key.items() <= row.items())
    return row


@pytest.fixture
def pair(project: Project, tmp_path: Path) -> Pair:
    """Two projects with the same files."""
    other = copy_of_project(tmp_path / "other")
    for each in (project, other):
        read_parquet(each)
    return Pair(project, other, a_shop())


def orders_of(pair: Pair) -> dict[str, tuple[Any, ...]]:
    """For each customer, how many orders and what they come to."""
    found = pair.by_changes.query("SELECT customer_id, orders_count, net_amount_lifetime FROM tb_customers")
    return {str(customer): tuple(figures) for customer, *figures in found}


def test_a_line_is_published_whether_it_comes_before_or_after_its_order(pair: Pair):
    pair.refresh()
    add_line(pair.shop, 9, 1)
    assert pair.refresh()["order_items"].path == CHANGES
    pair.shop.add("orders", order_id=9, customer_id=2, status="shipped", ordered_at=START, ship_country="DE")
    assert pair.refresh()["orders"].path == CHANGES
    assert pair.by_changes.query("SELECT net_amount FROM tb_orders WHERE order_id = '9'") == [(Decimal(10),)]
    add_line(pair.shop, 9, 2)
    pair.refresh()
    assert pair.by_changes.query("SELECT net_amount FROM tb_orders WHERE order_id = '9'") == [(Decimal(30),)]
    assert orders_of(pair)["2"] == (2, Decimal(60))


def test_a_line_finds_its_product_though_nothing_else_has_to_do_with_it(pair: Pair):
    for number in (3, 4):
        pair.shop.add("products", product_id=number, name="Rare", category="Toys", unit_price=Decimal(1))
    pair.refresh()
    add_line(pair.shop, 1, 3, product_id=3)
    assert pair.refresh()["order_items"].path == CHANGES
    category = "SELECT category FROM tb_order_items WHERE order_id = 1 AND line_number = 3"
    assert pair.by_changes.query(category) == [("Toys",)]
    for _ in range(2):  # away from the overlap
        pair.shop.change(the(pair.shop, "order_items", order_id=2, line_number=1), quantity=pair.shop.clock.minute)
        pair.refresh()
    pair.shop.change(the(pair.shop, "order_items", order_id=1, line_number=3), product_id=4)
    pair.refresh()
    (breaches,) = pair.by_changes.query(
        "SELECT breaches FROM tb_contract_results WHERE rule LIKE 'product_id exists%'"
        " QUALIFY run_id = max(run_id) OVER ()"
    )
    assert breaches == (0,)


def test_an_order_that_moves_leaves_one_customer_and_comes_to_the_other(pair: Pair):
    pair.refresh()
    assert orders_of(pair) == {number: (1, Decimal(30)) for number in "123"}
    pair.shop.change(the(pair.shop, "orders", order_id=1), customer_id=2)
    how = pair.refresh()
    assert orders_of(pair) == {"1": (0, Decimal(0)), "2": (2, Decimal(60)), "3": (1, Decimal(30))}
    assert how["customers"] == (CHANGES, "2 of 3 rows are touched", 0)


def test_lines_follow_the_category_of_their_product(pair: Pair):
    pair.refresh()
    pair.shop.change(the(pair.shop, "products", product_id=2), category="Garden")
    how = pair.refresh()
    assert how["order_items"] == (CHANGES, "3 of 6 rows are touched", 0)
    pair.shop.change(the(pair.shop, "products", product_id=2), category="Toys")
    pair.shop.change(the(pair.shop, "orders", order_id=1), status="delivered")  # staged in the same run
    pair.refresh()
    pair.shop.change(the(pair.shop, "products", product_id=2), category="Garden")
    pair.refresh()
    found = pair.by_changes.query("SELECT DISTINCT product_id, category FROM tb_order_items ORDER BY ALL")
    assert found == [(1, "Books"), (2, "Garden")]


def test_rows_that_are_gone_are_taken_out_whether_the_shop_marks_them_or_drops_them(pair: Pair):
    pair.refresh()
    pair.shop.change(the(pair.shop, "orders", order_id=1), deleted_at=START)
    pair.shop.rows["order_items"].remove(the(pair.shop, "order_items", order_id=2, line_number=2))
    pair.shop.rows["customers"].remove(the(pair.shop, "customers", customer_id=3))
    how = pair.refresh()
    assert {domain: path.path for domain, path in how.items()} == dict.fromkeys(how, CHANGES)
    assert orders_of(pair) == {"1": (0, Decimal(0)), "2": (1, Decimal(10))}
    pair.shop.change(the(pair.shop, "orders", order_id=1), deleted_at=None)
    pair.refresh()
    assert orders_of(pair)["1"] == (1, Decimal(30))


def test_of_several_versions_of_a_row_the_newest_holds_in_whatever_order_they_come(pair: Pair):
    pair.refresh()
    first = the(pair.shop, "products", product_id=1)
    pair.shop.rows["products"].append(first | {"unit_cost": Decimal(5), "updated_at": pair.shop.tick()})
    pair.refresh()
    pair.shop.rows["products"].append(first | {"unit_cost": Decimal(6), "updated_at": START})  # long superseded
    pair.refresh()
    cost = "SELECT unit_cost FROM tb_products WHERE product_id = '1'"
    assert pair.by_changes.query(cost) == [(Decimal(5),)]
    pair.shop.rows["products"] = [row for row in pair.shop.rows["products"] if row["unit_cost"] != Decimal(5)]
    pair.refresh()
    assert pair.by_changes.query(cost) == [(Decimal(4),)]


def test_a_row_is_rejected_mended_and_rejected_again(pair: Pair):
    line = the(pair.shop, "order_items", order_id=1, line_number=1)
    line["quantity"] = 0
    pair.refresh()
    lines = "SELECT count(*) FROM tb_order_items WHERE order_id = '1'"
    assert pair.by_changes.query(lines) == [(1,)]
    pair.shop.change(line, quantity=4)
    assert pair.refresh()["order_items"].path == CHANGES
    assert pair.by_changes.query(lines) == [(2,)]
    pair.shop.change(line, quantity=0)
    pair.refresh()
    assert pair.by_changes.query(lines) == [(1,)]
    assert orders_of(pair)["1"] == (1, Decimal(20))


def test_rows_without_a_key_are_set_aside_once_and_go_when_they_are_mended(pair: Pair):
    pair.refresh()
    pair.shop.add("products", product_id=None, name="Nameless", category="Toys", unit_price=Decimal(1))
    set_aside = "SELECT count(*) FROM tmp_products_rejected"
    pair.refresh()
    pair.shop.change(the(pair.shop, "products", product_id=1), stock_quantity=1)
    pair.refresh()
    assert pair.by_changes.query(set_aside) == [(1,)]
    pair.shop.change(the(pair.shop, "products", product_id=None), product_id=3)
    pair.refresh()
    assert pair.by_changes.query(set_aside) == [(0,)]
    assert pair.by_changes.query("SELECT category FROM tb_products WHERE product_id = '3'") == [("Toys",)]


def test_a_run_that_breaks_a_contract_leaves_the_staged_rows_and_the_next_one_makes_up_for_it(pair: Pair):
    pair.refresh()
    before = content(pair.by_changes)
    order = the(pair.shop, "orders", order_id=1)
    pair.shop.change(order, customer_id=99)
    pair.shop.change(the(pair.shop, "order_items", order_id=2, line_number=1), quantity=5)
    strict = {"customers": {"contract": {"severities": {"customer_id of orders exists in customers": "error"}}}}
    pair.shop.write(pair.by_changes)
    with pytest.raises(ContractError, match="customer_id of orders exists in customers -- 1 row"):
        pair.run(**strict)
    after = content(pair.by_changes)
    after.pop("tb_contract_results"), before.pop("tb_contract_results")
    assert after == before
    pair.shop.change(order, customer_id=2)
    how = pair.refresh()
    assert how["orders"].path == CHANGES
    assert orders_of(pair)["2"] == (2, Decimal(100))


def test_ids_may_be_numbers_in_one_table_and_text_in_another(pair: Pair, monkeypatch: pytest.MonkeyPatch):
    for each in (pair.by_changes, pair.in_full):
        query = each.folder / "conf" / "base" / "sources" / "order_items.sql"
        query.write_text(
            "SELECT * REPLACE (CAST(product_id AS VARCHAR) AS product_id, CAST(order_id AS VARCHAR) AS order_id)"
            " FROM 'data/01_raw/order_items.parquet'"
        )
    pair.refresh()
    pair.shop.change(the(pair.shop, "products", product_id=2), category="Garden")
    pair.shop.change(the(pair.shop, "order_items", order_id=3, line_number=1), quantity=2)
    how = pair.refresh()
    assert [how[domain].path for domain in ("order_items", "orders", "customers")] == [CHANGES] * 3
    assert orders_of(pair)["3"] == (1, Decimal(40))


def test_personal_data_that_is_hashed_or_left_out_is_refreshed_as_it_is_built(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATAMART_HASH_KEY", "a secret of sixteen bytes or more")
    pair.params = {"personal_data": {"publish": "hashed", "columns": {"customers": {"email": "omitted"}}}}
    pair.refresh()
    pair.shop.change(the(pair.shop, "customers", customer_id=2), full_name="Customer 1")
    assert pair.refresh()["customers"].path == CHANGES
    first, second = pair.by_changes.query("SELECT full_name, email FROM tb_customers ORDER BY customer_id LIMIT 2")
    assert first == second
    assert first[1] is None


def test_an_erased_person_stays_out_while_the_shop_goes_on_sending_changes(pair: Pair):
    pair.refresh()
    for each in (pair.by_changes, pair.in_full):
        close_marts()
        with chdir(each.folder):
            done = CliRunner().invoke(cli, ["mart", "forget", "--customer-id", "2", "--yes"])
        assert done.exit_code == 0, done.output
    pair.shop.change(the(pair.shop, "customers", customer_id=2), full_name="Back again")
    pair.shop.change(the(pair.shop, "orders", order_id=2), status="delivered")
    pair.refresh()
    pair.shop.change(the(pair.shop, "order_items", order_id=2, line_number=1), quantity=3)
    pair.shop.change(the(pair.shop, "customers", customer_id=3), country="FR")
    assert pair.refresh()["customers"][:2] == (FULL, "the source still has rows of erased persons")
    assert pair.by_changes.query("SELECT count(*) FROM tb_customers WHERE customer_id = '2'") == [(0,)]
    assert pair.by_changes.query("SELECT net_amount FROM tb_orders WHERE order_id = '2'") == [(Decimal(50),)]
    assert_alike(pair.by_changes)


def test_after_a_rollback_all_is_read_and_then_changes_alone_again(pair: Pair):
    pair.refresh()
    order = the(pair.shop, "orders", order_id=1)
    pair.shop.change(order, customer_id=2)
    pair.refresh()
    for each in (pair.by_changes, pair.in_full):
        close_marts()
        with chdir(each.folder):
            assert CliRunner().invoke(cli, ["mart", "rollback", "1"]).exit_code == 0
    pair.shop.change(order, status="delivered")
    how = pair.refresh()
    assert {domain: path.path for domain, path in how.items()} == dict.fromkeys(how, FULL)
    assert orders_of(pair)["2"] == (2, Decimal(60))
    pair.shop.change(order, customer_id=3)
    assert pair.refresh()["orders"].path == CHANGES
    assert_alike(pair.by_changes)


def test_a_source_with_another_column_is_read_in_whole_once(pair: Pair):
    pair.refresh()
    query = "SELECT *, 'Bonn' AS ship_city FROM 'data/01_raw/orders.parquet'"
    for each in (pair.by_changes, pair.in_full):
        (each.folder / "conf" / "base" / "sources" / "orders.sql").write_text(query)
    assert pair.refresh()["orders"].path == FULL
    pair.shop.change(the(pair.shop, "orders", order_id=1), status="delivered")
    assert pair.refresh()["orders"].path == CHANGES
    for each in (pair.by_changes, pair.in_full):
        (each.folder / "conf" / "base" / "sources" / "orders.sql").write_text(
            query.replace(", 'Bonn' AS ship_city", "")
        )
    assert pair.refresh(accept_loss="orders.ship_city")["orders"].path == FULL
    assert pair.by_changes.query("SELECT count(ship_city) FROM tb_orders") == [(0,)]


def test_a_window_is_read_again_without_moving_the_watermark_back(pair: Pair):
    pair.refresh()
    staged = "SELECT comment FROM duckdb_tables() WHERE table_name = 'tmp_customers'"
    before = pair.by_changes.query(staged)
    row = the(pair.shop, "customers", customer_id=1)
    row["full_name"] = "Edited behind the clock"  # what no window but that of its old updated_at brings
    pair.shop.change(the(pair.shop, "customers", customer_id=3), country="FR")
    pair.shop.write(pair.by_changes)
    pair.run()
    name = "SELECT full_name FROM tb_customers WHERE customer_id = '1'"
    assert pair.by_changes.query(name) == [("Customer 1",)]
    pair.run(force=["customers"], read_since="2026-01-01")
    assert pair.how()["customers"].path == CHANGES
    assert pair.by_changes.query(name) == [("Edited behind the clock",)]
    watermarks = pair.by_changes.query("SELECT watermark_to FROM tb_control_data_update WHERE domain = 'customers'")
    assert [at for (at,) in watermarks] == sorted(at for (at,) in watermarks)
    assert pair.by_changes.query(staged) != before
    pair.run()
    assert pair.how() == {}


def test_without_an_overlap_of_its_length_a_late_row_costs_a_comparison_of_keys_and_is_found(pair: Pair):
    pair.refresh()
    pair.shop.rows["customers"].append(
        the(pair.shop, "customers", customer_id=1)
        | {"customer_id": 4, "full_name": "Late", "updated_at": START + timedelta(seconds=1)}
    )
    assert pair.refresh(refresh={"full_from_share": 1.0, "overlap_minutes": 0, "compare_keys_every": None})[
        "customers"
    ] == (CHANGES, "2 of 3 rows are touched", 2)


def test_a_corrected_row_stays_corrected_when_changes_alone_are_read(pair: Pair, caplog: pytest.LogCaptureFixture):
    corrections = {
        "order_items": {"corrections": {"1/1": {"quantity": "5"}, "2/1": {"unit_price": "9.50"}}},
        "orders": {"corrections": {"1": {"status": "shipped"}}},
    }
    assert pair.refresh(**corrections)["order_items"].path == "full"
    line = the(pair.shop, "order_items", order_id=1, line_number=1)
    pair.shop.change(line, quantity=3)
    pair.shop.change(the(pair.shop, "orders", order_id=1), status="delivered")
    how = pair.refresh(**corrections)
    assert (how["order_items"].path, how["orders"].path) == ("changes", "changes")
    of_line = "FROM tmp_order_items WHERE order_id = 1 AND line_number = 1"
    (quantity,) = pair.by_changes.query(f"SELECT quantity, corrected {of_line}")
    assert quantity == (5, "quantity came as '3'")
    (status,) = pair.by_changes.query("SELECT source_status, corrected FROM tmp_orders WHERE order_id = 1")
    assert status == ("shipped", "status came as 'delivered'")
    assert "no staged row has the key" not in caplog.text
