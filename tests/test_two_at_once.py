"""Two runs at once, or a run and a reader: who has the mart, who waits, and what can be read meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from datamart_kedro.errors import HeldMartError
from tests.project import Project
from tests.shop import SHOP

A_RUN = """
import sys, time
from datamart_kedro.mart.mart import MartSettings, mart_at
from datamart_kedro.mart.run import begin
mart = mart_at(MartSettings(path=sys.argv[1], temp_folder="data/tmp", project="."))
begin(mart, "2001-02-03T04.05.06", ["orders"])
print("begun", flush=True)
time.sleep(float(sys.argv[2]))
mart.close()
"""


@contextmanager
def run_elsewhere(project: Project, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that has the mart for some time."""
    with subprocess.Popen(
        [sys.executable, "-c", A_RUN, str(project.mart), str(seconds)],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process
        process.kill()


def set_wait(project: Project, seconds: float) -> None:
    (project.folder / "conf" / "local" / "globals.yml").write_text(f"mart: {{wait_s: {seconds}}}\n")


def test_a_second_run_is_refused_at_once_and_told_which_run_has_the_mart(published: Project):
    with run_elsewhere(published) as other, pytest.raises(HeldMartError) as refusal:
        published.run()
    assert str(refusal.value).startswith(
        f"The mart {published.mart} is in use by run 2001-02-03T04.05.06 (process {other.pid}, since 20"
    )
    assert str(refusal.value).endswith(
        " UTC).\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Wait until it ends, or close the notebook or tool that has the file open; then run again."
        " `mart.wait_s` in globals.yml makes runs wait."
    )


def test_a_run_that_may_wait_begins_when_the_other_one_ends(published: Project, caplog: pytest.LogCaptureFixture):
    set_wait(published, 60)
    caplog.set_level("INFO")
    published.write_source("customers", SHOP["customers"][:1])
    with run_elsewhere(published) as other:

        def end_when_waited_for() -> None:
            while "waiting up to 60 s." not in caplog.text:
                time.sleep(0.05)
            other.kill()

        ending = threading.Thread(target=end_when_waited_for)
        ending.start()
        published.run()
        ending.join()
    assert f"in use by run 2001-02-03T04.05.06 (process {other.pid}, since 20" in caplog.text
    assert published.query("SELECT count(*) FROM tb_customers") == [(1,)]


def test_who_waited_for_nothing_is_told_so(published: Project):
    set_wait(published, 0.3)
    with run_elsewhere(published), pytest.raises(HeldMartError, match=r"and still did after 0\.3 s\."):
        published.run()


def test_what_a_killed_run_left_is_not_in_the_way(published: Project):
    with run_elsewhere(published) as other:
        other.kill()
        other.wait()
        published.run()
    assert published.query("SELECT DISTINCT status FROM tb_control_data_update WHERE run_id LIKE '2001-02-03%'") == [
        ("interrupted",)
    ]


def test_a_tool_that_has_the_file_is_named_and_not_taken_for_the_run_that_was_killed(published: Project):
    with run_elsewhere(published) as other:
        other.kill()
    with published.held_mart() as tool, pytest.raises(HeldMartError) as refusal:
        published.run()
    assert f"in use by process {tool} (" in refusal.value.happened
    assert "2001-02-03T04.05.06" not in refusal.value.happened


def test_no_note_stays_behind_a_run(published: Project):
    published.run()
    assert [path.name for path in published.mart.parent.glob("datamart.duckdb*")] == ["datamart.duckdb"]


def test_commands_read_the_copy_while_a_run_has_the_mart(project: Project):
    project.run()
    with run_elsewhere(project):
        shown = project.cli("kedro", "mart", "versions")
        refused = project.cli("kedro", "mart", "rejected")
    assert "tb_products does not exist yet" in shown.stdout
    assert "is in use by run 2001-02-03T04.05.06" in shown.stderr
    assert shown.stderr.endswith(f"This is what was published before: {project.folder}/data/published.duckdb\n")
    assert refused.returncode == 1
    assert refused.stderr.startswith("HeldMartError: ")


def test_tables_that_a_notebook_has_loaded_stand_in_no_run_s_way(project: Project):
    project.run()
    with project.session() as session:
        orders = session.load_context().catalog.load("tb_orders")
        assert orders.count().to_pyarrow().as_py() == len(SHOP["orders"])
        assert project.cli("kedro", "run", "--params", "force=true").returncode == 0


def test_a_released_table_is_loaded_as_it_is_now(project: Project):
    project.run()
    with project.session() as session:
        catalog = session.load_context().catalog
        assert catalog.load("tb_customers").count().to_pyarrow().as_py() == 2
        project.write_source("customers", SHOP["customers"][:1])
        assert project.cli("kedro", "run").returncode == 0
        assert catalog.load("tb_customers").count().to_pyarrow().as_py() == 2
        catalog.release("tb_customers")
        assert catalog.load("tb_customers").count().to_pyarrow().as_py() == 1


READ_IN_A_LOOP = """
import duckdb, sys, time
seen = set()
while True:
    with duckdb.connect(sys.argv[1], read_only=True) as copy:
        (version,), (customers,), (items, orders), (control,) = (
            copy.sql(f"SELECT {what}").fetchone()
            for what in (
                "max(_version) FROM tb_customers",
                "count(*) FROM tb_customers",
                "(SELECT sum(net_amount) FROM tb_order_items), (SELECT sum(net_amount) FROM tb_orders)",
                "max(version) FROM tb_control_data_update",
            )
        )
    assert version == control and items == orders, (version, control, items, orders)
    if version not in seen:
        seen.add(version)
        print(version, customers, flush=True)
"""


def test_the_copy_is_read_in_a_loop_while_runs_publish(project: Project):
    rows = [{**SHOP["customers"][0], "customer_id": str(number)} for number in range(1, 7)]
    project.write_source("customers", rows[:1])
    project.run()
    with subprocess.Popen(
        [sys.executable, "-c", READ_IN_A_LOOP, str(project.folder / "data" / "published.duckdb")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        said = [reader.stdout.readline()]
        for number in range(2, 7):
            project.write_source("customers", [*rows[:number], rows[0] | {"customer_id": f"x{number}"}])
            project.run()
            said.append(reader.stdout.readline())
        reader.kill()
        assert reader.stderr is not None
        assert reader.stderr.read() == ""
    assert said == ["1 1\n", *(f"{number} {number + 1}\n" for number in range(2, 7))]
    assert not (project.mart.parent / "published.duckdb.new").exists()
