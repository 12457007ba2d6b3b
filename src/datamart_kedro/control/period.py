"""What a mart has seen of its shop, and since when it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True)
class Period:
    """The days that published orders cover, UTC.

    Attributes:
        first_day: Day of the first order; None without orders.
        newest_day: Day of the newest order. It may not have ended when the shop was read.
        known_since: Instant, UTC, without zone, since which the history of the published tables tells what was known;
            None if it tells nothing.
    """

    first_day: date | None
    newest_day: date | None
    known_since: datetime | None
