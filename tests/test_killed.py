"""A run that is killed at any moment: readers see the old mart or the new one, and the next run needs no help."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project
from tests.project import Project
from tests.shop import SHOP, customer, item, order, product

KILLS = int(os.environ.get("DATAMART_KILLS", "4"))
"""How many runs are killed at a random moment."""

RUN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from datamart_kedro.mart.mart import Mart
from datamart_kedro.session import GatedSession

when, words, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
execute, compute = Mart.execute, Mart.compute

def dying(method):
    def run(self, *arguments):
        global count
        is_it = words in arguments[-1 if method is compute else 0]
        count -= is_it
        if is_it and count == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(self, *arguments)
        if is_it and count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return run

Mart.execute, Mart.compute = dying(execute), dying(compute)
bootstrap_project(Path.cwd())
with GatedSession.create(Path.cwd(), save_on_close=False) as session:
    session.run()
"""

OLD, NEW = "old", "new"
POINTS = {
    "after the check": ("before", '"judged_', 1, OLD),
    "while staging": ("after", '"tmp_', 3, OLD),
    "between two domains": ("before", '"judged_', 3, OLD),
    "between two tables": ("after", '"build_', 2, OLD),
    "before the last table": ("before", '"build_customers"', 1, OLD),
    "at the start of the publication": ("after", "BEGIN", 1, OLD),
    "within the publication": ("after", 'INSERT INTO "tb_', 2, OLD),
    "while the history is written": ("after", "_history", 2, OLD),
    "before the ledger is closed": ("before", "'published'", 2, OLD),
    "before the commit": ("before", "COMMIT", 1, OLD),
    "after the commit": ("after", "COMMIT", 1, NEW),
    "while the copy is written": ("after", 'readable.main."tb_orders"', 1, NEW),
    "before the copy is complete": ("before", "DETACH", 1, NEW),
}


def changed_shop() -> dict[str, list[dict[str, Any]]]:
    """The tiny shop some time later: in every domain a row is new, one is changed and one is gone."""
    return {
        "customers": [customer(full_name="Ann Other"), customer(customer_id="3")],
        "products": [product(unit_cost="5.00"), product(product_id="C")],
        "orders": [order(status="delivered"), SHOP["orders"][1], order(order_id="13", customer_id="3")],
        "order_items": [item(quantity="3"), SHOP["order_items"][2], item(order_id="13", product_id="C")],
    }


def business_rows(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of the published tables, without the instant at which they began to hold."""
    return {
        table: project.query(f"SELECT * EXCLUDE (_valid_from) FROM {table} ORDER BY ALL")
        for table in ("tb_customers", "tb_products", "tb_orders", "tb_order_items")
    }


@pytest.fixture(scope="session")
def states(
    tmp_path_factory: pytest.TempPathFactory, mart_of_the_tiny_shop: Path
) -> dict[str, dict[str, list[tuple[Any, ...]]]]:
    """What readers see before and after a run of the changed shop."""
    project = copy_of_project(tmp_path_factory.mktemp("changed") / "project")
    shutil.copy(mart_of_the_tiny_shop, project.mart)
    old = business_rows(project)
    for domain, rows in changed_shop().items():
        project.write_source(domain, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        project.run()
    close_marts()
    new = business_rows(project)
    assert [table for table in old if old[table] == new[table]] == []
    return {OLD: old, NEW: new}


@pytest.fixture
def waiting(published: Project) -> Project:
    """A mart at version 1, whose shop has changed since."""
    for domain, rows in changed_shop().items():
        published.write_source(domain, rows)
    return published


def run_and_die(project: Project, *arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-c", RUN_AND_DIE, *arguments], cwd=project.folder, capture_output=True, check=False
    ).returncode


def assert_the_next_run_needs_no_help(project: Project, states: dict[str, Any], seen: str) -> None:
    project.run()
    assert business_rows(project) == states[NEW]
    interrupted = project.query("SELECT count(*) FROM tb_control_data_update WHERE status = 'interrupted'")
    assert interrupted == ([(4,)] if seen == OLD else [(0,)])
    assert project.query("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'build%'") == [(0,)]
    assert {path.name for path in project.mart.parent.glob("*.duckdb*")} == {"datamart.duckdb", "published.duckdb"}
    with duckdb.connect(project.mart.with_name("published.duckdb"), read_only=True) as copy:
        assert copy.execute("SELECT max(_version) FROM tb_orders").fetchone() == (2,)


@pytest.mark.parametrize(("when", "words", "count", "seen"), POINTS.values(), ids=POINTS.keys())
def test_a_run_killed_at_a_known_point(
    waiting: Project, states: dict[str, Any], when: str, words: str, count: int, seen: str
):
    assert run_and_die(waiting, when, words, str(count)) == -signal.SIGKILL
    assert business_rows(waiting) == states[seen]
    assert_the_next_run_needs_no_help(waiting, states, seen)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_run_killed_at_a_random_moment(waiting: Project, states: dict[str, Any], seed: int):
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "kedro"), "run"],
        cwd=waiting.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(random.Random(seed).uniform(0.6, 4.0))
    process.kill()
    process.wait()
    seen = business_rows(waiting)
    assert seen in (states[OLD], states[NEW])
    waiting.run()
    assert business_rows(waiting) == states[NEW]
    assert waiting.query("SELECT count(*) FROM tb_control_data_update WHERE status = 'running'") == [(0,)]


def test_ctrl_c_ends_with_a_line_and_leaves_the_mart_as_it_was(waiting: Project, states: dict[str, Any]):
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "kedro"), "run"],
        cwd=waiting.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "tmp_customers" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == (
        "RunStopped: The run was stopped by Ctrl-C.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Run again when you like.\n"
    )
    assert business_rows(waiting) == states[OLD]
    assert waiting.query("SELECT DISTINCT status FROM tb_control_data_update WHERE version IS NULL") == [
        ("interrupted",)
    ]
