"""The columns of a source, or of our own tables, change: nothing is lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from datamart_kedro.errors import ParameterError, SchemaError, SourceError
from tests.project import Project
from tests.shop import SHOP, customer, product


def stamps(project: Project, table: str, key: str) -> dict[Any, int]:
    """Version of each row of a table."""
    return dict(project.query(f"SELECT {key}, _version FROM {table}"))


def test_a_new_column_is_added_and_old_rows_hold_null_there(published: Project, monkeypatch: pytest.MonkeyPatch):
    published.execute("ALTER TABLE tb_products DROP COLUMN sku; ALTER TABLE tb_products_history DROP COLUMN sku")
    published.write_source("products", [product(sku="S-1"), SHOP["products"][1]])
    published.run("products")
    assert published.query("SELECT product_id, sku, _version FROM tb_products ORDER BY 1") == [
        ("A", "S-1", 2),
        ("B", None, 1),
    ]
    assert published.query("SELECT product_id, sku FROM tb_products_history") == [("A", None)]


def test_a_wider_type_is_taken_and_no_row_is_lost(published: Project):
    published.execute(
        "ALTER TABLE tb_products ALTER COLUMN unit_cost TYPE DECIMAL(10, 2);"
        "ALTER TABLE tb_products_history ALTER COLUMN unit_cost TYPE DECIMAL(10, 2)"
    )
    published.run("products", params={"force": True})
    assert published.query(
        "SELECT DISTINCT data_type FROM duckdb_columns() WHERE column_name = 'unit_cost'"
        " AND table_name LIKE 'tb_products%'"
    ) == [("DECIMAL(18,4)",)]
    assert stamps(published, "tb_products", "product_id") == {"A": 1, "B": 1}


def test_a_type_that_fits_into_the_published_one_is_kept_as_it_was(published: Project):
    """As when the ids of one shop are text, and those of the next are numbers."""
    query = published.folder / "conf" / "base" / "sources" / "customers.sql"
    query.write_text(f"SELECT * REPLACE (CAST(customer_id AS BIGINT) AS customer_id) FROM ({query.read_text()})")
    published.run("customers")
    assert published.query("SELECT typeof(customer_id), customer_id, _version FROM tb_customers ORDER BY 2") == [
        ("VARCHAR", "1", 1),
        ("VARCHAR", "2", 1),
    ]


def test_a_type_that_would_lose_values_is_refused(published: Project):
    for table in ("tb_products", "tb_products_history"):
        published.execute(f"ALTER TABLE {table} ALTER COLUMN is_discontinued TYPE INTEGER")
    with pytest.raises(SchemaError) as refusal:
        published.run("products", params={"force": True})
    assert str(refusal.value) == (
        "tb_products: its columns changed in a way that would lose published values:"
        " is_discontinued from INTEGER to BOOLEAN.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Give the column another name, or cast it to what it was, where the table is built."
    )


@pytest.fixture
def with_colours(published: Project) -> Project:
    """A mart as an earlier release of the code left it, with a column that this one does not build."""
    for table in ("tb_products", "tb_products_history"):
        published.execute(f"ALTER TABLE {table} ADD COLUMN colour VARCHAR")
    published.execute("UPDATE tb_products SET colour = 'red' WHERE product_id = 'A'")
    return published


def test_a_published_column_that_goes_is_refused_with_the_command_that_lets_it_go(with_colours: Project):
    before = with_colours.content()
    with pytest.raises(SchemaError) as refusal:
        with_colours.run("products", params={"force": True})
    assert str(refusal.value) == (
        "tb_products is built without colour, which is published.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Put it back where the table is built. If it is to go, `kedro run --params accept_loss=tb_products.colour`"
        " lets it go; its values stay in tb_products_history."
    )
    assert with_colours.content() == before


def test_a_published_column_that_may_go_leaves_its_values_in_the_history(with_colours: Project):
    with_colours.run("products", params={"force": True, "accept_loss": "tb_products.colour"})
    columns = [name for (name,) in with_colours.query("SELECT column_name FROM (DESCRIBE tb_products)")]
    assert "colour" not in columns
    assert stamps(with_colours, "tb_products", "product_id") == {"A": 2, "B": 1}
    assert with_colours.query("SELECT product_id, colour, _version, _version_to FROM tb_products_history") == [
        ("A", "red", 1, 2)
    ]
    with_colours.write_source("products", [product(name="Lamp 2"), SHOP["products"][1]])
    with_colours.run()
    assert with_colours.query("SELECT name, colour FROM tb_products_history ORDER BY _version") == [
        ("Lamp", "red"),
        ("Lamp", None),
    ]


WITH_PHONES = [customer(phone="+49 30 1"), customer(customer_id="2", phone="")]


@pytest.fixture
def with_phones(published: Project) -> Project:
    """A mart whose customers have telephones, at version 2."""
    published.write_source("customers", WITH_PHONES)
    published.run()
    return published


def phones(project: Project) -> list[tuple[Any, ...]]:
    return project.query("SELECT customer_id, phone, _version FROM tb_customers ORDER BY 1")


def test_a_source_column_that_disappears_is_refused_with_the_command_that_lets_it_go(with_phones: Project):
    with_phones.write_source("customers", SHOP["customers"])
    with pytest.raises(SchemaError) as refusal:
        with_phones.run()
    assert str(refusal.value) == (
        "customers: data/01_raw/customers.csv no longer gives phone: what is published from it would be emptied.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Put it back in the shop or in {with_phones.folder}/conf/base/sources/customers.sql. If it is gone for good,"
        " `kedro run --params accept_loss=customers.phone` lets it go; earlier values stay in the history."
    )
    assert phones(with_phones) == [("1", "+49 30 1", 2), ("2", None, 2)]


def test_a_source_column_may_go_if_its_loss_is_accepted_once(with_phones: Project):
    with_phones.write_source("customers", SHOP["customers"])
    done = with_phones.cli("kedro", "run", "--params", "accept_loss=customers.phone")
    assert "customers: phone is gone from the source, as was accepted." in done.stdout
    assert [phone for _, phone, _ in phones(with_phones)] == [None, None]
    assert with_phones.query("SELECT phone FROM tb_customers_history WHERE _version = 2 AND phone IS NOT NULL") == [
        ("+49 30 1",)
    ]
    with_phones.write_source("customers", SHOP["customers"][:1])
    with_phones.run()
    assert phones(with_phones) == [("1", None, 3)]


def test_a_source_column_that_the_mart_does_not_use_may_go(published: Project):
    published.write_source("customers", [{**row, "shoe_size": "9"} for row in SHOP["customers"]])
    published.run()
    published.write_source("customers", SHOP["customers"][:1])
    published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(1,)]


def test_a_disappeared_column_is_remembered_over_runs_that_only_build_again(with_phones: Project):
    with_phones.write_source("orders", SHOP["orders"][:2])
    with_phones.run()
    with_phones.write_source("customers", SHOP["customers"])
    with pytest.raises(SchemaError, match="no longer gives phone"):
        with_phones.run()


def test_the_plan_says_that_a_column_disappeared(with_phones: Project):
    with_phones.write_source("customers", SHOP["customers"])
    done = with_phones.cli("kedro", "mart", "plan")
    assert done.returncode == 1
    assert "no longer gives phone" in done.stderr


def test_a_source_column_that_appears_is_named_and_published(published: Project, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    published.write_source("customers", WITH_PHONES)
    published.run()
    assert "customers: the source gives phone now." in caplog.messages
    assert phones(published) == [("1", "+49 30 1", 2), ("2", None, 2)]


def test_a_source_column_of_another_type_is_named_and_its_values_stay(
    published: Project, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    query = published.folder / "conf" / "base" / "sources" / "products.sql"
    query.write_text(f"SELECT * REPLACE (CAST(unit_price AS DECIMAL(9, 2)) AS unit_price) FROM ({query.read_text()})")
    published.run()
    assert "products: the source gives unit_price as DECIMAL(9,2) now, as VARCHAR before." in caplog.messages
    assert stamps(published, "tb_products", "product_id") == {"A": 1, "B": 1}


def test_a_query_with_two_columns_of_one_name_is_refused(published: Project):
    query = published.folder / "conf" / "base" / "sources" / "customers.sql"
    query.write_text(f"SELECT *, city AS Email FROM ({query.read_text()})".replace("city AS", "country AS"))
    with pytest.raises(SourceError, match="customers: the query gives email more than once"):
        published.run()


@pytest.mark.parametrize("value", ["phone", 3, ["customers.phone", "a.b.c"]])
def test_what_is_no_column_cannot_be_accepted(published: Project, value: object):
    with pytest.raises(ParameterError, match=r"Name a column and what it is of, such as orders\.shipping_method"):
        published.run(params={"accept_loss": value})


def test_ledgers_of_an_earlier_release_get_the_columns_that_they_lack(published: Project):
    published.execute(
        "ALTER TABLE tb_control_data_update DROP COLUMN source_columns;"
        "ALTER TABLE tb_rejected_rows DROP COLUMN closed_as; ALTER TABLE tb_rejected_rows DROP COLUMN closed_by;"
        "ALTER TABLE tmp_tb_control_data_update DROP COLUMN source_columns;"
        "DROP TABLE tb_control_node_times; DROP TABLE tb_control_forgotten"
    )
    runs = published.query("SELECT count(*) FROM tb_control_data_update")
    published.write_source("customers", SHOP["customers"][:1])
    published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(1,)]
    assert published.query("SELECT count(*) - 4 FROM tb_control_data_update") == runs
    assert published.query(
        "SELECT data_type, comment LIKE 'Columns that%' FROM duckdb_columns()"
        " WHERE table_name = 'tb_control_data_update' AND column_name = 'source_columns'"
    ) == [("VARCHAR", True)]
