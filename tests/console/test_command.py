"""``kedro mart console``."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.datastructures import QueryParams

from datamart_kedro.commands.console import command
from datamart_kedro.console.filters import Days, filters_of
from datamart_kedro.errors import UsageError
from tests.project import Project


def test_the_console_says_where_it_is_and_ends_with_ctrl_c(published: Project):
    published.cli("kedro", "run")
    program = str(Path(sys.executable).parent / "kedro")
    with subprocess.Popen(
        [program, "mart", "console", "--port", "0"],
        cwd=published.folder,
        env={**os.environ, "DO_NOT_TRACK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors
    assert process.returncode in (0, 1, 130)


def test_a_port_that_somebody_has_is_refused(published: Project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(command, ["--port", str(port)])
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"UsageError: Port {port} cannot be listened on: Address already in use.\n  Name another with --port.\n"
    )


def test_an_environment_without_a_copy_is_refused(published: Project):
    place = published.folder / "conf" / "base" / "globals.yml"
    text = place.read_text()
    place.write_text(text.replace("readable_copy: ${project:data/published.duckdb}", "readable_copy: null"))
    refused = CliRunner().invoke(command, ["--port", "0"])
    assert refused.exit_code == 1
    assert "this environment has none" in refused.stderr


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("", "2025-01-31", "2025-03-02"),
        ("days=7", "2025-02-23", "2025-03-02"),
        ("since=2025-01-01&until=2025-01-31", "2025-01-01", "2025-02-01"),
        ("until=2025-01-31", "2025-01-02", "2025-02-01"),
        ("since=2025-02-01", "2025-02-01", "2025-03-02"),
    ],
)
def test_days_are_those_of_the_address(query: str, since: str, until: str):
    found = filters_of(QueryParams(query), date(2025, 3, 1)).days
    assert found == Days(date.fromisoformat(since), date.fromisoformat(until))


@pytest.mark.parametrize(
    "query", ["days=31", "days=x", "since=soon", "since=2025-02-01&until=2025-01-01", "since=1900-01-01"]
)
def test_days_that_are_none_are_refused(query: str):
    with pytest.raises(UsageError):
        filters_of(QueryParams(query), date(2025, 3, 1))
