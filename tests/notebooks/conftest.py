"""The notebooks, and a project of the sample shop that they run in, made once for all workers."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from notebooks.rendering.sample import COMMANDS, NOTEBOOKS, executed, make_project, run

FILES = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
FEWER = (  # models that are as whole and not as good, in a third of the time
    " --params churn.importance_repeats=1,churn.importance_rows=200,segments.resamples=5,segments.max_segments=4,"
    "forecasts.origins=3,forecasts.max_rows=2000"
)
Executed = Callable[[str], nbformat.NotebookNode]


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of this session have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def sample_project(shared_folder: Path) -> Path:
    """The project with the committed sample shop, and a week that passed in it; everything has run."""
    folder = shared_folder / "notebooks"
    with locked(folder):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make_project(folder)
            run([*COMMANDS[:-1], COMMANDS[-1] + FEWER], folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def run_notebook(sample_project: Path) -> Executed:
    """Run a notebook of the sample project, or take what another test that ran it has left."""

    def executed_once(name: str) -> nbformat.NotebookNode:
        kept = sample_project / f"{name}.executed.ipynb"
        with locked(kept):
            if not kept.exists():
                nbformat.write(executed(FILES[name], sample_project), kept)
            return nbformat.read(kept, as_version=4)

    return executed_once


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other workers from making the same thing at the same time."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
