"""What is worth telling somebody: the first of several failures, a shop that is stale, and that all is well again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Event = Literal["failure", "staleness", "recovery"]


@dataclass(frozen=True)
class Alert:
    """Something to tell.

    Attributes:
        event: Of which kind.
        text: In words, for people.
        at: Instant, UTC.
        failures: Orders in a row that failed.
    """

    event: Event
    text: str
    at: datetime
    failures: int = 0


@dataclass
class Alerts:
    """Tells each thing once."""

    _error: str = field(default="", init=False)
    _is_stale: bool = field(default=False, init=False)

    def failed(self, error: str, failures: int, at: datetime) -> Alert | None:
        """A failure: told if it is the first in a row, or another one than before."""
        if error == self._error:
            return None
        self._error = error
        return Alert("failure", error, at, failures)

    def aged(self, age_s: float, stale_after_s: float, at: datetime) -> Alert | None:
        """Time passed since the shop was seen last: told once, when it is too long."""
        if self._is_stale or age_s < stale_after_s:
            return None
        self._is_stale = True
        return Alert("staleness", f"The shop was not seen for {age_s:,.0f} s; {stale_after_s:g} s are allowed.", at)

    def succeeded(self, at: datetime) -> Alert | None:
        """All is well: told if something was told before."""
        if not (self._error or self._is_stale):
            return None
        self._error, self._is_stale = "", False
        return Alert("recovery", "The shop was seen again, and the mart holds what it held.", at)
