"""Days are the shop's, and weekends do not count."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.expressions.calendar import add_business_days, days_between, local_day, local_month, midnight
from tests.tables import each

SATURDAY = 5
ZONES = ["UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata"]
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2037, 1, 1)


def due(*orders: tuple[date, int]) -> list[date]:
    inputs = [{"day": day, "count": count} for day, count in orders]
    return each(inputs, lambda row: add_business_days(row.day, row["count"]), day="date", count="int64")


def day_by_day(day: date, count: int) -> date:
    """The same, by walking: each step goes to the next day that is no Saturday or Sunday."""
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


def test_every_weekday_and_every_number_of_days_is_walked_right():
    orders = [(date(2026, 3, 2) + timedelta(days=start), count) for start in range(14) for count in range(40)]
    assert due(*orders) == [day_by_day(day, count) for day, count in orders]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 365)), min_size=1, max_size=60))
def test_business_days_are_those_found_by_walking(orders: list[tuple[date, int]]):
    assert due(*orders) == [day_by_day(day, count) for day, count in orders]


def test_an_order_of_friday_arrives_after_the_weekend():
    friday, monday = date(2026, 3, 6), date(2026, 3, 9)
    assert due((friday, 1)) == [monday]


def test_an_order_of_the_weekend_counts_from_monday_and_is_never_due_on_it():
    saturday, sunday, monday = date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)
    assert due((saturday, 0), (saturday, 1), (sunday, 0), (sunday, 1)) == [monday] * 4


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=6)
@given(times=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), min_size=1, max_size=60))
def test_an_instant_falls_on_the_day_and_in_the_month_that_calendars_in_the_zone_show(zone: str, times: list[datetime]):
    inputs = [{"at": at} for at in times]
    days = [at.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date() for at in times]
    assert each(inputs, lambda row: local_day(row.at, zone), at="timestamp(6)") == days
    months = [day.replace(day=1) for day in days]
    assert each(inputs, lambda row: local_month(row.at, zone), at="timestamp(6)") == months


@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=6)
@given(days=st.lists(st.dates(FIRST_DAY, LAST_DAY), min_size=1, max_size=60))
def test_a_day_begins_at_midnight_of_the_zone(zone: str, days: list[date]):
    found = each([{"day": day} for day in days], lambda row: midnight(row.day, zone), day="date")
    aware = [datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) for day in days]
    assert found == [at.astimezone(UTC).replace(tzinfo=None) for at in aware]


def test_days_between_count_midnights_forwards_and_backwards():
    inputs = [{"start": date(2026, 2, 27), "end": end} for end in (date(2026, 3, 2), date(2026, 2, 27), None)]
    inputs.append({"start": date(2026, 3, 2), "end": date(2026, 2, 27)})
    types = {"start": "date", "end": "date"}
    assert each(inputs, lambda row: days_between(row.start, row.end), **types) == [3, 0, None, -3]
