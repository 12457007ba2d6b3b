"""A fifth domain is a folder: the command writes it, and it runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import Project


@pytest.fixture
def own_code(project: Project) -> Project:
    """A project with a copy of the code, which a command may add to."""
    (project.folder / "src" / "datamart_kedro").unlink()
    for name in ("src/datamart_kedro", "tests"):
        shutil.copytree(ROOT / name, project.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return project


def test_a_new_domain_runs_through_to_its_table(own_code: Project):
    done = cli(own_code, "kedro", "mart", "new-domain", "suppliers", "--key", "supplier_id")
    assert done.returncode == 0, done.stderr
    own_code.write_source(
        "suppliers",
        [
            {"supplier_id": "7", "name": "Old", "updated_at": "2026-01-01"},
            {"supplier_id": "7", "name": "New", "updated_at": "2026-02-01"},
            {"supplier_id": "", "name": "Nobody", "updated_at": "2026-02-01"},
        ],
    )
    assert cli(own_code, "kedro", "run", "--pipelines=suppliers").returncode == 0
    assert own_code.query("SELECT supplier_id, name FROM tb_suppliers") == [("7", "New")]
    assert own_code.query(
        "SELECT rows_read, rows_staged, rows_rejected, rows_superseded FROM tb_control_data_update"
    ) == [(3, 1, 1, 1)]


def test_it_is_part_of_a_run_of_everything(own_code: Project):
    cli(own_code, "kedro", "mart", "new-domain", "suppliers", "--key", "supplier_id")
    own_code.write_source("suppliers", [{"supplier_id": "7", "name": "New"}])
    assert cli(own_code, "kedro", "run").returncode == 0
    assert own_code.query("SELECT count(*) FROM tb_suppliers") == [(1,)]
    assert own_code.query("SELECT count(*) FROM tb_customers") == [(2,)]


def test_its_code_keeps_the_style_and_its_tests_pass(own_code: Project):
    cli(own_code, "kedro", "mart", "new-domain", "stock_moves", "--key", "warehouse_id", "--key", "moved_on")
    shutil.copy(ROOT / "pyproject.toml", own_code.folder)
    written = ["src/datamart_kedro/pipelines/stock_moves", "tests/pipelines/test_stock_moves.py"]
    for check in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"]):
        done = cli(own_code, *check, *(written if check[0] == "ruff" else written[:1]))
        assert done.returncode == 0, done.stdout
    done = cli(own_code, "pytest", written[1], "-p", "no:cacheprovider")
    assert "3 passed" in done.stdout, done.stdout
    assert cli(own_code, "lint-imports").returncode == 0


@pytest.mark.parametrize(
    ("name", "key", "message"),
    [
        ("Suppliers", "supplier_id", "'Suppliers' cannot be used as a name."),
        ("suppliers", "id; drop", "'id; drop' cannot be used as a name."),
        ("../x", "id", "'../x' cannot be used as a name."),
        ("class", "id", "'class' cannot be used as a name."),
        ("customers", "customer_id", "pipelines/customers/__init__.py exists already."),
    ],
)
def test_names_that_cannot_be_used_are_refused_and_nothing_is_written(
    own_code: Project, name: str, key: str, message: str
):
    before = files(own_code.folder)
    done = cli(own_code, "kedro", "mart", "new-domain", name, "--key", key)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Nothing was written." in done.stderr
    assert files(own_code.folder) == before


def cli(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return project.cli(*arguments, PYTHONPATH=str(project.folder / "src"), PYTHONDONTWRITEBYTECODE="1")


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix in (".py", ".sql")}
