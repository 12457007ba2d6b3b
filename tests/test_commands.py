"""The commands, as a person types them: in a process of their own."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from datamart_kedro.cli import COMMANDS, cli
from tests.project import Project
from tests.shop import SHOP, customer


def test_kedro_run_makes_the_mart_and_sums_it_up(project: Project):
    done = project.cli("kedro", "run")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line[9:].removeprefix("INFO").strip() for line in done.stdout.splitlines()]
    table = {line.split()[0]: line.split()[1:] for line in lines if line.split()[0] in {*SHOP, "domain"}}
    assert table["domain"] == [
        "read", "staged", "rejected", "superseded", "published", "inserted", "updated", "deleted", "seconds",
    ]  # fmt: skip
    assert table["order_items"][:-1] == ["4", "4", "0", "0", "4", "4", "0", "0"]
    assert lines[-1].startswith("Version 1 is published in ")
    assert lines[-1].endswith(str(project.mart))


def test_the_old_spelling_of_a_pipeline_works_too(published: Project):
    done = published.cli("kedro", "run", "--pipeline=customers")
    assert done.returncode == 0
    assert "customers: skipped, nothing new since version 1" in done.stdout
    assert "orders: skipped" not in done.stdout


@pytest.mark.parametrize(
    "mistake", ["--pipelines=custmers", "--from-nodes=nosuch", "--tags=nosuch", "--env=nosuch"], ids=str
)
def test_a_misspelt_name_is_one_message(published: Project, mistake: str):
    done = published.cli("kedro", "run", mistake)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("UsageError: ")
    assert len(done.stderr.splitlines()) < 8


def test_the_mart_commands_work_below_the_project(published: Project):
    done = published.cli("kedro", "mart", "status", cwd="conf")
    assert done.returncode == 0, done.stderr


def test_the_package_runs_as_kedro_run_does(published: Project):
    done = published.cli("python", "-m", "datamart_kedro", "--pipelines=products")
    assert done.returncode == 0
    assert "products: skipped, nothing new since version 1" in done.stdout


def test_a_refusal_is_one_message_and_exit_code_1(project: Project):
    project.source("products").unlink()
    done = project.cli("kedro", "run")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr == (
        "SourceError: products: There is no file data/01_raw/products.csv.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Put it there (paths start at {project.folder}), or correct the path in the query."
        f" Query: {project.folder}/conf/base/sources/products.sql\n"
    )


def test_a_bug_is_one_message_too_and_its_traceback_is_in_the_log(project: Project):
    project.write_source("customers", [customer(updated_at="2025-01-01T00:00:00Z")])
    query = project.folder / "conf" / "base" / "sources" / "customers.sql"
    query.write_text("SELECT 1 / 0 AS customer_id, CAST('x' AS INTEGER) AS full_name")
    done = project.cli("kedro", "run", "--pipelines=customers")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_plan_says_what_a_run_would_do_and_changes_nothing(published: Project):
    published.write_source("customers", SHOP["customers"][:1])
    before = published.mart.read_bytes()
    done = published.cli("kedro", "mart", "plan")
    assert done.stdout.splitlines() == [
        "products     skip  nothing new since version 1",
        "order_items  skip  nothing new since version 1",
        "orders       skip  nothing new since version 1",
        "customers    load  new data: the content of the source changed;"
        " reads all rows: its source has no updated_at with a time",
    ]
    assert published.mart.read_bytes() == before


def test_plan_for_an_empty_mart_does_not_make_one(project: Project):
    done = project.cli("kedro", "mart", "plan", "--pipelines=products,customers", "--json")
    assert json.loads(done.stdout) == [
        {
            "domain": "customers",
            "action": "load",
            "reason": "tb_customers does not exist yet",
            "reading": "reads all rows: nothing is published yet",
        },
        {
            "domain": "products",
            "action": "load",
            "reason": "tb_products does not exist yet",
            "reading": "reads all rows: nothing is published yet",
        },
    ]
    assert not project.mart.exists()


def test_plan_takes_parameters_as_run_does(published: Project):
    done = published.cli("kedro", "mart", "plan", "--params", "force=true", "--pipelines=products")
    assert done.stdout == (
        "products  load  forced by `--params force=true`; reads all rows: its source has no updated_at with a time\n"
    )


def test_plan_shows_what_opens_below(published: Project):
    published.write_source("products", SHOP["products"][:1])
    done = published.cli("kedro", "mart", "plan")
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["load", "rebuild", "rebuild", "rebuild"]


def test_the_mart_commands_are_listed(project: Project):
    done = project.cli("kedro", "mart", "--help")
    assert [name for name in COMMANDS if f"  {name} " not in done.stdout] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_mart_command_explains_itself(name: str):
    shown = CliRunner().invoke(cli, ["mart", name, "--help"])
    assert shown.exit_code == 0
    assert "Usage: " in shown.output
