"""The worker that waits for the next order, and its successor: one process at a time."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import datamart_kedro
from datamart_kedro.watch.report import Report
from datamart_kedro.watch.schedule import Order
from datamart_kedro.watch.worker import STOP_RUN

PACKAGE = Path(datamart_kedro.__file__).parent
MOST_LOOKS = 500
"""After so many looks a worker makes way for a new one, whatever its memory holds."""


@dataclass(frozen=True)
class Answered:
    """A worker has carried out its order, or ended without an answer."""

    report: Report


class Crew:
    """Has orders carried out in a process of their own.

    Args:
        project: Folder of the project.
        env: The environment.
        names: Pipelines to run.
        tell: Called, in another thread, with each answer.
    """

    def __init__(self, project: Path, env: str | None, names: list[str], tell: Callable[[Answered], None]) -> None:
        self._project = project
        self._task = json.dumps([env, names])
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: Connection | None = None
        self._looks = 0
        self._code: object = None

    def ready(self) -> None:
        """Have a worker wait for the next order, if the system lets it start."""
        with suppress(OSError):  # the next order finds that out, and tells
            self._have_worker()

    def _have_worker(self) -> None:
        """Have a worker; one that has run, has looked often, or whose code is no longer the project's, makes way.

        Raises:
            OSError: The system has no place for another process.
        """
        code = code_state(PACKAGE)
        is_alive = self._process is not None and self._process.poll() is None
        if is_alive and self._code == code and self._looks < MOST_LOOKS:
            return
        self.dismiss()
        ours, theirs = socket.socketpair()
        with theirs, ours:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "datamart_kedro.watch.worker", str(theirs.fileno()), self._task],
                cwd=self._project,
                env={**os.environ, "PYTHONPATH": _path_with(PACKAGE.parent)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C on a terminal is for the watch alone
            )
            self._orders = Connection(ours.detach())
        self._code, self._looks = code, 0

    def order(self, order: Order) -> None:
        """Have an order carried out; the answer is told when it is there."""
        try:
            self._have_worker()
        except OSError as error:
            report = Report("failed", f"No process can be started: {error.strerror}. The mart is as it was.")
            self._tell(Answered(report))
            return
        assert self._orders is not None and self._process is not None
        self._looks = MOST_LOOKS if order == "run" else self._looks + 1
        threading.Thread(target=self._ask, args=(self._process, self._orders, order), daemon=True).start()

    def stop_run(self) -> None:
        """End the run that is under way, as Ctrl-C does."""
        self._signal(STOP_RUN)

    def kill(self) -> None:
        """End the worker at once; a run that is under way publishes nothing."""
        self._signal(signal.SIGKILL)

    def dismiss(self) -> None:
        """Let the worker go; it ends when it finds no more orders."""
        if self._orders is not None:
            self._orders.close()
        if self._process is not None:
            threading.Thread(target=self._process.wait, daemon=True).start()
        self._process = self._orders = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _ask(self, process: subprocess.Popen[bytes], orders: Connection, order: str) -> None:
        try:
            orders.send_bytes(order.encode())
            report = Report.from_json(orders.recv_bytes())
        except (EOFError, OSError):
            code = process.wait()
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            report = Report("failed", f"The process of the {order} was ended {how}; the mart is as it was.")
        self._tell(Answered(report))


def code_state(package: Path) -> tuple[int, int]:
    """What tells the code of a package from what it was: number of its files, and when one was written last."""
    written = [file.stat().st_mtime_ns for file in package.rglob("*.py")]
    return len(written), max(written, default=0)


def _path_with(folder: Path) -> str:
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
