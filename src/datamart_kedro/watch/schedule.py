"""When to look at the shop, and when to run: no clock, no process, only instants that are handed in.

Instants are seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from datamart_kedro.watch.settings import WatchSettings

Order = Literal["check", "run"]
"""A look that changes nothing, or a run."""

Outcome = Literal["nothing_new", "new_data", "published", "unchanged", "failed", "busy", "interrupted"]
"""How an order ended: the first two are of a check, `published` and `unchanged` of a run; `busy` if somebody else has
the mart."""

GOOD: tuple[Outcome, ...] = ("nothing_new", "published", "unchanged")
"""Outcomes after which the mart is known to hold what the shop held."""

BUSY_WAIT_S = 2.0
LONGEST_SETTLING = 10
"""In units of `settle_s`: a shop that never rests is read nevertheless."""


def wait_after(failures: int, settings: WatchSettings, share: float) -> float:
    """Seconds before the next try: twice as many after each failure, up to a limit, and not at the same time as others.

    Args:
        failures: How many there were in a row, at least 1.
        settings: The first and the longest wait.
        share: 0 to 1, drawn at random: half of the wait is fixed, half is drawn.
    """
    doubled: float = settings.first_wait_s * 2.0 ** min(failures - 1, 60)
    return min(doubled, settings.longest_wait_s) * (0.5 + share / 2)


@dataclass
class Schedule:
    """What is due.

    Attributes:
        settings: Of the watch.
        draw: Gives a random number from 0 to 1.
        next_check_at: When the shop is looked at next.
        recorded_at: When the ledger last heard of a look; it has heard of none before the watch.
        failures: Orders in a row that failed.
        under_way: The order that is being carried out.
    """

    settings: WatchSettings
    draw: Callable[[], float]
    next_check_at: float = float("-inf")
    recorded_at: float = float("-inf")
    failures: int = 0
    under_way: Order | None = None
    _not_before: float = float("-inf")
    _first_notified_at: float | None = None
    _last_notified_at: float = float("-inf")
    _is_run_wanted: bool = False

    def notified(self, at: float) -> None:
        """The shop says that something changed; what comes while a run is under way is for the next one."""
        if self._first_notified_at is None:
            self._first_notified_at = at
        self._last_notified_at = at

    def look_now(self, at: float) -> None:
        """Look as soon as possible: something may have been missed."""
        self.next_check_at = min(self.next_check_at, at)

    def due(self, at: float) -> Order | None:
        """What to do at an instant; None while something is under way, or nothing is due."""
        if self.under_way or at < self.wakes_at():
            return None
        is_run_due = self._is_run_wanted or at >= self._settled_at()
        return "run" if is_run_due or at - self.recorded_at >= self.settings.record_every_s else "check"

    def wakes_at(self) -> float:
        """The first instant at which something is due, if nothing else happens."""
        wanted = float("-inf") if self._is_run_wanted else min(self.next_check_at, self._settled_at())
        return max(wanted, self._not_before)

    def began(self, order: Order) -> None:
        """An order is being carried out."""
        self.under_way = order
        if order == "run":
            self._first_notified_at = None
            self._is_run_wanted = False

    def ended(self, outcome: Outcome, at: float) -> None:
        """An order was carried out: plan what comes next."""
        order, self.under_way = self.under_way, None
        if outcome in GOOD:
            self.failures = 0
            self.next_check_at = at + self.settings.every_s
            if order == "run":
                self.recorded_at = at
            return
        self._is_run_wanted = order == "run" or outcome == "new_data"
        if outcome == "failed":
            self.failures += 1
            self._not_before = at + wait_after(self.failures, self.settings, self.draw())
        elif outcome == "busy":
            self._not_before = at + min(BUSY_WAIT_S, self.settings.every_s)

    def _settled_at(self) -> float:
        """When a burst of notifications is over, or has lasted for too long."""
        if self._first_notified_at is None:
            return float("inf")
        settle_s = self.settings.settle_s
        return min(self._last_notified_at + settle_s, self._first_notified_at + LONGEST_SETTLING * settle_s)
