"""Days that businesses work."""

from __future__ import annotations

import ibis.expr.types as ir

FRIDAY = 4


def add_business_days(at: ir.TimestampValue, days: ir.IntegerValue) -> ir.TimestampValue:
    """Midnight, UTC, of the day that many business days (Monday to Friday) later.

    From a Saturday or a Sunday the count starts on Friday, so that one day later is Monday. Public holidays count as
    business days.
    """
    day = at.date()
    weekday = day.day_of_week.index()
    weekend = (weekday > FRIDAY).ifelse(weekday - FRIDAY, 0)
    weekends = (weekday - weekend + days) // 5
    total = days + weekends * 2 - weekend
    return day.cast("timestamp(6)") + total.as_interval("D")


def days_between(start: ir.TimestampValue, end: ir.TimestampValue) -> ir.IntegerValue:
    """Calendar days, UTC, from one instant to another."""
    return end.date().delta(start.date(), unit="day").cast("int64")
