"""How far a long step is: a moving line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

logger = logging.getLogger(__name__)

QUIET_S = 2.0
"""A step shorter than this shows no progress."""
PLAIN_EVERY_S = 15.0


@contextmanager
def progress(label: str) -> Iterator[Callable[[str], None]]:
    """Give a function that takes the latest state of a step, such as "1,200 rows", and shows it when it is time.

    Args:
        label: What is being done.
    """
    started = perf_counter()
    shown = started
    line: Any = None

    def show(state: str) -> None:
        nonlocal line, shown
        now = perf_counter()
        if now - started < QUIET_S:
            return
        if sys.stderr.isatty():
            line = line or _moving_line()
            line.update(f"{label}: {state}, {now - started:.0f} s")
        elif now - shown >= PLAIN_EVERY_S:
            shown = now
            logger.info("%s: %s, %.0f s", label, state, now - started)

    try:
        yield show
    finally:
        if line is not None:
            line.stop()


@contextmanager
def watched(label: str, percent: Callable[[], float], every_s: float = 0.5) -> Iterator[None]:
    """Show the progress of a statement that another thread can ask for.

    Args:
        label: What is being done.
        percent: 0 to 100, negative while unknown.
        every_s: Seconds between two questions.
    """
    done = threading.Event()

    def watch() -> None:
        with progress(label) as show:
            while not done.wait(every_s):
                share = percent()
                show(f"{share:.0f} %" if share >= 0 else "running")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _moving_line() -> Any:
    from rich.console import Console
    from rich.status import Status

    status = Status("", console=Console(stderr=True))
    status.start()
    return status
