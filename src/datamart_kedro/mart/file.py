"""Opening a DuckDB file, which one process writes and nobody else can open meanwhile."""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import duckdb

from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import HeldMartError, MartFileError

logger = logging.getLogger(__name__)

STORAGE: dict[str, str | bool | int | float | list[str]] = {"storage_compatibility_version": "v1.4.0"}
"""Format of a new mart file, which every DuckDB since 1.4 reads. Texts are written in two thirds of the time that they
take in DuckDB's default, the format of 0.10."""

PAUSE_S = 0.2
"""Between two attempts to open a file that another process holds."""


def connect(path: Path, *, read_only: bool, wait_s: float = 0.0) -> duckdb.DuckDBPyConnection:
    """Open a mart file.

    The lock is the operating system's and ends with the process that holds it, however that ends.

    Args:
        path: The file; made if it is to be written.
        read_only: Several processes may read a file that nobody writes.
        wait_s: Seconds to wait for a process that has the file.

    Raises:
        HeldMartError: Another process still has the file; its run is named.
        MartFileError: There is no such file, it is not a mart, or it cannot be made.
    """
    if read_only and not path.exists():
        raise MartFileError(
            f"There is no mart at {path}.", "Make it with `kedro run`.", state="Nothing has been published yet."
        )
    deadline = monotonic() + wait_s
    is_told = False
    while True:
        try:
            is_new = not path.exists()
            path.parent.mkdir(parents=True, exist_ok=True)
            return duckdb.connect(path, read_only=read_only, config=STORAGE if is_new else {})
        except (duckdb.Error, OSError) as error:
            if "Conflicting lock" not in str(error):
                raise MartFileError(
                    f"The mart {path} cannot be opened: {first_line(error)}",
                    "Check that it is a DuckDB file, and that it and its folder may be written.",
                ) from None
            holder = _holder(path, str(error))
        if monotonic() >= deadline:
            waited = f", and still did after {wait_s:g} s" if wait_s else ""
            raise HeldMartError(
                f"The mart {path} is in use by {holder}{waited}.",
                "Wait until it ends, or close the notebook or tool that has the file open; then run again."
                " `mart.wait_s` in globals.yml makes runs wait.",
            )
        if not is_told:
            logger.info("The mart is in use by %s; waiting up to %g s.", holder, wait_s)
            is_told = True
        sleep(PAUSE_S)


def sign(path: Path, run_id: str) -> None:
    """Note beside a mart file which run of this process holds it, for those who find it held."""
    note = {"run_id": run_id, "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}
    with suppress(OSError):  # a note, not a lock
        _note(path).write_text(json.dumps(note))


def unsign(path: Path) -> None:
    """Take the note of this process away."""
    with suppress(OSError):
        _note(path).unlink(missing_ok=True)


def run_under_way(path: Path) -> dict[str, Any] | None:
    """The run of a living process that holds a mart file, by its note: run_id, pid and since; None if there is none."""
    try:
        note = json.loads(_note(path).read_text())
        os.kill(int(note["pid"]), 0)
        return {"run_id": str(note["run_id"]), "pid": int(note["pid"]), "since": str(note["since"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.run")


def _holder(path: Path, message: str) -> str:
    """Who holds a file, by DuckDB's message and the note beside the file; a note of a dead process does not count."""
    found = re.search(r"Conflicting lock is held in (.*?) ?\(PID (\d+)\)", message)
    if found is None:
        return "another process"
    program, pid = found[1][:200], int(found[2])
    try:
        note = json.loads(_note(path).read_text())
        if note["pid"] == pid:
            return f"run {note['run_id']} (process {pid}, since {note['since']} UTC)"
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return f"process {pid} ({program})"
