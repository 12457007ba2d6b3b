"""What is told, and what is not told twice."""

from __future__ import annotations

from datetime import UTC, datetime

from datamart_kedro.watch.alerts import Alert, Alerts

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_the_first_of_several_like_failures_is_told():
    alerts = Alerts()
    assert alerts.failed("no", 1, NOON) == Alert("failure", "no", NOON, 1)
    assert alerts.failed("no", 2, NOON) is None


def test_a_failure_of_another_kind_is_told_again():
    alerts = Alerts()
    alerts.failed("no", 1, NOON)
    told = alerts.failed("never", 2, NOON)
    assert told is not None and told.text == "never"


def test_recovery_is_told_once_and_only_after_something_was_told():
    alerts = Alerts()
    assert alerts.succeeded(NOON) is None
    alerts.failed("no", 1, NOON)
    told = alerts.succeeded(NOON)
    assert told is not None and told.event == "recovery"
    assert alerts.succeeded(NOON) is None


def test_staleness_is_told_once_when_it_begins():
    alerts = Alerts()
    assert alerts.aged(299, 300, NOON) is None
    told = alerts.aged(300, 300, NOON)
    assert told == Alert("staleness", "The shop was not seen for 300 s; 300 s are allowed.", NOON)
    assert alerts.aged(400, 300, NOON) is None


def test_recovery_from_staleness_is_told_and_staleness_can_begin_again():
    alerts = Alerts()
    alerts.aged(300, 300, NOON)
    assert alerts.succeeded(NOON) is not None
    assert alerts.aged(300, 300, NOON) is not None
