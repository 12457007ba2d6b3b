"""When something is due: with instants written down, and no clock."""

from __future__ import annotations

import pytest

from datamart_kedro.watch.schedule import Outcome, Schedule, wait_after
from datamart_kedro.watch.settings import WatchSettings

SETTINGS = WatchSettings(
    every_s=60, settle_s=1, record_every_s=1000, stale_after_s=300, first_wait_s=4, longest_wait_s=30
)


def begun(**values: object) -> Schedule:
    """A schedule whose first run ended well at instant 0; waits are as long as they can be."""
    schedule = Schedule(SETTINGS.model_copy(update=values), draw=lambda: 1.0)
    schedule.began("run")
    schedule.ended("unchanged", 0)
    return schedule


def carry_out(schedule: Schedule, outcome: Outcome, at: float) -> str:
    """Do what is due, and say what it was."""
    order = schedule.due(at)
    assert order is not None
    schedule.began(order)
    schedule.ended(outcome, at)
    return order


def test_a_new_watch_begins_with_a_run_at_once():
    assert Schedule(SETTINGS, draw=lambda: 1.0).due(123.0) == "run"


def test_the_shop_is_looked_at_when_the_interval_is_over_and_not_before():
    schedule = begun()
    assert schedule.due(59.9) is None
    assert schedule.due(60) == "check"
    assert schedule.wakes_at() == 60


def test_a_look_that_finds_nothing_is_followed_by_the_next_one():
    schedule = begun()
    assert carry_out(schedule, "nothing_new", 60) == "check"
    assert schedule.wakes_at() == 120


def test_a_look_that_finds_something_is_followed_by_a_run_at_once():
    schedule = begun()
    carry_out(schedule, "new_data", 60)
    assert schedule.due(60) == "run"


def test_a_notification_is_a_run_after_it_has_settled():
    schedule = begun()
    schedule.notified(10)
    assert schedule.due(10.9) is None
    assert schedule.due(11) == "run"


def test_a_burst_of_notifications_is_one_run():
    schedule = begun()
    for at in (10, 10.5, 11.2):
        schedule.notified(at)
    assert schedule.wakes_at() == 12.2
    assert carry_out(schedule, "published", 12.2) == "run"
    assert schedule.due(13) is None


def test_notifications_that_never_rest_do_not_put_a_run_off_for_ever():
    schedule = begun()
    for tenth in range(200):
        schedule.notified(10 + tenth / 10)
    assert schedule.wakes_at() == 20


def test_nothing_is_due_while_something_is_under_way():
    schedule = begun()
    schedule.began("run")
    schedule.notified(10)
    assert schedule.due(1000) is None


def test_a_notification_during_a_run_is_served_by_another_run():
    schedule = begun()
    schedule.notified(10)
    schedule.began("run")
    schedule.notified(12)
    schedule.ended("published", 15)
    assert schedule.due(15) == "run"


def test_a_look_is_a_run_when_the_ledger_heard_of_none_for_long():
    schedule = begun(every_s=999)
    assert carry_out(schedule, "nothing_new", 999) == "check"
    assert schedule.due(1998) == "run"


def test_failures_are_followed_by_waits_that_double_up_to_a_limit():
    schedule = begun()
    waits = []
    at = 60.0
    for _ in range(5):
        carry_out(schedule, "failed", at)
        waits.append(schedule.wakes_at() - at)
        at = schedule.wakes_at()
    assert waits == [4, 8, 16, 30, 30]


def test_success_makes_the_next_failure_a_first_one():
    schedule = begun()
    for at in (60, 100, 200):
        carry_out(schedule, "failed", at)
    carry_out(schedule, "nothing_new", 300)
    assert schedule.failures == 0
    carry_out(schedule, "failed", 400)
    assert schedule.wakes_at() == 404


def test_a_look_that_finds_something_does_not_end_a_row_of_failures():
    schedule = begun()
    carry_out(schedule, "failed", 60)
    carry_out(schedule, "new_data", 100)
    assert carry_out(schedule, "failed", 100) == "run"
    assert schedule.failures == 2


def test_a_run_that_failed_is_tried_again_as_a_run():
    schedule = begun()
    carry_out(schedule, "new_data", 60)
    carry_out(schedule, "failed", 60)
    assert schedule.due(64) == "run"


def test_a_look_that_failed_is_tried_again_as_a_look():
    schedule = begun()
    carry_out(schedule, "failed", 60)
    assert schedule.due(64) == "check"


def test_notifications_do_not_shorten_the_wait_after_a_failure():
    schedule = begun()
    carry_out(schedule, "failed", 60)
    schedule.notified(61)
    assert schedule.due(63.9) is None
    assert schedule.due(64) == "run"


def test_a_mart_that_somebody_else_has_is_tried_again_soon_and_is_no_failure():
    schedule = begun()
    schedule.notified(10)
    carry_out(schedule, "busy", 11)
    assert (schedule.failures, schedule.wakes_at(), schedule.due(13)) == (0, 13, "run")


def test_a_connection_that_stands_again_is_a_look_at_once():
    schedule = begun()
    schedule.look_now(5)
    assert schedule.due(5) == "check"


@pytest.mark.parametrize(("share", "wait_s"), [(0, 8), (0.5, 12), (1, 16)])
def test_half_of_a_wait_is_drawn_at_random(share: float, wait_s: float):
    assert wait_after(3, SETTINGS, share) == wait_s


def test_the_wait_after_a_million_failures_is_the_longest():
    assert wait_after(1_000_000, SETTINGS, 1.0) == 30
