"""A file that nobody touched since is not read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from datamart_kedro.sources import digests
from datamart_kedro.sources.digests import Digests


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "orders.csv"
    made.write_text("order_id\n1\n")
    return made


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where digests are kept, also those of files that were just written."""
    monkeypatch.setattr(digests, "SETTLED_NS", 0)
    return tmp_path / "tmp" / "digests.json"


def forge(kept: Path) -> None:
    """Put another digest in place of the one that is kept: who gives it has not read the file."""
    ((touch, _),) = json.loads(kept.read_text())
    kept.write_text(json.dumps([(touch, "forged")]))


def test_a_file_that_nobody_touched_is_not_read_again(file: Path, kept: Path):
    Digests(kept).of(file)
    forge(kept)
    assert Digests(kept).of(file) == "forged"


def test_a_file_is_read_again_when_its_content_changes_under_its_old_date_and_size(file: Path, kept: Path):
    before, status = Digests(kept).of(file), file.stat()
    file.write_text("order_id\n2\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Digests(kept).of(file) != before


def test_a_file_that_was_just_written_is_read_again(file: Path, tmp_path: Path):
    Digests(tmp_path / "digests.json").of(file)
    assert not (tmp_path / "digests.json").exists()


def test_what_is_kept_of_files_that_are_gone_is_let_go(file: Path, kept: Path, tmp_path: Path):
    other = tmp_path / "items.csv"
    other.write_text("order_id\n1\n")
    Digests(kept).of(other)
    other.unlink()
    Digests(kept).of(file)
    assert [touch[0] for touch, _ in json.loads(kept.read_text())] == [str(file)]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '[[["a"], "b"]]'])
def test_what_cannot_be_read_is_made_anew(file: Path, kept: Path, text: str):
    fresh = Digests(kept).of(file)
    kept.write_text(text)
    assert Digests(kept).of(file) == fresh
