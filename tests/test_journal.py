"""What the last runs did, beside the readable copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.journal import Journal, journal_path, read_journal
from tests.project import Project
from tests.shop import SHOP, item


def copy_of(project: Project) -> Path:
    return project.folder / "data" / "published.duckdb"


def test_a_run_that_finds_nothing_new_is_told_although_the_copy_is_as_it_was(project: Project):
    project.run()
    before = copy_of(project).stat().st_mtime_ns
    project.run()
    assert copy_of(project).stat().st_mtime_ns == before
    statuses = [(run["domain"], run["status"]) for run in read_journal(copy_of(project)).runs]
    assert statuses[:4] == [(name, "skipped") for name in ("customers", "order_items", "orders", "products")]
    assert statuses[4:] == [(name, "published") for name in ("customers", "order_items", "orders", "products")]


def test_a_run_that_failed_is_told_with_its_error(project: Project):
    project.run()
    project.source("orders").unlink()
    with pytest.raises(SourceError):
        project.run()
    newest = read_journal(copy_of(project)).runs[0]
    assert newest["status"] == "failed"
    assert "There is no file" in newest["error"]


def test_rows_that_are_set_aside_are_counted_and_not_shown(project: Project):
    project.write_source("order_items", [*SHOP["order_items"], item(line_number="9", unit_price="-1")])
    project.run()
    ((run_id,),) = project.query("SELECT DISTINCT run_id FROM tb_rejected_rows")
    assert read_journal(copy_of(project)).rejected == [("order_items", "unit_price is negative", 1, run_id)]


def test_results_of_rules_are_told(project: Project):
    project.run()
    results = read_journal(copy_of(project)).results
    assert {result["domain"] for result in results} == {"customers", "orders", "products", "order_items"}
    assert all(result["breaches"] == 0 for result in results if result["severity"] == "error")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runs": [{}], "results": [], "rejected": []}'])
def test_a_journal_that_is_not_one_is_an_empty_one(tmp_path: Path, text: str):
    copy = tmp_path / "published.duckdb"
    assert read_journal(copy) == Journal()
    journal_path(copy).write_text(text)
    assert read_journal(copy) == Journal()
