"""What a run imports: libraries that take long to load are left out until something needs them."""

from __future__ import annotations

import subprocess
import sys

from tests.project import Project

RUN = """
import sys
sys.argv = ["kedro", "run"]
from kedro.framework.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code
print(*sys.modules)
"""


def modules_of_a_run(project: Project) -> set[str]:
    """Run the project in a process of its own, and return the modules that it has imported at the end."""
    ended = subprocess.run([sys.executable, "-c", RUN], cwd=project.folder, capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines()[-1].split())


def test_a_run_without_new_data_imports_no_library_of_tables(published: Project):
    slow = {"pandas", "numpy", "pyarrow", "sklearn", "sqlalchemy", "ibis.backends.duckdb"}
    assert slow & modules_of_a_run(published) == set()


def test_a_run_with_new_data_does_without_pandas(project: Project):
    modules = modules_of_a_run(project)
    assert {"pandas", "sklearn"} & modules == set()
    assert "ibis.backends.duckdb" in modules
