"""A mart that is refreshed by changes alone is the mart that is built in full from the same sources."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import copy_of_project
from tests.project import Project
from tests.typed_shop import a_typed_shop, change_at_random, read_parquet

TIMES = ("_valid_from", "_valid_to")


def content(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every published row and its history, staged row, rejected row and result of a rule, without when it was."""
    with project.reader() as query:
        return _content(query)


def _content(query: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    tables = [
        name
        for (name,) in query("SELECT table_name FROM duckdb_tables() WHERE table_name NOT LIKE 'build%'")
        if not name.startswith(("tb_control", "tmp_tb_control"))
    ]
    found = {}
    for name in sorted(tables):
        if name == "tb_contract_results":
            select = (
                "SELECT domain, rule, severity, rows_checked, breaches FROM tb_contract_results"
                " WHERE rule NOT LIKE 'at most%'"
                " QUALIFY row_number() OVER (PARTITION BY domain, rule ORDER BY run_id DESC) = 1"
            )
        elif name == "tb_rejected_rows":
            select = "SELECT domain, row, reasons FROM tb_rejected_rows WHERE closed_by IS NULL"
        elif name.endswith("_duplicates"):
            continue  # of what a run read
        else:
            columns = [c for (c,) in query(f"SELECT column_name FROM (DESCRIBE {name})") if c not in TIMES]
            select = f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (SELECT {', '.join(columns)} FROM {name})"
        found[name] = query(f"{select} ORDER BY ALL")
    return found


def paths(project: Project) -> dict[str, str]:
    """How each domain was refreshed by the last run."""
    return dict(
        project.query(
            "SELECT domain, path FROM tb_control_data_update WHERE started_at ="
            " (SELECT max(started_at) FROM tb_control_data_update) AND path IS NOT NULL"
        )
    )


@pytest.fixture
def pair(project: Project, tmp_path: Path) -> tuple[Project, Project]:
    """Two projects with the same sources: one to refresh by changes, one to build in full."""
    read_parquet(project)
    other = copy_of_project(tmp_path / "other")
    read_parquet(other)
    return project, other


def run(project: Project, monkeypatch: pytest.MonkeyPatch, **params: Any) -> None:
    monkeypatch.chdir(project.folder)
    project.run(params={"refresh": {"full_from_share": 1.0, "overlap_minutes": 1}} | params)


@pytest.mark.parametrize(("seed", "numbered"), [(0, True), (1, False)], ids=["numbered lines", "lines without numbers"])
def test_changes_alone_make_the_mart_that_a_full_build_makes(
    pair: tuple[Project, Project], monkeypatch: pytest.MonkeyPatch, seed: int, numbered: bool
):
    by_changes, in_full = pair
    chance = random.Random(seed)
    shop = a_typed_shop(chance, numbered=numbered)
    for number in range(6):
        shop.write(by_changes)
        shop.write(in_full)
        run(by_changes, monkeypatch)
        run(in_full, monkeypatch, full=True)
        found, expected = content(by_changes), content(in_full)
        for table, rows in expected.items():
            assert found[table] == rows, f"{table} in run {number}"
        if number:
            assert "changes" in paths(by_changes).values()
        for _ in range(chance.randint(1, 6)):
            change_at_random(shop, chance, numbered=numbered)
