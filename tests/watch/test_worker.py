"""What a worker does with its orders, in this process."""

from __future__ import annotations

from typing import Any

import pytest

from datamart_kedro.mart import mart as mart_module
from datamart_kedro.pipeline_registry import FEATURES
from datamart_kedro.watch import worker as worker_module
from datamart_kedro.watch.worker import Worker
from tests.project import Project
from tests.shop import SHOP, customer
from tests.test_two_at_once import run_elsewhere, set_wait


def test_a_look_at_an_empty_mart_finds_everything_new_and_makes_nothing(project: Project):
    report = Worker(None, []).carry_out("check")
    assert (report.outcome, report.mart and report.mart.version) == ("new_data", 0)
    assert not project.mart.exists()


def test_a_look_finds_nothing_new_says_what_the_mart_holds_and_changes_nothing(published: Project):
    before = published.mart.read_bytes()
    report = Worker(None, []).carry_out("check")
    assert report.outcome == "nothing_new"
    assert report.mart is not None
    assert {name: figures.rows for name, figures in report.mart.domains.items()} == {
        name: len(rows) for name, rows in SHOP.items()
    }
    assert published.mart.read_bytes() == before


def test_a_look_opens_the_mart_only_if_its_file_changed(published: Project, monkeypatch: pytest.MonkeyPatch):
    worker = Worker(None, [])
    worker.carry_out("check")
    monkeypatch.setattr(mart_module, "connect", lambda *_, **__: pytest.fail("the mart was opened"))
    published.write_source("customers", SHOP["customers"][:1])
    again = worker.carry_out("check")
    assert (again.outcome, again.mart) == ("new_data", None)


def test_a_look_sees_what_another_process_has_published(published: Project):
    worker = Worker(None, [])
    published.write_source("customers", SHOP["customers"][:1])
    assert worker.carry_out("check").outcome == "new_data"
    assert published.cli("kedro", "run").returncode == 0
    report = worker.carry_out("check")
    assert (report.outcome, report.mart and report.mart.version) == ("nothing_new", 2)


def test_the_mart_is_closed_after_each_order(published: Project):
    worker = Worker(None, [])
    for order in ("check", "run"):
        worker.carry_out(order)
        assert published.cli("python", "-c", f"import duckdb; duckdb.connect({str(published.mart)!r})").returncode == 0


def test_the_mart_is_free_for_others_while_the_shop_is_asked(published: Project, monkeypatch: pytest.MonkeyPatch):
    ask = worker_module._decisions
    opened = []

    def ask_while_another_opens_the_mart(*arguments: Any) -> Any:
        write = f"import duckdb; duckdb.connect({str(published.mart)!r})"
        opened.append(published.cli("python", "-c", write).returncode)
        return ask(*arguments)

    monkeypatch.setattr(worker_module, "_decisions", ask_while_another_opens_the_mart)
    assert Worker(None, []).carry_out("check").outcome == "nothing_new"
    assert opened == [0]


def test_a_table_that_is_older_than_one_above_it_is_something_new(published: Project):
    published.write_source("products", SHOP["products"][:1])
    published.run("products")
    assert Worker(None, ["products"]).carry_out("check").outcome == "nothing_new"
    assert Worker(None, []).carry_out("check").outcome == "new_data"


def test_settings_of_the_mart_are_read_anew(published: Project):
    worker = Worker(None, [])
    worker.carry_out("check")
    set_wait(published, 0.1)
    published.execute("CREATE TABLE other (x int)")
    with run_elsewhere(published):
        assert "and still did after 0.1 s." in worker.carry_out("check").error


def test_a_look_reads_configuration_anew(published: Project):
    worker = Worker(None, [])
    assert worker.carry_out("check").outcome == "nothing_new"
    file = published.folder / "conf" / "local" / "parameters.yml"
    file.write_text("force: products\n")
    assert worker.carry_out("check").outcome == "new_data"


def test_a_run_publishes_and_says_what_it_counted(published: Project):
    published.write_source("customers", [customer(full_name="Other"), customer(customer_id="")])
    report = Worker(None, ["customers"]).carry_out("run")
    assert (report.outcome, report.error, list(report.rows)) == ("published", "", ["customers"])
    assert report.rows["customers"] == {
        "read": 2, "staged": 1, "rejected": 1, "superseded": 0, "inserted": 0, "updated": 1, "deleted": 1,
    }  # fmt: skip
    assert published.query(f"SELECT version FROM tb_control_data_update WHERE run_id = '{report.run_id}'") == [(2,)]


def test_a_run_behind_closed_gates_changes_nothing_and_is_in_the_ledger(published: Project):
    report = Worker(None, []).carry_out("run")
    assert (report.outcome, report.rows) == ("unchanged", {})
    statuses = f"SELECT DISTINCT status FROM tb_control_data_update WHERE run_id = '{report.run_id}'"
    assert published.query(statuses) == [("skipped",)]


@pytest.mark.parametrize("order", ["check", "run"])
def test_a_refusal_is_told_whole(published: Project, order: str):
    published.source("orders").unlink()
    report = Worker(None, []).carry_out(order)
    assert report.outcome == "failed"
    assert report.error.startswith("SourceError: orders: There is no file data/01_raw/orders.csv.\n")


def test_of_anything_else_only_the_kind_is_told(published: Project, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("customer Ann Archer")

    monkeypatch.setattr("datamart_kedro.watch.worker._decisions", fail)
    report = Worker(None, []).carry_out("check")
    assert (report.outcome, report.error) == ("failed", "RuntimeError: see the log.")


def test_pipelines_without_a_source_are_looked_at_too(published: Project):
    report = Worker(None, ["features"]).carry_out("check")
    assert report.outcome == "new_data"
    assert report.mart is not None
    assert set(report.mart.domains) == set(FEATURES)


def test_a_mart_that_another_run_has_is_busy(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    with run_elsewhere(published):
        assert [Worker(None, []).carry_out(order).outcome for order in ("check", "run")] == ["busy", "busy"]
