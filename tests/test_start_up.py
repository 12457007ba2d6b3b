"""What a run imports: libraries that take long to load are left out until something needs them."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
import yaml

from datamart_kedro.config import yaml_in_c
from datamart_kedro.imports import kept_imports
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
    slow = {"pandas", "numpy", "pyarrow", "sklearn", "sqlalchemy", "ibis.backends.duckdb", "sqlglot.dialects.duckdb"}
    assert slow & modules_of_a_run(published) == set()


def test_a_run_with_new_data_does_without_pandas(project: Project):
    modules = modules_of_a_run(project)
    assert {"pandas", "sklearn"} & modules == set()
    assert "ibis.backends.duckdb" in modules


def test_imports_are_left_alone_by_the_collector_which_goes_on_afterwards():
    before = gc.get_freeze_count()
    with kept_imports():
        assert not gc.isenabled()
        made = [[] for _ in range(10)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_a_collector_that_was_switched_off_stays_off():
    gc.disable()
    try:
        with kept_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_yaml_is_read_in_c_only_within_configuration():
    slow = yaml.SafeLoader
    with pytest.raises(ValueError), yaml_in_c():
        assert issubclass(yaml.SafeLoader, yaml.cyaml.CParser)
        raise ValueError
    assert yaml.SafeLoader is slow
