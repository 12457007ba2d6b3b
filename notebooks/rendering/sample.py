"""The sample shop in a project of its own, and notebooks that run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"
COMMANDS = (
    "kedro run",
    "kedro mart sample --advance 7",  # a week passes in the shop, so that there is a history to look at
    "kedro run",
    "kedro run --pipelines=features",
    "kedro run --pipelines=models",
)
CELL_TIMEOUT_S = 300


def make_project(folder: Path) -> None:
    """Make a project with the code, configuration and notebooks of this one and the sample shop.

    Args:
        folder: Where; it must not be there.
    """
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    (folder / "conf" / "local").mkdir()
    shutil.copytree(ROOT / "data" / "01_raw", folder / "data" / "01_raw")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("rendering", ".ipynb_checkpoints"))
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder)
    (folder / "src").mkdir()
    (folder / "src" / "datamart_kedro").symlink_to(ROOT / "src" / "datamart_kedro")


def run(commands: Sequence[str], folder: Path) -> None:
    """Run commands in a project, one after the other.

    Raises:
        SystemExit: One failed; what it had done is left to be looked at.
    """
    for command in commands:
        program, *arguments = command.split()
        done = subprocess.run(
            [str(Path(sys.executable).parent / program), *arguments],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"`{command}` failed in {folder}:\n{done.stdout}{done.stderr}")


def executed(notebook: Path, folder: Path, env: str = "") -> nbformat.NotebookNode:
    """Run a notebook from top to bottom as JupyterLab does, and return it with its outputs.

    Args:
        notebook: The file.
        folder: The project that it runs in.
        env: Its environment, such as ``online_retail``.

    Raises:
        CellExecutionError: A cell failed.
    """
    content = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        content,
        kernel_name="python3",
        timeout=CELL_TIMEOUT_S,
        resources={"metadata": {"path": str(folder / "notebooks")}},
    )
    return client.execute(env=environment(folder, env))


def environment(folder: Path, env: str = "") -> dict[str, str]:
    """What commands and kernels find in their variables.

    Args:
        folder: The project.
        env: Its environment; ``base`` if empty, whatever the variables of this process say.
    """
    return {
        **os.environ,
        "DO_NOT_TRACK": "1",
        "KEDRO_ENV": env,
        "IPYTHONDIR": str(folder / ".ipython"),
        "KEDRO_LOGGING_CONFIG": str(folder / "conf" / "logging.yml"),  # Kedro looks below the working directory only
        "PLOTLY_RENDERER": "plotly_mimetype",
    }
