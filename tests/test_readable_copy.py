"""The copy of what is published, for every tool at any time."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from datamart_kedro.mart import readable
from datamart_kedro.mart.mart import Mart
from tests.project import Project
from tests.shop import SHOP, customer, product

LEDGERS = [
    "tb_contract_results",
    "tb_control_data_update",
    "tb_control_forgotten",
    "tb_control_node_times",
    "tb_control_pruned",
]


def copy_of(project: Project) -> Path:
    return project.folder / "data" / "published.duckdb"


def read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def described(path: Path, tables: list[str]) -> list[tuple[Any, ...]]:
    return read(
        path,
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
        f" WHERE table_name IN {tuple(tables)} ORDER BY table_name, column_index",
    )


def assert_alike(project: Project) -> None:
    """The copy holds every row and comment of the published tables, their histories and the ledgers."""
    tables = [*project.content(), *LEDGERS]
    for table in tables:
        assert read(copy_of(project), f"FROM {table} ORDER BY ALL") == project.query(f"FROM {table} ORDER BY ALL")
    assert described(copy_of(project), tables) == described(project.mart, tables)


def test_a_run_leaves_a_copy_of_what_is_published_and_of_nothing_else(project: Project):
    project.run()
    assert_alike(project)
    tables = [table for (table,) in read(copy_of(project), "SELECT table_name FROM duckdb_tables() ORDER BY ALL")]
    assert tables == sorted([*project.content(), *LEDGERS])


def test_the_copy_follows_by_what_changed(project: Project, monkeypatch: pytest.MonkeyPatch):
    rows = [customer(customer_id=str(number)) for number in range(20)]
    project.write_source("customers", rows)
    project.run()
    project.write_source(
        "customers", [customer(customer_id="1", full_name="New"), *rows[2:], customer(customer_id="x")]
    )
    written: list[str] = []
    compute = Mart.compute
    monkeypatch.setattr(Mart, "compute", lambda mart, label, sql: (written.append(label), compute(mart, label, sql)))
    project.run()
    assert_alike(project)
    assert read(copy_of(project), "SELECT count(*), max(_version) FROM tb_customers") == [(20, 2)]
    assert [label for label in written if label.startswith("copy of") and not label.endswith("history")] == []


@pytest.mark.parametrize("seed", range(3))
def test_the_copy_equals_the_mart_after_any_changes(project: Project, seed: int):
    draw = random.Random(seed)
    project.run()
    for _ in range(4):
        names = draw.sample("abcdefghij", draw.randint(5, 10))
        project.write_source("customers", [customer(customer_id=n, full_name=draw.choice("xyz")) for n in names])
        project.run("customers")
        assert_alike(project)
        if draw.random() < 0.3:
            copy_of(project).unlink()


def test_a_run_without_new_data_makes_a_copy_that_is_not_there(published: Project):
    published.run()
    assert_alike(published)


def test_a_copy_that_is_up_to_date_is_left_alone(project: Project):
    project.run()
    before = copy_of(project).stat()
    project.run()
    assert copy_of(project).stat().st_ino == before.st_ino


def test_pruning_shortens_the_copy_as_well(project: Project):
    project.run()
    project.write_source("customers", SHOP["customers"][:1])
    project.run()
    assert read(copy_of(project), "SELECT count(*) FROM tb_customers_history") == [(1,)]
    assert project.cli("kedro", "mart", "prune", "--keep", "0d").returncode == 0
    assert read(copy_of(project), "SELECT count(*) FROM tb_customers_history") == [(0,)]
    assert_alike(project)


def test_a_column_that_is_added_is_in_the_copy_as_well(project: Project):
    project.run()
    project.execute("ALTER TABLE tb_products DROP COLUMN weight_kg")
    project.execute("ALTER TABLE tb_products_history DROP COLUMN weight_kg")
    copy_of(project).unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readable, "make_macro", lambda *_, **__: None)
        project.run()
    assert "weight_kg" not in {name for _, name, *_ in described(copy_of(project), ["tb_products", "x"])}
    project.run(params={"force": True})
    assert_alike(project)


@pytest.mark.parametrize(
    "content", [b"", b"no database, but long enough to be taken for one" * 300], ids=["empty", "text"]
)
def test_a_file_that_is_no_copy_is_replaced(project: Project, content: bytes):
    project.mart.parent.mkdir(exist_ok=True)
    copy_of(project).write_bytes(content)
    project.run()
    assert_alike(project)


def test_a_copy_of_another_mart_is_replaced(project: Project):
    project.run()
    shutil.copy(copy_of(project), project.folder / "other")
    project.mart.unlink()
    project.write_source("products", [product(name="Other")])
    project.run()
    project.write_source("products", [product(name="Other still"), product(product_id="n")])
    project.run()
    shutil.copy(project.folder / "other", copy_of(project))
    project.run()
    assert_alike(project)


def test_a_copy_that_cannot_be_written_is_as_it_was_and_the_run_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    project.run()
    before = copy_of(project).read_bytes()
    project.write_source("customers", SHOP["customers"][:1])

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(readable, "_flush", full)
        project.run()
    assert f"{copy_of(project)} could not be written and is as it was: No space left on device" in caplog.text
    assert copy_of(project).read_bytes() == before
    assert project.query("SELECT count(*) FROM tb_customers") == [(1,)]
    project.run()
    assert_alike(project)


def test_an_environment_may_do_without_a_copy(project: Project):
    (project.folder / "conf" / "local" / "globals.yml").write_text("mart: {readable_copy: null}\n")
    project.run()
    assert not copy_of(project).exists()
    with project.session() as session:
        assert session.load_context().catalog.load("tb_orders").count().to_pyarrow().as_py() == len(SHOP["orders"])


@pytest.mark.parametrize("file", ["datamart.duckdb", "published.duckdb"])
def test_a_macro_reads_a_table_as_it_was(project: Project, file: str):
    project.run()
    project.write_source("products", [product(name="Lantern"), SHOP["products"][1]])
    project.run()
    path = project.folder / "data" / file
    ((second,),) = read(path, "SELECT max(_valid_from) FROM tb_products")

    def names(as_of: str) -> set[str]:
        return {name for (name,) in read(path, f"SELECT name FROM tb_products_as_of({as_of})")}

    assert names("1") == names("'1'") == {"Lamp", "Novel"}
    assert names("2") == names(f"TIMESTAMP '{second}'") == names(f"'{second}'") == {"Lantern", "Novel"}
    assert names(f"TIMESTAMP '{second}' - INTERVAL 1 MICROSECOND") == {"Lamp", "Novel"}
    with pytest.raises(duckdb.InvalidInputException, match="tb_products: there was no version 3"):
        names("3")
    with pytest.raises(duckdb.InvalidInputException, match="tb_products: there was no version 2020-01-01"):
        names("'2020-01-01'")
    with pytest.raises(duckdb.InvalidInputException, match="there was no version NULL"):
        names("NULL")
    assert project.cli("kedro", "mart", "prune", "--keep", "0d").returncode == 0
    with pytest.raises(duckdb.InvalidInputException, match="tb_products: its history does not go back to version 1"):
        names("1")
