"""Instants and days: an instant is kept in UTC, a day is one in the shop's own time zone."""

from __future__ import annotations

from typing import Any, Literal

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

INSTANT = "timestamp(6)"
FRIDAY = 4
Span = Literal["day", "week", "month", "quarter", "year"]
SPANS: dict[Span, Literal["D", "W", "M", "Q", "Y"]] = {
    "day": "D",
    "week": "W",
    "month": "M",
    "quarter": "Q",
    "year": "Y",
}


@ibis.udf.scalar.builtin(signature=((dt.string, dt.timestamp), dt.timestamp))  # type: ignore[untyped-decorator]
def timezone(zone: str, at: Any) -> Any:
    """Read a naive time in a zone, or tell an instant in a zone; DuckDB and PostgreSQL share the name."""


def to_utc(local: ir.TimestampValue, time_zone: str) -> ir.TimestampValue:
    """The instant, UTC, of a time in a zone; an hour that the clocks skip or repeat is read in standard time."""
    return local if time_zone == "UTC" else timezone("UTC", timezone(time_zone, local))


def local_day(at: ir.TimestampValue, time_zone: str) -> ir.DateValue:
    """The day on which an instant falls in a zone."""
    return _local(at, time_zone).date()


def local_month(at: ir.TimestampValue, time_zone: str) -> ir.DateValue:
    """The first day of the month in which an instant falls in a zone."""
    return _local(at, time_zone).truncate("M").date()


def local_start(at: ir.TimestampValue, span: Span, time_zone: str) -> ir.DateValue:
    """The first day of the span in which an instant falls in a zone; a week begins on Monday."""
    return _local(at, time_zone).truncate(SPANS[span]).date()


def midnight(day: ir.DateValue, time_zone: str) -> ir.TimestampValue:
    """The instant, UTC, at which a day begins in a zone."""
    return to_utc(day.cast(INSTANT), time_zone)


def add_business_days(day: ir.DateValue, count: ir.IntegerValue) -> ir.DateValue:
    """The day that many business days (Monday to Friday) later; public holidays count as business days.

    From a Saturday or a Sunday, Monday is one day later, and none later, too: nothing falls due on a weekend.
    """
    weekday = day.day_of_week.index()
    is_weekend = weekday > FRIDAY
    started = is_weekend.ifelse(FRIDAY, weekday)
    left = is_weekend.ifelse(ibis.greatest(count, 1), count)
    weekends = (started + left) // 5
    return (day.cast(INSTANT) + (started - weekday + left + weekends * 2).as_interval("D")).date()


def days_between(start: ir.DateValue, end: ir.DateValue) -> ir.IntegerValue:
    """Calendar days from one day to another."""
    return end.delta(start, unit="day").cast("int64")


def _local(at: ir.TimestampValue, time_zone: str) -> ir.TimestampValue:
    """What clocks in a zone show at an instant."""
    return at if time_zone == "UTC" else timezone(time_zone, timezone("UTC", at))
