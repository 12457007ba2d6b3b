"""The copy before the last one is brought up to date and takes its turn, unless somebody still reads it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from datamart_kedro.mart import readable
from datamart_kedro.mart.mart import close_marts
from tests.project import Project
from tests.shop import SHOP, product
from tests.test_readable_copy import assert_alike, copy_of

READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as copy:
    print("open", flush=True)
    sys.stdin.readline()
    print(copy.execute("SELECT max(_version), sum(unit_cost) FROM tb_products").fetchone())
"""


def publish(project: Project, unit_cost: str) -> None:
    """Publish a version in which product A costs something else."""
    project.write_source("products", [product(unit_cost=unit_cost), SHOP["products"][1]])
    project.run("products")
    close_marts()


def spare_of(project: Project) -> Path:
    return project.folder / "data" / "published.duckdb.spare"


@contextmanager
def reader_of(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that opens a file, and reads it again when it is told to."""
    command = [sys.executable, "-c", READER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


@pytest.fixture
def copied(published: Project) -> Project:
    """A mart at version 2 with its copy."""
    publish(published, "5.00")
    return published


def test_a_spare_that_nobody_reads_takes_its_turn(copied: Project, monkeypatch: pytest.MonkeyPatch):
    publish(copied, "6.00")
    assert spare_of(copied).stat().st_ino != copy_of(copied).stat().st_ino
    spare = spare_of(copied).stat().st_ino
    monkeypatch.setattr(shutil, "copyfile", lambda *_: pytest.fail("the copy was copied"))
    publish(copied, "7.00")
    assert copy_of(copied).stat().st_ino == spare
    assert_alike(copied)


def test_a_reader_in_another_process_keeps_what_he_opened(copied: Project):
    with reader_of(copy_of(copied)) as reader:
        for cost in ("6.00", "7.00", "8.00"):
            publish(copied, cost)
            assert_alike(copied)
        told, _ = reader.communicate("\n")
    assert told == "(2, Decimal('7.0000'))\n"  # 5.00 and 2.00


def test_a_reader_in_this_process_keeps_what_he_opened(copied: Project):
    with duckdb.connect(copy_of(copied), read_only=True) as reader:
        for cost in ("6.00", "7.00", "8.00"):
            publish(copied, cost)
        assert reader.execute("SELECT max(_version), sum(unit_cost) FROM tb_products").fetchone() == (2, 7)
    assert_alike(copied)


def test_a_spare_that_is_no_copy_is_not_used(copied: Project):
    publish(copied, "6.00")
    spare_of(copied).write_bytes(b"not a mart" * 1000)
    publish(copied, "7.00")
    assert_alike(copied)


@pytest.mark.parametrize("command", [["forget", "--customer-id", "2", "--yes"], ["prune", "--keep", "0m"]], ids=str)
def test_what_was_erased_or_pruned_stays_in_no_spare(copied: Project, command: list[str]):
    publish(copied, "6.00")
    assert spare_of(copied).exists()
    done = CliRunner().invoke(cli, ["mart", *command])
    assert done.exit_code == 0, done.output
    assert not spare_of(copied).exists()
    assert_alike(copied)


def test_without_links_there_is_no_spare(copied: Project, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError("no links")

    monkeypatch.setattr(readable.os, "link", refuse)
    publish(copied, "6.00")
    assert not spare_of(copied).exists()
    assert_alike(copied)
