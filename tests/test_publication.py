"""Publication: all of it or nothing, only what changed, and what it was before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from datamart_kedro.errors import MartFileError, RunError
from datamart_kedro.sources.files import FileSource
from tests.project import Project
from tests.shop import SHOP, customer, item, order, product


def stamps(project: Project, table: str, key: str) -> dict[Any, int]:
    """Version of each row of a table."""
    return dict(project.query(f"SELECT {key}, _version FROM {table}"))


def test_a_changed_row_gets_the_version_that_changed_it_and_the_others_keep_theirs(published: Project):
    published.write_source("products", [product(unit_price="12.00"), SHOP["products"][1]])
    published.run("products")
    assert stamps(published, "tb_products", "product_id") == {"A": 2, "B": 1}


def test_a_replaced_row_is_kept_in_the_history_with_its_period(published: Project):
    published.write_source("products", [product(unit_price="12.00"), SHOP["products"][1]])
    published.run("products")
    (old,) = published.query(
        "SELECT product_id, CAST(unit_price AS INT), _version, _version_to, _valid_from, _valid_to"
        " FROM tb_products_history"
    )
    (new,) = published.query("SELECT _valid_from FROM tb_products WHERE product_id = 'A'")
    assert old[:4] == ("A", 10, 1, 2)
    assert old[4] < old[5] == new[0]


def test_a_row_whose_key_is_gone_is_deleted_and_kept_in_the_history(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    published.run("customers")
    assert published.query("SELECT customer_id FROM tb_customers") == [("1",)]
    assert published.query("SELECT customer_id, full_name, _version_to FROM tb_customers_history") == [
        ("2", "Bob Baker", 2)
    ]


def test_a_row_that_comes_back_is_inserted_again(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    published.run("customers")
    published.write_source("customers", SHOP["customers"])
    published.run("customers")
    assert stamps(published, "tb_customers", "customer_id") == {"1": 1, "2": 3}
    assert published.query("SELECT customer_id, _version, _version_to FROM tb_customers_history") == [("2", 1, 2)]


def test_a_value_that_becomes_missing_is_a_change(published: Project):
    published.write_source("products", [product(unit_cost=""), SHOP["products"][1]])
    published.run("products")
    assert published.query("SELECT unit_cost, _version FROM tb_products WHERE product_id = 'A'") == [(None, 2)]


def test_the_counts_of_changes_are_in_the_ledger(published: Project):
    published.write_source(
        "customers", [customer(full_name="Ann Other"), *(customer(customer_id=str(n)) for n in (7, 8, 9))]
    )
    published.run("customers")
    assert published.query(
        "SELECT rows_inserted, rows_updated, rows_deleted, version FROM tb_control_data_update"
        " WHERE domain = 'customers' ORDER BY started_at DESC LIMIT 1"
    ) == [(3, 1, 1, 2)]


def test_a_run_that_changes_nothing_makes_no_version(published: Project):
    before = published.content()
    published.run(params={"force": True})
    assert published.content() == before
    assert published.query("SELECT max(version) FROM tb_control_data_update") == [(1,)]


def test_one_version_covers_all_tables_of_a_run(published: Project):
    published.write_source("products", [product(unit_cost="3.00"), SHOP["products"][1]])
    published.write_source("customers", [customer(full_name="Ann Other"), SHOP["customers"][1]])
    published.run()
    assert published.query(
        "SELECT DISTINCT version FROM tb_control_data_update WHERE domain IN ('products', 'customers', 'order_items')"
        " ORDER BY version"
    ) == [(1,), (2,)]
    assert stamps(published, "tb_order_items", "(order_id, line_number)") == {
        ("10", 1): 2,
        ("10", 2): 1,
        ("11", 1): 2,
        ("12", 1): 2,
    }


def test_every_row_read_is_staged_rejected_or_superseded(project: Project):
    project.write_source(
        "orders",
        [
            order(),
            order(),
            order(status="delivered", updated_at="2025-02-09T00:00:00Z"),
            order(order_id="", customer_id="9"),
            order(order_id="11", ordered_at="soon"),
        ],
    )
    project.run()
    assert project.query(
        "SELECT rows_read, rows_staged, rows_rejected, rows_superseded FROM tb_control_data_update"
        " WHERE domain = 'orders'"
    ) == [(5, 1, 2, 2)]


def test_rejected_rows_are_kept_as_they_came_with_their_reasons(project: Project):
    project.write_source("order_items", [item(), item(line_number="2", quantity=" 0 ", unit_price="a lot")])
    project.run()
    assert project.query(
        "SELECT domain, row->>'quantity', row->>'unit_price', row->>'line_number', reasons FROM tb_rejected_rows"
    ) == [("order_items", " 0 ", "a lot", "2", "unit_price is not a number; quantity is zero")]


def test_rows_that_are_unaccounted_for_stop_the_publication(published: Project, monkeypatch: pytest.MonkeyPatch):
    before = published.content()
    published.write_source("customers", [customer(full_name="Changed")])
    monkeypatch.setattr("datamart_kedro.sources.files.FileSource.extract", one_row_too_many(FileSource.extract))
    with pytest.raises(RunError) as refusal:
        published.run("customers")
    assert str(refusal.value) == (
        "customers: 2 rows were read, but 1 are accounted for: 1 staged, 0 rejected, 0 superseded.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Look into tmp_customers and its sisters; the staging of customers loses or doubles rows."
    )
    assert published.content() == before


def one_row_too_many(extract: Callable[..., int]) -> Callable[..., int]:
    """An extraction that counts a row which it does not deliver."""
    return lambda *how: extract(*how) + 1


FAILURES: dict[str, str] = {
    "stage": "datamart_kedro.pipelines.orders.nodes.stage",
    "build": "datamart_kedro.pipelines.customers.nodes.add_orders",
    "publication": "datamart_kedro.mart.publication._close_ledger",
}


@pytest.mark.parametrize("place", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_anywhere_leaves_the_mart_as_it_was(published: Project, monkeypatch: pytest.MonkeyPatch, place: str):
    before = published.content()
    for domain, rows in SHOP.items():
        published.write_source(domain, rows[1:])

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        with pytest.raises(RunError, match="ValueError: a bug"):
            published.run()
    assert published.content() == before
    assert published.query(
        "SELECT DISTINCT status FROM tb_control_data_update WHERE started_at = (SELECT max(started_at)"
        " FROM tb_control_data_update) AND error LIKE '%ValueError: a bug%'"
    ) == [("failed",)]
    published.run()
    assert published.query("SELECT count(*) FROM tb_orders") == [(2,)]


def test_what_a_failed_run_staged_stays_for_inspection(published: Project, monkeypatch: pytest.MonkeyPatch):
    published.write_source("customers", [customer(full_name="New")])

    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("datamart_kedro.pipelines.customers.nodes.add_orders", fail)
    with pytest.raises(RunError):
        published.run()
    assert published.query("SELECT full_name FROM tmp_customers") == [("New",)]


def test_the_refusal_names_the_node_that_failed(published: Project, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("datamart_kedro.pipelines.customers.nodes.add_orders", fail)
    published.write_source("customers", [customer(full_name="New")])
    with pytest.raises(RunError) as refusal:
        published.run()
    assert str(refusal.value) == (
        "build_customers failed: ValueError: a bug\n"
        "  Nothing was published, the mart is as it was.\n"
        "  The full traceback is in logs/datamart.log."
    )
    assert "add_orders" in (published.folder / "logs" / "datamart.log").read_text()


def test_a_run_that_was_killed_is_closed_by_the_next_one(published: Project):
    published.execute("UPDATE tb_control_data_update SET status = 'running' WHERE domain = 'orders'")
    published.run("products")
    assert published.query("SELECT status, error FROM tb_control_data_update WHERE domain = 'orders'") == [
        ("interrupted", "the process ended before the run did")
    ]


def test_a_file_that_is_no_mart_is_refused_and_left_alone(project: Project):
    project.mart.write_text("not a database, but long enough to be taken for one" * 300)
    before = project.mart.read_bytes()
    with pytest.raises(MartFileError, match="Check that it is a DuckDB file"):
        project.run()
    assert project.mart.read_bytes() == before


def test_readers_of_the_same_process_see_the_old_mart_until_the_run_is_published(published: Project):
    published.write_source("customers", [customer(full_name="New")])
    seen = []
    with published.session() as session:
        catalog = session.load_context().catalog
        seen.append(catalog.load("tb_customers").count().to_pyarrow().as_py())
        session.run(pipeline_names=["customers"])
        seen.append(catalog.load("tb_customers").count().to_pyarrow().as_py())
    assert seen == [2, 1]


def test_tables_and_columns_say_what_they_mean(published: Project):
    assert published.query("SELECT comment FROM duckdb_tables() WHERE table_name = 'tb_products'") == [
        ("One row per product_id; a deleted product stays, discontinued, since its sales name it.",)
    ]
    for table in ("tb_customers", "tb_orders", "tb_order_items", "tb_products"):
        for name in (table, f"{table}_history"):
            assert (
                published.query(
                    f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{name}' AND comment IS NULL"
                )
                == []
            )
