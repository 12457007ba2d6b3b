"""Runs that are started from the console: one at a time, each a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from datamart_kedro.console.access import VARIABLE
from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.mart.file import run_under_way
from datamart_kedro.mart.run import now

SHOWN = 16_000
"""Bytes of the end of what a run said."""


@dataclass(frozen=True)
class Asked:
    """What a run was asked for.

    Attributes:
        pipelines: Their names; all domains if there are none.
        force: Run them whether there is new data or not?
        full: Read and build everything anew?
    """

    pipelines: tuple[str, ...] = ()
    force: bool = False
    full: bool = False

    def arguments(self, env: str | None) -> list[str]:
        """Those of ``kedro run``."""
        parameters = [f"{name}=true" for name in ("force", "full") if getattr(self, name)]
        return [
            *([f"--env={env}"] if env else []),
            *([f"--pipelines={','.join(self.pipelines)}"] if self.pipelines else []),
            *([f"--params={','.join(parameters)}"] if parameters else []),
        ]


@dataclass(frozen=True)
class Seen:
    """How far a run is.

    Attributes:
        asked: What it was asked for.
        started_at: UTC.
        exit_code: None while it runs.
        said: The end of what it said.
    """

    asked: Asked
    started_at: datetime
    exit_code: int | None
    said: str


@dataclass
class Runs:
    """Starts runs, and tells how they go, to whoever loads the page.

    Attributes:
        project: Its folder.
        env: The environment.
        mart: Its file.
        log: Where the newest run writes what it says.
        known: Names of pipelines that may be asked for.
    """

    project: Path
    env: str | None
    mart: Path
    log: Path
    known: Sequence[str]
    _lock: Lock = field(default_factory=Lock)
    _process: subprocess.Popen[bytes] | None = None
    _asked: Asked = field(default_factory=Asked)
    _started_at: datetime = field(default_factory=now)

    def start(self, asked: Asked) -> None:
        """Start a run.

        Raises:
            UsageError: There is no such pipeline.
            HeldMartError: Another run is under way.
        """
        if not {*asked.pipelines} <= {*self.known}:
            raise UsageError("There is no such pipeline.", f"There are {', '.join(self.known)}.", state="")
        with self._lock:
            if self._is_running() or run_under_way(self.mart) is not None:
                raise HeldMartError("Another run is under way.", "Wait until it has ended, then start this one.")
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", "kedro", "run", *asked.arguments(self.env)],
                    cwd=self.project,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # it goes on when the console ends
                )
            self._asked, self._started_at = asked, now()

    def stop(self) -> None:
        """End the run that was started here, as Ctrl-C does; it publishes nothing."""
        with self._lock:
            if self._process is not None and self._is_running():
                self._process.send_signal(signal.SIGINT)

    def seen(self) -> Seen | None:
        """The newest run that was started here; None if there was none."""
        with self._lock:
            if self._process is None:
                return None
            code = self._process.poll()
            return Seen(self._asked, self._started_at, code, _end_of(self.log))

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


def _environment() -> dict[str, Any]:
    """Of a run: that of the console without its token, and with lines that are not wrapped."""
    kept = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return {**kept, "COLUMNS": "160"}


def _end_of(file: Path) -> str:
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - SHOWN))
        return stream.read().decode(errors="replace")
