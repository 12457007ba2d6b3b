"""The console beside runs: it sees what they publish, and keeps none waiting."""

from __future__ import annotations

import json
import os

import pytest

from datamart_kedro.control.personal_data import PersonalDataRules
from tests.console.serving import Served, served
from tests.project import Project
from tests.shop import SHOP, item


def test_before_the_first_run_every_page_says_how_to_make_the_mart(empty: Served):
    for page in ("/", "/customers", "/products", "/forecast", "/quality", "/runs", "/metrics"):
        answer = empty.get(page)
        assert answer.status == 503
        assert "Nothing is published yet." in answer.words
        assert "Make the mart with `kedro run`" in answer.words


def test_a_run_is_not_kept_waiting_and_what_it_publishes_is_shown_at_once(project: Project):
    assert project.cli("kedro", "run").returncode == 0
    with served(project.folder) as console:
        assert "45.00 EUR" in console.get("/").words
        project.write_source("order_items", [*SHOP["order_items"], item(order_id="11", line_number="2")])
        assert project.cli("kedro", "run").returncode == 0
        after = console.get("/").words
        assert "65.00 EUR" in after
        assert "Version 2" in after
        assert "45.00" in console.get("/metrics/revenue?version=1").words


def test_a_run_that_finds_nothing_new_is_shown(project: Project):
    project.cli("kedro", "run")
    with served(project.folder) as console:
        console.get("/runs")
        project.cli("kedro", "run")
        assert "skipped" in console.get("/runs").words


def test_a_run_that_fails_is_shown_with_its_error(project: Project):
    project.cli("kedro", "run")
    project.source("orders").unlink()
    assert project.cli("kedro", "run").returncode == 1
    with served(project.folder) as console:
        assert "orders: There is no file data/01_raw/orders.csv." in console.get("/quality").words


def test_a_run_under_way_is_named(published: Project):
    published.cli("kedro", "run")
    note = published.mart.with_name(f"{published.mart.name}.run")
    with served(published.folder) as console:
        assert "A run is under way" not in console.get("/runs").words
        note.write_text(json.dumps({"run_id": "r", "pid": os.getpid(), "since": "2025-01-01 10:00:00"}))
        assert "A run is under way since 2025-01-01 10:00:00 UTC." in console.get("/runs").words
        note.write_text(json.dumps({"run_id": "r", "pid": 2**22 + 1, "since": "2025-01-01 10:00:00"}))
        assert "A run is under way" not in console.get("/runs").words


def test_pages_of_models_that_have_not_run_name_the_command(project: Project):
    project.cli("kedro", "run")
    with served(project.folder) as console:
        assert "Make it with `kedro run --pipelines=forecasts`" in console.get("/forecast").words
        words = console.get("/customers").words
        assert "Make it with `kedro run --pipelines=segments`" in words
        assert "Make it with `kedro run --pipelines=churn`" in words
        assert "churn_risk" not in console.get("/metrics/churn_risk").words
        assert console.get("/metrics/churn_risk").status == 400


@pytest.mark.parametrize(
    ("rules", "name"),
    [
        (PersonalDataRules(), "Ann Archer"),
        (PersonalDataRules(publish="hashed"), "(personal data)"),
        (PersonalDataRules(columns={"customers": {"full_name": "omitted"}}), "(personal data)"),
    ],
)
def test_personal_data_is_shown_on_request_where_it_is_published_plainly(
    shop_with_models: Project, rules: PersonalDataRules, name: str
):
    with served(shop_with_models.folder, personal=rules, show_personal=True) as console:
        assert f"full_name {name}" in console.get("/customers/story?customer_id=1").words


def test_personal_data_stays_hidden_where_its_history_was_plain(shop_with_models: Project):
    with served(shop_with_models.folder) as console:
        text = "".join(console.get(page).text for page in ("/", "/customers", "/quality", "/runs"))
        assert "Archer" not in text
        assert "example.com" not in text
