"""A command of the project in a process of its own, and what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from datamart_kedro.console.access import VARIABLE
from datamart_kedro.mart.run import now

SHOWN = 16_000
"""Bytes of the end of what a command said."""
KEDRO = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from kedro.framework.cli import main; main()"
)
"""What runs a command so that it can be stopped, also where the console was started with SIGINT ignored."""
ENDS_S = 60
"""Seconds that a command that was stopped is waited for."""


@dataclass(frozen=True)
class Course:
    """How far a command is.

    Attributes:
        started_at: UTC.
        exit_code: None while it runs.
        is_stopped: Did somebody stop it?
        said: The end of what it said.
    """

    started_at: datetime
    exit_code: int | None
    is_stopped: bool
    said: str

    @property
    def is_running(self) -> bool:
        """Does it still run?"""
        return self.exit_code is None


@dataclass
class Job:
    """A command that was started; it goes on when the console ends.

    Attributes:
        process: Its process.
        log: Where it writes what it says.
        started_at: UTC.
        is_stopped: Did somebody stop it?
    """

    process: subprocess.Popen[bytes]
    log: Path
    started_at: datetime = field(default_factory=now)
    is_stopped: bool = False

    @classmethod
    def start(cls, arguments: Sequence[str], project: Path, log: Path) -> Job:
        """Start a command of ``kedro``.

        Args:
            arguments: What follows ``kedro``.
            project: The folder of the project.
            log: Where it writes what it says, for its owner alone; what was there is gone.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)  # a command that goes on from before keeps the file that it has
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", KEDRO, *arguments],
                cwd=project,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    def stop(self) -> None:
        """End it as Ctrl-C does, if it runs."""
        if self.process.poll() is None:
            self.is_stopped = True
            self.process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Stop it, and wait until it has put its things in order."""
        self.stop()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_S)

    def course(self) -> Course:
        """How far it is."""
        return Course(self.started_at, self.process.poll(), self.is_stopped, _end_of(self.log))


def _environment() -> Mapping[str, str]:
    """That of the console without its token, and with lines that are not wrapped."""
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return {**kept, "COLUMNS": "160"}


def _end_of(file: Path) -> str:
    with suppress(FileNotFoundError), file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - SHOWN))
        return stream.read().decode(errors="replace")
    return ""
