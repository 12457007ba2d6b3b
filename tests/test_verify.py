"""``kedro mart verify``: the published mart held against a full build in a scratch place."""

from __future__ import annotations

import os
import subprocess

import pytest
from click.testing import CliRunner, Result

from datamart_kedro.cli import cli
from datamart_kedro.mart.mart import close_marts
from tests.project import Project
from tests.shop import SHOP, customer, product

ALIKE = "The mart at version 1 is like a full build.\n"


def verify(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["mart", "verify", *arguments])


def test_a_mart_that_nobody_touched_is_like_a_full_build(published: Project):
    found = verify()
    assert (found.exit_code, found.stdout) == (0, ALIKE)


def test_what_somebody_edited_is_told(published: Project):
    published.execute(
        "UPDATE tb_orders SET net_amount = net_amount + 0.01 WHERE order_id = '11';"
        "UPDATE tb_customers SET phone = '' WHERE customer_id = '1';"
        "UPDATE tb_products SET name = NULL;"
        "INSERT INTO tb_products (product_id, _version, _valid_from) VALUES ('C', 1, TIMESTAMP '2026-01-01');"
        "DELETE FROM tb_order_items WHERE order_id = '10' AND line_number = 2"
    )
    found = verify()
    assert (found.exit_code, found.stdout.splitlines()) == (
        1,
        [
            "tb_customers: 1 row different, e.g. customer_id=1",
            "tb_customers: what differs: phone in 1",
            "tb_orders: 1 row different, e.g. order_id=11",
            "tb_orders: what differs: net_amount in 1",
            "tb_products: 1 row only in the mart, e.g. product_id=C",
            "tb_products: 2 rows different, e.g. product_id=A",
            "tb_products: what differs: name in 2",
            "tb_order_items: 1 row only in a full build, e.g. order_id=10, line_number=2",
            "The mart at version 1 is not like a full build.",
            "Mend it with `kedro run --params full=true`.",
        ],
    )


def test_columns_that_only_one_of_them_has_are_told(published: Project):
    published.execute("ALTER TABLE tb_products ADD COLUMN colour VARCHAR; ALTER TABLE tb_products DROP COLUMN name")
    found = verify()
    assert (found.exit_code, found.stdout.splitlines()[:2]) == (
        1,
        ["tb_products: colour is only in the mart", "tb_products: name is only in a full build"],
    )


def test_a_column_that_is_wider_in_the_mart_is_no_difference(published: Project):
    published.execute("ALTER TABLE tb_orders ALTER COLUMN net_amount TYPE DECIMAL(30, 6)")
    assert verify().exit_code == 0


def test_values_of_personal_data_are_not_told(published: Project):
    published.execute("UPDATE tb_customers SET email = 'secret@example.com' WHERE customer_id = '1'")
    found = verify()
    assert "tb_customers: what differs: email in 1\n" in found.stdout
    assert "example.com" not in found.output


def test_verifying_changes_nothing_and_leaves_nothing(published: Project):
    (published.folder / "data" / "tmp").mkdir()
    before = published.mart.read_bytes()
    files = sorted(path.relative_to(published.folder) for path in (published.folder / "data").rglob("*"))
    verify()
    assert published.mart.read_bytes() == before
    assert sorted(path.relative_to(published.folder) for path in (published.folder / "data").rglob("*")) == files


def test_a_source_that_changed_since_is_why_it_cannot_be_told(published: Project):
    published.write_source("products", [product(unit_cost="5.00"), SHOP["products"][1]])
    found = verify()
    assert found.exit_code == 3
    assert found.stdout == (
        "tb_products: 1 row different, e.g. product_id=A\n"
        "tb_products: what differs: unit_cost in 1, margin_rate in 1\n"
        "tb_order_items: 3 rows different, e.g. order_id=10, line_number=1\n"
        "tb_order_items: what differs: unit_cost in 3, margin_amount in 3\n"
        "products: its source changed since version 1\n"
        "The mart at version 1 is not like a full build, which is of other sources than it is.\n"
        "Bring the mart up to date with `kedro run`, and verify again while the sources rest.\n"
    )


def test_a_source_that_changed_without_consequence_is_named_and_no_difference(published: Project):
    source = published.source("products")
    source.write_text(source.read_text() + "\n")
    found = verify()
    assert (found.exit_code, found.stdout) == (0, f"products: its source changed since version 1\n{ALIKE}")


def test_a_mart_that_went_back_says_so(published: Project):
    published.write_source("products", [product(unit_cost="5.00"), SHOP["products"][1]])
    published.run()
    close_marts()
    CliRunner().invoke(cli, ["mart", "rollback", "1"], catch_exceptions=False)
    found = verify()
    assert found.exit_code == 3
    assert "products: it went back with the rollback to version 1\n" in found.stdout


def test_a_source_that_cannot_be_read_cannot_be_told(published: Project):
    published.source("products").unlink()
    found = verify()
    assert found.exit_code == 3
    assert "\nRunError: The mart that this one is held against cannot be built: products: " in found.stderr
    assert "\n  The mart is as it was; it was only read.\n" in found.stderr


def test_nothing_published_cannot_be_told(project: Project):
    found = verify()
    assert (found.exit_code, "There is no mart" in found.stderr) == (3, True)


def test_while_a_run_holds_the_mart_its_copy_is_verified(published: Project):
    published.run("products", params={"force": "products"})
    close_marts()
    with published.held_mart():
        found = verify()
    assert (found.exit_code, found.stdout) == (0, ALIKE)


def test_an_erased_person_is_no_difference(published: Project):
    forgotten = CliRunner().invoke(cli, ["mart", "forget", "--customer-id", "2", "--yes"])
    assert forgotten.exit_code == 0, forgotten.output
    published.run()
    close_marts()
    found = verify()
    assert found.exit_code == 0, found.output


def test_hashed_personal_data_is_hashed_alike(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_HASH_KEY", "a secret of sixteen bytes or more")
    parameters = project.folder / "conf" / "base" / "parameters_personal_data.yml"
    parameters.write_text("personal_data:\n  publish: hashed\n  columns: {}\n")
    project.run()
    close_marts()
    assert verify().stdout == ALIKE


def test_a_scratch_folder_of_a_process_that_was_killed_is_removed(published: Project):
    dead = subprocess.Popen(["true"])
    dead.wait()
    temp = published.folder / "data" / "tmp"
    for pid in (dead.pid, os.getppid()):
        (temp / f"verify-{pid}").mkdir(parents=True)
    verify()
    assert [path.name for path in temp.glob("verify-*")] == [f"verify-{os.getppid()}"]


def test_a_mart_refreshed_by_changes_alone_is_like_a_full_build_of_its_columns(published: Project):
    published.write_source("customers", [customer(full_name="Ann Other"), customer(customer_id="3")])
    published.run()
    close_marts()
    assert verify().stdout == "The mart at version 2 is like a full build.\n"
