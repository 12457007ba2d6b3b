"""The examples of systemd units."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from datamart_kedro.watch.settings import WatchSettings
from datamart_kedro.watch.watch import CUT_OFF, END_WAIT_S
from tests.project import Project
from tests.schedules.conftest import EXAMPLES, GATED, example, runs, shell

UNITS = sorted(path.name for path in (EXAMPLES / "systemd").iterdir())


def unit(name: str, project: Project) -> configparser.ConfigParser:
    """A unit; of a key that comes twice, the last value."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(example(f"systemd/{name}", project))
    return parser


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_to_object_to(installed: Project, tmp_path: Path):
    for name in UNITS:
        (tmp_path / name).write_text(example(f"systemd/{name}", installed))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_asks_the_gates(installed: Project):
    command = unit("datamart.service", installed)["Service"]["ExecStart"]
    assert [shell(command, installed).returncode for _ in range(2)] == [0, 0]
    assert runs(installed) == GATED


def test_the_timer_starts_the_service_of_its_name(project: Project):
    assert {"datamart.service", "datamart.timer"} <= set(UNITS)
    assert "Unit" not in unit("datamart.timer", project)["Timer"]


def test_the_watch_that_the_service_starts_ends_on_sigterm(installed: Project):
    (installed.folder / "conf" / "local" / "globals.yml").write_text("watch: {port: 0}\n")
    command = unit("datamart-watch.service", installed)["Service"]["ExecStart"]
    with subprocess.Popen(command.split(), cwd=installed.folder, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (installed.folder / "data" / "published.duckdb").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.terminate()
        assert process.wait(120) == 0


def test_systemd_waits_longer_than_a_run_may_take_to_end(project: Project):
    service = unit("datamart-watch.service", project)["Service"]
    assert int(service["TimeoutStopSec"]) > WatchSettings().stop_wait_s + END_WAIT_S
    assert int(service["SuccessExitStatus"]) == CUT_OFF
