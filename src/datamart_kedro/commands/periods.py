"""Periods of time on the command line, such as 90d, 24h or 15m."""

from __future__ import annotations

import re
from datetime import timedelta

import click

FORM = re.compile(r"^(\d{1,5})([dhm])$")
UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Period(click.ParamType[timedelta]):
    """A number of days, hours or minutes."""

    name = "period"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A period, from its text."""
        if isinstance(value, timedelta):
            return value
        found = FORM.match(value)
        if found is None:
            self.fail(f"{value!r} is not a period; write it such as 90d, 24h or 15m.", param, ctx)
        return timedelta(**{UNITS[found[2]]: int(found[1])})


def words(period: timedelta) -> str:
    """A period as people say it, to two places: 3 days 4 h, 12 min 5 s."""
    seconds = max(int(period.total_seconds()), 0)
    parts = [
        (seconds // 86_400, "days"),
        (seconds % 86_400 // 3600, "h"),
        (seconds % 3600 // 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"
