"""Versions: reading the mart as it was, comparing, going back, and forgetting."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

import pytest
from kedro.io import DatasetError

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import Decision
from datamart_kedro.datasets import MartTable
from datamart_kedro.errors import VersionError
from datamart_kedro.mart.difference import Difference
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.publication import build, publish
from datamart_kedro.mart.rollback import prune
from datamart_kedro.mart.run import begin
from datamart_kedro.mart.versions import list_versions, resolve_version, select_as_of
from datamart_kedro.sources.state import SourceState
from tests.project import Project
from tests.shop import SHOP, product


@pytest.fixture
def renamed(published: Project) -> Project:
    """A mart of two versions: the second has another name for product A and no longer has customer 2."""
    published.write_source("products", [product(name="Lantern"), SHOP["products"][1]])
    published.write_source("customers", SHOP["customers"][:1])
    published.run()
    return published


def load(project: Project, table: str, as_of: object) -> list[dict[str, Any]]:
    with project.session() as session:
        settings = session.load_context().config_loader["globals"]["mart"]
    dataset = MartTable(table, settings, load_args={"as_of": as_of})
    try:
        return dataset.load().to_pyarrow().to_pylist()
    except DatasetError as error:
        raise error.__cause__ or error from None


def test_a_table_is_read_as_it_was_at_a_version(renamed: Project):
    assert {row["name"] for row in load(renamed, "tb_products", 1)} == {"Lamp", "Novel"}
    assert {row["name"] for row in load(renamed, "tb_products", 2)} == {"Lantern", "Novel"}
    assert {row["customer_id"] for row in load(renamed, "tb_customers", 1)} == {"1", "2"}


def test_a_table_is_read_as_it_was_at_an_instant(renamed: Project):
    ((second,),) = renamed.query("SELECT max(_valid_from) FROM tb_products")
    before = second - timedelta(microseconds=1)
    assert {row["name"] for row in load(renamed, "tb_products", before)} == {"Lamp", "Novel"}
    assert {row["name"] for row in load(renamed, "tb_products", before.isoformat())} == {"Lamp", "Novel"}
    assert {row["name"] for row in load(renamed, "tb_products", f"{second.isoformat()}+00:00")} == {"Lantern", "Novel"}


@pytest.mark.parametrize("as_of", [3, "3", "0", "2001-01-01T00:00"])
def test_a_version_that_never_was_is_refused(renamed: Project, as_of: object):
    with pytest.raises(VersionError, match=rf"^There is no version {as_of}: the versions are 1 to 2, the first of 20"):
        load(renamed, "tb_products", as_of)


def test_what_is_neither_a_version_nor_an_instant_is_refused(renamed: Project):
    with pytest.raises(VersionError) as refusal:
        load(renamed, "tb_products", "yesterday")
    assert str(refusal.value) == (
        "'yesterday' is neither a version nor an instant.\n"
        "  Write a number such as 3, or an instant such as 2026-10-01T00:00."
    )


def test_versions_are_listed_with_what_they_changed_and_why(renamed: Project):
    done = renamed.cli("kedro", "mart", "versions")
    cells = [line.split(maxsplit=7) for line in done.stdout.splitlines()[1:]]
    assert [(row[0], row[3], *row[4:7]) for row in cells] == [
        ("1", "tb_customers", "2", "0", "0"),
        ("1", "tb_order_items", "4", "0", "0"),
        ("1", "tb_orders", "3", "0", "0"),
        ("1", "tb_products", "2", "0", "0"),
        ("2", "tb_customers", "0", "0", "1"),
        ("2", "tb_products", "0", "1", "0"),
    ]
    assert cells[-1][7] == "new data: the content of the source changed"


def test_versions_for_machines_carry_code_and_parameters(renamed: Project):
    versions = json.loads(renamed.cli("kedro", "mart", "versions", "--json").stdout)
    change = versions[0]["changes"]["products"]
    assert change["code_version"].startswith("0.1.0+")
    assert "low_stock_from" in change["parameters"]


def test_a_difference_is_shown_by_counts_and_by_cell(renamed: Project):
    assert renamed.cli("kedro", "mart", "diff", "1", "2").stdout.splitlines() == [
        "table           inserted  updated  deleted",
        "tb_customers           0        0        1",
        "tb_orders              0        0        0",
        "tb_products            0        1        0",
        "tb_order_items         0        0        0",
        "tb_customers 2: deleted",
        "tb_products A: name Lamp -> Lantern",
    ]


def test_a_difference_of_one_row(renamed: Project):
    done = renamed.cli("kedro", "mart", "diff", "2", "1", "--table", "tb_customers", "--key", "2")
    assert done.stdout.splitlines()[1:] == ["tb_customers         1        0        0", "tb_customers 2: inserted"]


def test_a_rollback_is_a_new_version_with_the_old_content(renamed: Project):
    done = renamed.cli("kedro", "mart", "rollback", "1")
    assert done.stdout.splitlines() == [
        "tb_customers: 1 rows inserted, 0 updated, 0 deleted",
        "tb_products: 0 rows inserted, 1 updated, 0 deleted",
        "Version 3 holds the content of version 1. It stays until something is new;"
        " `kedro run --params force=true` reads the sources again.",
    ]
    assert renamed.query("SELECT name, _version FROM tb_products ORDER BY product_id") == [("Lamp", 3), ("Novel", 1)]
    assert {row["name"] for row in load(renamed, "tb_products", 2)} == {"Lantern", "Novel"}


def test_a_mart_that_was_rolled_back_stays_there_until_something_is_new(renamed: Project):
    renamed.cli("kedro", "mart", "rollback", "1")
    plan = renamed.cli("kedro", "mart", "plan", "--pipelines=products").stdout
    assert plan == (
        "products  skip  nothing new since the rollback to version 1; --params force=true reads the source again\n"
    )
    renamed.run()
    assert renamed.query("SELECT name FROM tb_products WHERE product_id = 'A'") == [("Lamp",)]


def test_after_a_rollback_all_domains_go_on_together(renamed: Project):
    """The undone version is staged still: a table built from it beside rolled-back ones would make a mixture."""
    renamed.cli("kedro", "mart", "rollback", "1")
    renamed.write_source("products", [product(name="Lantern 2"), SHOP["products"][1]])
    renamed.run()
    assert renamed.query("SELECT name FROM tb_products WHERE product_id = 'A'") == [("Lantern 2",)]
    assert renamed.query("SELECT count(*) FROM tb_customers") == [(1,)]
    assert renamed.query(
        "SELECT domain, reason, rows_read FROM tb_control_data_update WHERE version = 4 ORDER BY domain LIMIT 2"
    ) == [
        ("customers", "it was rolled back, and something is new", 1),
        ("order_items", "it was rolled back, and something is new", 4),
    ]


def test_the_watermark_goes_back_with_the_version(published: Project):
    published.write_source("products", [product(updated_at="2026-05-05T00:00:00Z"), SHOP["products"][1]])
    published.run()
    published.cli("kedro", "mart", "rollback", "1")
    assert published.query(
        "SELECT CAST(arg_max(watermark_to, started_at) AS DATE) = DATE '2025-01-01' FROM tb_control_data_update"
        " WHERE domain = 'products'"
    ) == [(True,)]


def test_a_rollback_to_the_same_content_makes_no_version(renamed: Project):
    done = renamed.cli("kedro", "mart", "rollback", "2")
    assert done.stdout == "The mart holds the content of version 2 already; it stays at version 2.\n"


def test_pruning_removes_what_can_no_longer_be_asked_for_and_says_so(renamed: Project):
    done = renamed.cli("kedro", "mart", "prune", "--keep", "0d")
    assert done.stdout.splitlines() == [
        "tb_customers_history: 1 rows removed",
        "tb_orders_history: 0 rows removed",
        "tb_products_history: 1 rows removed",
        "tb_order_items_history: 0 rows removed",
        "tb_rejected_rows: 0 rows removed",
    ]
    with pytest.raises(VersionError) as refusal:
        load(renamed, "tb_products", 1)
    assert str(refusal.value) == (
        "tb_products: its history goes back to version 2, not to 1.\n  Older rows were removed with `kedro mart prune`."
    )
    assert {row["name"] for row in load(renamed, "tb_products", 2)} == {"Lantern", "Novel"}
    assert len(load(renamed, "tb_orders", 1)) == 3


def test_pruning_keeps_what_is_asked_for(renamed: Project):
    before = renamed.content()
    renamed.cli("kedro", "mart", "prune", "--keep", "1d")
    assert renamed.content() == before
    assert len(load(renamed, "tb_products", 1)) == 2


def test_a_period_that_is_none_is_refused(renamed: Project):
    before = renamed.content()
    done = renamed.cli("kedro", "mart", "prune", "--keep", "soon")
    assert done.returncode == 2
    assert "'soon' is not a period; write it such as 90d, 24h or 15m." in done.stderr
    assert renamed.content() == before


DECISION = Decision("letters", "rebuild", "a test", SourceState(None, None, ""), None, "{}", "")
LETTERS = PublishedTable("tb_letters", ("a", "b"), "One row per (a, b).", {"a": "Key.", "b": "Key.", "value": "Any."})


@pytest.mark.parametrize("seed", range(8))
def test_every_earlier_version_reads_as_it_was_then(tmp_path, seed: int):
    """Random inserts, updates, deletes and re-appearances; every version is compared with the copy taken then."""
    chance = random.Random(seed)
    mart = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "tmp"), str(tmp_path)))
    rows: dict[tuple[int, str], int | None] = {}
    copies: dict[int, set[tuple[Any, ...]]] = {}
    for number in range(25):
        for _ in range(chance.choice((0, 0, 1, 3, 9))):
            key = (chance.randrange(4), chance.choice("xyz"))
            if chance.random() < 0.35:
                rows.pop(key, None)
            else:
                rows[key] = chance.choice((None, 1, 2, 3))
        run = begin(mart, f"run {number}", ["letters"])
        values = ", ".join(f"({a}, '{b}', {'NULL' if v is None else v})" for (a, b), v in rows.items())
        source = f"(VALUES {values}) AS rows(a, b, value)" if rows else "(SELECT 0 AS a, '' AS b, 0 AS value) LIMIT 0"
        build(mart, LETTERS, "letters", f"SELECT CAST(a AS INT) AS a, b, CAST(value AS INT) AS value FROM {source}")
        run.decisions["letters"] = DECISION
        publish(mart)
        copies[run.version] = {(a, b, v) for (a, b), v in rows.items()}
    assert len(copies) > 5
    assert [version.number for version in list_versions(mart)] == sorted(copies)
    for version, copy in copies.items():
        found = mart.execute(f"SELECT a, b, value FROM ({select_as_of(mart, LETTERS, version)})")
        assert (len(found), set(found)) == (len(copy), copy)
    earlier, later = sorted(chance.sample(sorted(copies), 2))
    before, after = ({(a, b): v for a, b, v in copies[version]} for version in (earlier, later))
    assert Difference(mart, LETTERS, earlier, later).counts() == {
        "inserted": len(after.keys() - before.keys()),
        "updated": sum(before[key] != after[key] for key in before.keys() & after.keys()),
        "deleted": len(before.keys() - after.keys()),
    }
    middle = list_versions(mart)[len(copies) // 2]
    prune(mart, {"letters": LETTERS}, middle.valid_from)
    for version in (number for number in copies if number >= middle.number):
        found = mart.execute(f"SELECT a, b, value FROM ({select_as_of(mart, LETTERS, version)})")
        assert set(found) == copies[version]
    assert resolve_version(mart, middle.valid_from) == middle.number
    mart.close()
