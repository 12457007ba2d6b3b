"""Where answers are kept as they came: a folder for each run, removed when it is old."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

STAMP = "%Y%m%dT%H%M%S.%f"
FOLDER = re.compile(r"^(\d{8}T\d{6}\.\d{6})Z-\d+$")
AT_LEAST = timedelta(days=1)
"""A younger folder may be that of a run which is under way."""


def begin_folder(pages: Path, keep_days: float, now: datetime | None = None) -> Path:
    """Make the folder of this run, and remove those that are too old.

    Args:
        pages: Folder of all runs.
        keep_days: Age beyond which a folder goes.
        now: This instant, UTC.
    """
    now = now or datetime.now(UTC)
    pages.mkdir(parents=True, exist_ok=True)
    oldest = now - max(timedelta(days=keep_days), AT_LEAST)
    for folder in pages.iterdir():
        found = FOLDER.match(folder.name)
        if found and datetime.strptime(found[1], STAMP).replace(tzinfo=UTC) < oldest:
            shutil.rmtree(folder, ignore_errors=True)
    made = pages / f"{now.strftime(STAMP)}Z-{os.getpid()}"
    made.mkdir(exist_ok=True)
    return made


def end_folder(folder: Path, rows: str, *, is_kept: bool) -> None:
    """Leave the pages and nothing else, or nothing at all.

    Args:
        folder: Of this run.
        rows: Name of the files that were made of the pages.
        is_kept: Are the pages kept?
    """
    if not is_kept:
        shutil.rmtree(folder, ignore_errors=True)
    for file in folder.glob(f"*/{rows}"):
        file.unlink(missing_ok=True)
