"""What a page is asked to show, taken from its address: every field is checked, whatever it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from datamart_kedro.errors import UsageError
from datamart_kedro.facts.period import DAYS, Days, last_days
from datamart_kedro.metrics.question import MAX_TEXT

CHOICES = (7, 30, 90, 365)
"""Numbers of days that are offered."""
DIMENSIONS = ("country", "department")
UNKNOWN = "unknown"
"""How a value that is not known is asked for; the name of no country or department."""


@dataclass(frozen=True)
class Filters:
    """The rows and days that a page is of.

    Attributes:
        days: The days.
        where: Values by dimension.
        count: How many days up to the newest order; 0 if they were given by dates.
    """

    days: Days
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = DAYS

    @property
    def key(self) -> tuple[object, ...]:
        """What tells them from others."""
        return (self.days, tuple(sorted(self.where.items())))

    @property
    def chosen(self) -> dict[str, str]:
        """The value of each dimension as it is shown and asked for."""
        return {name: values[0] or UNKNOWN for name, values in self.where.items()}

    def link(self, path: str, **more: str) -> str:
        """The address of another page that shows the same rows and days."""
        named = {"since": self.days.since.isoformat(), "until": self.days.last.isoformat()}
        return f"{path}?{urlencode({**named, **self.chosen, **more})}"


def filters_of(query: QueryParams, newest: date) -> Filters:
    """The filters in an address.

    Args:
        query: Its fields: days, or since and until (the last day), and a value for each dimension.
        newest: The day of the newest order.

    Raises:
        UsageError: A field is not what it should be.
    """
    where = {}
    for name in DIMENSIONS:
        value = text_of(query, name)
        if value:
            where[name] = ("" if value == UNKNOWN else value,)
    since, last = day_of(query, "since"), day_of(query, "until")
    if since or last:
        last = last or newest
        since = since or last - timedelta(days=DAYS - 1)
        return Filters(Days(since, last + timedelta(days=1)), where, 0)
    count = number_of(query, "days", DAYS, CHOICES)
    return Filters(last_days(newest, count), where, count)


def text_of(query: QueryParams, name: str) -> str:
    """A text of bounded length; empty if absent."""
    value = query.get(name, "").strip()
    if len(value) > MAX_TEXT or not value.isprintable():
        raise UsageError(f"{name} is too long, or holds characters that are none.", "Choose another.", state="")
    return value


def day_of(query: QueryParams, name: str) -> date | None:
    """A day such as 2025-07-01; None if absent."""
    value = query.get(name, "")
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = date.min
    if not 1900 <= day.year <= 2200:
        raise UsageError(f"{name} is no day.", "Write it such as 2025-07-01.", state="")
    return day


def number_of(query: QueryParams, name: str, default: int, allowed: tuple[int, ...]) -> int:
    """One of some numbers."""
    value = query.get(name, "")
    if not value:
        return default
    if value not in map(str, allowed):
        raise UsageError(f"{name} is none of {', '.join(map(str, allowed))}.", "Choose one of them.", state="")
    return int(value)


def choice_of(query: QueryParams, name: str, allowed: tuple[str, ...]) -> str:
    """One of some words; the first if absent."""
    value = query.get(name, "")
    if value and value not in allowed:
        raise UsageError(f"{name} is none of those offered.", "Choose one of them.", state="")
    return value or allowed[0]
