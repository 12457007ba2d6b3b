"""Runs that are started from the console: one at a time, each a process of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock

from datamart_kedro.console.job import Course, Job
from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.mart.file import run_under_way
from datamart_kedro.mart.run import now

logger = logging.getLogger(__name__)

COLUMN = r"[a-z_]{1,60}\.[a-z_0-9]{1,60}"
"""A column as ``accept_loss`` names it."""


@dataclass(frozen=True)
class Asked:
    """What a run was asked for.

    Attributes:
        pipelines: Their names; all domains if there are none.
        force: Run them whether there is new data or not?
        full: Read and build everything anew?
        since: A day from which the sources are read again, whether there is new data or not.
        accept_loss: A column that may go, such as orders.shipping_method; empty if none may.
        by: Who asked.
    """

    pipelines: tuple[str, ...] = ()
    force: bool = False
    full: bool = False
    since: date | None = None
    accept_loss: str = ""
    by: str = ""

    def arguments(self, env: str | None) -> list[str]:
        """Those of ``kedro run``."""
        chosen = {
            "force": "true" if self.force or self.since else "",
            "full": "true" if self.full else "",
            "read_since": self.since.isoformat() if self.since else "",
            "accept_loss": self.accept_loss,
        }
        parameters = [f"{name}={value}" for name, value in chosen.items() if value]
        return [
            *([f"--env={env}"] if env else []),
            *([f"--pipelines={','.join(self.pipelines)}"] if self.pipelines else []),
            *([f"--params={','.join(parameters)}"] if parameters else []),
        ]


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
    _newest: tuple[Asked, Job] | None = None

    def start(self, asked: Asked) -> None:
        """Start a run.

        Raises:
            UsageError: There is no such pipeline, the day is to come, or what may go is no column.
            HeldMartError: Another run is under way.
        """
        if not {*asked.pipelines} <= {*self.known}:
            raise UsageError("There is no such pipeline.", f"There are {', '.join(self.known)}.", state="")
        if asked.since is not None and asked.since > now().date():
            raise UsageError("That day is still to come.", "Give a past one.", state="")
        if asked.accept_loss and not re.fullmatch(COLUMN, asked.accept_loss):
            raise UsageError("What may go is no column.", "Name one such as orders.shipping_method.", state="")
        with self._lock:
            is_running = self._newest is not None and self._newest[1].course().is_running
            if is_running or run_under_way(self.mart) is not None:
                raise HeldMartError("Another run is under way.", "Wait until it has ended, then start this one.")
            self._newest = asked, Job.start(["run", *asked.arguments(self.env)], self.project, self.log)
        logger.warning("%s started a run of %s", asked.by, ", ".join(asked.pipelines) or "all domains")

    def stop(self) -> None:
        """End the run that was started here, as Ctrl-C does; it publishes nothing."""
        with self._lock:
            if self._newest is not None:
                self._newest[1].stop()

    def seen(self) -> tuple[Asked, Course] | None:
        """What the newest run that was started here was asked for, and how far it is; None if there was none."""
        with self._lock:
            return (self._newest[0], self._newest[1].course()) if self._newest else None
