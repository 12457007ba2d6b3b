"""The days that are looked at, and those before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from datamart_kedro.errors import UsageError
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.stories import newest_order

DAYS = 30
"""Looked at unless somebody asks for others."""
MAX_DAYS = 20 * 366


@dataclass(frozen=True)
class Days:
    """Days in the shop's time zone.

    Attributes:
        since: The first day.
        until: The day after the last one.
    """

    since: date
    until: date

    def __post_init__(self) -> None:
        if not 0 < self.count <= MAX_DAYS:
            raise UsageError(
                f"{self.since} to {self.last} is no period.",
                "The first day comes first, within twenty years.",
                state="",
            )

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.until - self.since).days

    @property
    def last(self) -> date:
        """The last day."""
        return self.until - timedelta(days=1)

    @property
    def before(self) -> Days:
        """As many days, directly before."""
        return Days(self.since - timedelta(days=self.count), self.since)


def newest_day(mart: Mart, time_zone: str) -> date | None:
    """The day of the newest order, which may not have ended when the shop was read; None without orders."""
    newest = newest_order(mart)
    return newest.replace(tzinfo=UTC).astimezone(ZoneInfo(time_zone)).date() if newest else None


def last_days(newest: date, count: int = DAYS) -> Days:
    """So many days up to the newest one."""
    return Days(newest - timedelta(days=count - 1), newest + timedelta(days=1))


def months_up_to(days: Days, count: int = 13) -> Days:
    """Whole months up to the end of some days, of which the last may not have ended."""
    months = days.last.year * 12 + days.last.month - count
    return Days(date(months // 12, months % 12 + 1, 1), days.until)
