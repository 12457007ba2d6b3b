"""The ledger speaks: freshness, past runs, rejected rows."""

from __future__ import annotations

import csv
import json
from datetime import timedelta

import pytest

from datamart_kedro.commands.periods import words
from datamart_kedro.errors import RunError, SourceError
from datamart_kedro.pipeline_registry import DOMAINS
from tests.project import Project
from tests.shop import SHOP, customer, item, order


def test_status_says_how_fresh_each_domain_is(published: Project):
    done = published.cli("kedro", "mart", "status", "--max-age", "1d")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["domain", "rows", "version"]
    assert {line.split()[0]: line.split()[1:3] for line in lines[1:]} == {
        "customers": ["2", "1"],
        "orders": ["3", "1"],
        "products": ["2", "1"],
        "order_items": ["4", "1"],
    }
    assert all(line.endswith("published  nothing") for line in lines[1:])


def test_a_domain_that_was_not_checked_for_long_is_stale(published: Project):
    published.execute("UPDATE tb_control_data_update SET started_at = started_at - INTERVAL 3 DAY")
    published.run("products")
    done = published.cli("kedro", "mart", "status", "--max-age", "2d", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["stale"] == ["customers", "orders", "order_items"]
    assert done.stderr == "Stale: customers, orders, order_items\n"


def test_a_skipped_check_counts_as_fresh(published: Project):
    published.execute("UPDATE tb_control_data_update SET started_at = started_at - INTERVAL 3 DAY")
    published.run()
    assert published.cli("kedro", "mart", "status", "--max-age", "2d").returncode == 0


def test_status_names_what_went_wrong_and_what_is_left_over(published: Project):
    published.source("orders").unlink()
    with pytest.raises(SourceError):
        published.run()
    done = published.cli("kedro", "mart", "status")
    assert "the last run was failed" in done.stdout
    assert done.stdout.count("orders: There is no file data/01_raw/orders.csv.") == 1


def test_status_names_staged_rows_that_are_not_published(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    published.run("customers", to_nodes=["stage_customers"])
    domains = json.loads(published.cli("kedro", "mart", "status", "--json").stdout)["domains"]
    assert {domain["domain"]: domain["pending"] for domain in domains} == {
        "customers": "tmp_customers holds rows that are not published",
        "orders": "",
        "products": "",
        "order_items": "",
    }


def test_status_of_a_mart_that_is_not_there_is_a_refusal(project: Project):
    done = project.cli("kedro", "mart", "status")
    assert done.returncode == 1
    assert done.stderr == (
        f"MartFileError: There is no mart at {project.mart}.\n"
        "  Nothing has been published yet.\n"
        "  Make it with `kedro run`.\n"
    )


def test_history_shows_past_runs_with_the_newest_first(published: Project):
    published.write_source("customers", [customer(full_name="Other"), customer(customer_id="")])
    published.run("customers")
    runs = json.loads(published.cli("kedro", "mart", "history", "--domain", "customers", "--json").stdout)
    assert [(run["status"], run["rows_read"], run["rows_rejected"], run["version"]) for run in runs] == [
        ("published", 2, 1, 2),
        ("published", 2, 0, 1),
    ]
    lines = published.cli("kedro", "mart", "history", "--limit", "1").stdout.splitlines()
    assert lines[1].split()[2:12] == ["customers", "published", "full", "2", "1", "1", "0", "0", "1", "1"]
    assert lines[1].endswith("new data: the content of the source changed; its source has no updated_at with a time")


@pytest.fixture
def dirty(project: Project) -> Project:
    """A mart whose last load set rows aside."""
    project.write_source(
        "orders", [order(), order(order_id="", ordered_at="soon"), order(order_id="13", ordered_at="")]
    )
    project.write_source("order_items", [item(), item(line_number="2", quantity="0")])
    project.run()
    return project


def test_rejected_rows_are_counted_by_domain_and_reason(dirty: Project):
    lines = dirty.cli("kedro", "mart", "rejected").stdout.splitlines()
    assert [" ".join(line.split()[:-3]) for line in lines[1:]] == [
        "order_items quantity is zero 1",
        "orders order_id is missing 1",
        "orders ordered_at is missing 1",
        "orders ordered_at is not a date 1",
    ]


def test_rejected_rows_are_exported_whole(dirty: Project):
    done = dirty.cli(
        "kedro", "mart", "rejected", "--domain", "orders", "--reason", "order_id is missing", "--to", "x.csv"
    )
    assert done.stdout.splitlines()[-1] == "1 rows are in x.csv."
    with (dirty.folder / "x.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["domain"], row["reasons"]) == ("orders", "order_id is missing; ordered_at is not a date")
    assert json.loads(row["row"]) == order(order_id=None, ordered_at="soon")


def test_only_the_last_load_is_shown_unless_a_run_is_named(dirty: Project):
    ((first,),) = dirty.query("SELECT DISTINCT run_id FROM tb_rejected_rows")
    dirty.write_source("orders", [order()])
    dirty.run()
    assert "orders" not in dirty.cli("kedro", "mart", "rejected", "--domain", "orders").stdout
    assert "order_id is missing" in dirty.cli("kedro", "mart", "rejected", "--run", first).stdout


@pytest.mark.parametrize("target", ["x.xlsx", "pyproject.toml"])
def test_a_file_that_cannot_be_written_is_refused(dirty: Project, target: str):
    before = (dirty.folder / "pyproject.toml").read_bytes()
    done = dirty.cli("kedro", "mart", "rejected", "--to", target)
    assert done.returncode == 1
    assert (dirty.folder / "pyproject.toml").read_bytes() == before
    assert not (dirty.folder / "x.xlsx").exists()


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (61, "1 min 1 s"), (3600, "1 h"), (93_600, "1 days 2 h"), (-5, "0 s")]
)
def test_periods_are_said_to_two_places(seconds: int, said: str):
    assert words(timedelta(seconds=seconds)) == said


def test_every_node_of_a_run_leaves_its_seconds_and_rows(project: Project):
    project.run()
    found = project.query("SELECT node, domain, rows_made FROM tb_control_node_times ORDER BY node")
    assert [node for node, *_ in found] == sorted(
        ["publication", *(f"{do}_{d}" for d in DOMAINS for do in ("check", "stage", "build", "verify"))]
    )
    assert ("stage_orders", "orders", len(SHOP["orders"])) in found
    assert ("build_order_items", "order_items", len(SHOP["order_items"])) in found
    assert ("check_products", "products", None) in found
    ((node_seconds, run_seconds),) = project.query(
        "SELECT (SELECT sum(seconds) FROM tb_control_node_times),"
        " date_diff('microsecond', min(started_at), max(finished_at)) / 1e6 FROM tb_control_data_update"
    )
    assert node_seconds > 0
    assert node_seconds < run_seconds + 1


def test_the_nodes_of_a_failed_run_leave_their_seconds_as_well(published: Project, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr("datamart_kedro.gated_runner.confirm_shops", fail)
    published.write_source("customers", SHOP["customers"][:1])
    with pytest.raises(RunError):
        published.run("customers")
    nodes = published.query(
        "SELECT node FROM tb_control_node_times JOIN tb_control_data_update USING (run_id, domain)"
        " WHERE status = 'failed' ORDER BY node"
    )
    assert nodes == [("build_customers",), ("check_customers",), ("stage_customers",), ("verify_customers",)]


def test_history_shows_how_long_nodes_took_and_usually_take(published: Project):
    runs = {"a": (1, 2.0), "b": (2, 3.0), "c": (3, 10.0), "d": (4, 7.0)}
    published.execute("DELETE FROM tb_control_node_times")
    for run, (day, seconds) in runs.items():
        published.execute(
            f"INSERT INTO tb_control_data_update (run_id, domain, status, started_at)"
            f" VALUES ('{run}', 'orders', 'published', TIMESTAMP '2030-01-0{day}');"
            f"INSERT INTO tb_control_node_times VALUES ('{run}', 'build_orders', 'orders', {seconds}, {1000 * day})"
        )
    shown = published.cli("kedro", "mart", "history", "--nodes").stdout.splitlines()
    assert [line.split() for line in shown] == [
        ["node", "rows", "seconds", "usually", "of", "runs", "in", "run"],
        ["build_orders", "4,000", "7.00", "3.00", "3", "d"],
    ]
    one = json.loads(published.cli("kedro", "mart", "history", "--nodes", "--json", "--domain", "orders").stdout)
    assert one[0]["usual_seconds"] == 3.0
    assert json.loads(published.cli("kedro", "mart", "history", "--nodes", "--json", "--domain", "x").stdout) == []
