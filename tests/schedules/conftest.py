"""What tests of the examples share: a project where they expect it, and how a run ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import Project

EXAMPLES = ROOT / "docs" / "examples"
HOME = "/srv/datamart"
"""Where the examples say that the project is."""


@pytest.fixture
def installed(project: Project) -> Project:
    """A project with its environment in `.venv`, as `make run` leaves it."""
    (project.folder / ".venv").mkdir()
    (project.folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return project


def example(name: str, project: Project) -> str:
    """The text of an example, for a project that is elsewhere."""
    return (EXAMPLES / name).read_text().replace(HOME, str(project.folder))


def shell(command: str, project: Project, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a scheduler does: with the shell, and hardly any environment."""
    return subprocess.run(
        ["/bin/bash", "-e", "-c", command],
        cwd=project.folder,
        env={"PATH": os.environ["PATH"], "DO_NOT_TRACK": "1", "HOME": str(project.folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def runs(project: Project) -> list[tuple[str, str]]:
    """How each run of the ledger ended, for all of its domains together, the oldest first."""
    return project.query(
        "SELECT string_agg(DISTINCT status, ' ' ORDER BY status), string_agg(DISTINCT domain, ' ' ORDER BY domain)"
        " FROM tb_control_data_update GROUP BY run_id ORDER BY min(started_at)"
    )


ALL = "customers order_items orders products"
GATED = [("published", ALL), ("skipped", ALL)]
"""What two runs of the tiny shop leave if the second one asks the gates."""
