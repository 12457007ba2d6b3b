"""The benchmark of features runs, and holds the engine against pandas."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SMALL = ("--customers", "200", "--pandas-customers", "200", "--cutoffs", "1")


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/features.py", *SMALL, "--folder", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which it ran once."""
    return tmp_path_factory.mktemp("benchmark")


def test_it_says_what_features_cost_after_both_ways_have_agreed(folder: Path):
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "200 customers, 1 cutoffs, pandas" in done.stdout
    assert "The further cutoff:" in done.stdout
