"""Parquet files of features: when one is written anew, and in which order its rows are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from datamart_kedro.mart.files import PENDING, holds_rows, put_in_place, write_parquet
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.run import begin

ROWS = "SELECT * FROM (VALUES ('b', 1, 2), ('a', 3, 4), (NULL, 5, 6), ('a', 1, NULL)) AS t (name, day, units)"
KEY = ("name", "day")


@pytest.fixture
def mart(tmp_path: Path) -> Iterator[Mart]:
    opened = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "tmp"), str(tmp_path)))
    begin(opened, "first", [])
    yield opened
    opened.close()


@pytest.fixture
def file(mart: Mart, tmp_path: Path) -> Path:
    """A file with the rows."""
    path = tmp_path / "sales.parquet"
    write_parquet(mart, ROWS, KEY, path)
    assert mart.run is not None
    put_in_place(mart.run.files)
    return path


def test_rows_are_in_the_order_of_their_key(mart: Mart, file: Path):
    mart.execute("SET preserve_insertion_order = true")
    assert mart.execute(f"SELECT name, day FROM '{file}'") == [("a", 1), ("a", 3), ("b", 1), (None, 5)]


def test_rows_in_the_order_of_ranks_are_the_same_bytes(mart: Mart, file: Path):
    ranked = file.with_name("ranked.parquet")
    write_parquet(mart, ROWS, KEY, ranked, ranked=True)
    assert ranked.with_name(f"{ranked.name}{PENDING}").read_bytes() == file.read_bytes()


def test_a_file_holds_its_rows_in_any_order_and_no_others(mart: Mart, file: Path):
    assert holds_rows(mart, file, f"{ROWS} ORDER BY units")
    for other in (
        f"SELECT * REPLACE (units + 1 AS units) FROM ({ROWS})",
        f"SELECT * REPLACE (day AS units, units AS day) FROM ({ROWS})",
        f"SELECT name, day, units AS pieces FROM ({ROWS})",
        f"SELECT * REPLACE (units::BIGINT AS units) FROM ({ROWS})",
        f"{ROWS} WHERE day < 5",
        f"{ROWS} UNION ALL SELECT 'c', 1, 1",
    ):
        assert not holds_rows(mart, file, other), other


def test_a_file_that_is_missing_or_pending_or_damaged_holds_nothing(mart: Mart, file: Path):
    assert not holds_rows(mart, file.with_name("missing.parquet"), ROWS)
    pending = file.with_name(f"{file.name}{PENDING}")
    pending.touch()
    assert not holds_rows(mart, file, ROWS)
    pending.unlink()
    file.write_bytes(b"PAR1" + file.read_bytes()[100:])
    assert not holds_rows(mart, file, ROWS)
