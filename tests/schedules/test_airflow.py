"""The example for Airflow: the DAG that `kedro airflow create` makes of our template, without Airflow itself."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.project import Project
from tests.schedules.conftest import EXAMPLES, GATED, example, runs, shell

DAG_FILE = "airflow/datamart_kedro_dag.py"


class FakeDag:
    """What Airflow would know of a DAG."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.tasks: list[dict[str, Any]] = []

    def __enter__(self) -> FakeDag:
        FakeDag.current = self
        return self

    def __exit__(self, *_: object) -> None:
        pass


def load(text: str, monkeypatch: pytest.MonkeyPatch) -> FakeDag:
    """Execute a DAG file with stand-ins for what it imports of Airflow."""
    sdk, bash = ModuleType("airflow.sdk"), ModuleType("airflow.providers.standard.operators.bash")
    sdk.DAG = FakeDag  # type: ignore[attr-defined]
    bash.BashOperator = lambda **task: FakeDag.current.tasks.append(task)  # type: ignore[attr-defined]
    for name in ("airflow", "airflow.providers", "airflow.providers.standard", "airflow.providers.standard.operators"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for module in (sdk, bash):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    names: dict[str, Any] = {}
    exec(compile(text, DAG_FILE, "exec"), names)
    dag = names["dag"]
    assert isinstance(dag, FakeDag)
    return dag


def rendered(**values: Any) -> str:
    """The template, filled in as kedro-airflow 0.11 does it."""
    import jinja2
    from slugify import slugify

    loader = jinja2.FileSystemLoader(EXAMPLES / "airflow")
    environment = jinja2.Environment(autoescape=True, loader=loader, lstrip_blocks=True)
    environment.filters["slugify"] = slugify
    given = {"env": "local", "pipeline_name": "__default__", "package_name": "datamart_kedro", **values}
    return environment.get_template("dag_template.j2").render(**given)


def test_the_dag_is_what_the_template_makes():
    assert (EXAMPLES / DAG_FILE).read_text().strip() == rendered().strip()


def test_kedro_airflow_makes_the_same(project: Project):
    pytest.importorskip("kedro_airflow", reason="kedro-airflow is not installed")
    done = project.cli("kedro", "airflow", "create", "--jinja-file", str(EXAMPLES / "airflow" / "dag_template.j2"))
    assert done.returncode == 0, done.stderr
    made = project.folder / "airflow_dags" / "datamart_kedro_dag.py"
    assert made.read_text().strip() == (EXAMPLES / DAG_FILE).read_text().strip()


def test_a_run_is_one_task_and_the_next_one_waits_for_it(project: Project, monkeypatch: pytest.MonkeyPatch):
    dag = load(example(DAG_FILE, project), monkeypatch)
    assert len(dag.tasks) == 1
    assert (dag.settings["max_active_runs"], dag.settings["catchup"]) == (1, False)


def test_the_task_asks_the_gates(installed: Project, monkeypatch: pytest.MonkeyPatch):
    (task,) = load(example(DAG_FILE, installed), monkeypatch).tasks
    assert task["cwd"] == str(installed.folder)
    assert [shell(task["bash_command"], installed).returncode for _ in range(2)] == [0, 0]
    assert runs(installed) == GATED


def test_a_task_whose_run_is_refused_fails(installed: Project, monkeypatch: pytest.MonkeyPatch):
    installed.source("orders").unlink()
    (task,) = load(example(DAG_FILE, installed), monkeypatch).tasks
    assert shell(task["bash_command"], installed).returncode == 1


def test_another_pipeline_and_environment_is_another_dag(monkeypatch: pytest.MonkeyPatch):
    dag = load(rendered(env="postgres", pipeline_name="features", schedule="30 3 * * *", retries=0), monkeypatch)
    assert dag.settings["dag_id"] == "datamart-kedro-postgres-features"
    assert dag.settings["schedule"] == "30 3 * * *"
    assert dag.settings["default_args"]["retries"] == 0
    assert dag.tasks[0]["bash_command"] == "exec .venv/bin/kedro run --env=postgres --pipelines=features"
