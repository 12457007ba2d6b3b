"""The example of a workflow for GitHub Actions: its steps are run."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.project import Project
from tests.schedules.conftest import ALL, EXAMPLES, GATED, runs, shell

WORKFLOW: dict[Any, Any] = yaml.safe_load((EXAMPLES / "github-actions" / "datamart.yml").read_text())
JOB: dict[str, Any] = WORKFLOW["jobs"]["run"]
STEPS: list[dict[str, Any]] = JOB["steps"]


def carry_out(project: Project, **environment: str) -> list[int]:
    """Run the steps after the installation, and give their exit codes."""
    commands = [step["run"] for step in STEPS if "run" in step and step["name"] != "Install"]
    return [shell(command, project, **environment).returncode for command in commands]


def test_the_steps_publish_and_ask_the_gates_the_next_time(installed: Project):
    assert [carry_out(installed, FORCE="false") for _ in range(2)] == [[0, 0], [0, 0]]
    assert runs(installed) == GATED


def test_who_starts_it_by_hand_can_force_it(installed: Project):
    installed.run()
    assert carry_out(installed, FORCE="true") == [0, 0]
    assert runs(installed) == [("published", ALL)] * 2


def test_the_installation_is_a_target_of_make():
    (install,) = [step["run"] for step in STEPS if step.get("name") == "Install"]
    target = install.removeprefix("make ").replace(".venv", "$(VENV)")
    assert re.search(rf"^{re.escape(target)}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_one_run_at_a_time_and_none_is_cut_off():
    assert WORKFLOW["concurrency"] == {"group": "datamart", "cancel-in-progress": False}


def test_the_mart_is_brought_and_kept_under_one_key():
    restore, keep = (step["with"] for step in STEPS if step.get("uses", "").startswith("actions/cache"))
    assert (restore["key"], restore["path"]) == (keep["key"], keep["path"])
    assert restore["key"].startswith(restore["restore-keys"])
    assert "data/datamart.duckdb" in restore["path"].split()


def test_secrets_and_inputs_reach_the_steps_as_variables_only():
    assert [step["run"] for step in STEPS if "${{" in step.get("run", "")] == []
    assert JOB["env"]["DATAMART_SHOP_URL"] == "${{ secrets.DATAMART_SHOP_URL }}"
    assert WORKFLOW["permissions"] == {"contents": "read"}
