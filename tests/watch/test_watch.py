"""The watch goes round: with workers that do what the test says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any

from prometheus_client import generate_latest

from datamart_kedro.watch.crew import Answered
from datamart_kedro.watch.listener import Listening, Notified
from datamart_kedro.watch.metrics import Metrics
from datamart_kedro.watch.report import MartFigures, Report
from datamart_kedro.watch.schedule import Order, Outcome, Schedule
from datamart_kedro.watch.settings import WatchSettings
from datamart_kedro.watch.watch import CUT_OFF, Event, Stopping, Watch


class FakeWorkers:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ready(self) -> None:
        self.asked.append("ready")

    def order(self, order: Order) -> None:
        self.asked.append(order)

    def stop_run(self) -> None:
        self.asked.append("stop_run")

    def kill(self) -> None:
        self.asked.append("kill")

    def dismiss(self) -> None:
        self.asked.append("dismiss")


class Rig:
    """A watch with its first run under way, and what it has asked for and told."""

    def __init__(self, **settings: Any) -> None:
        self.alerts: list[Mapping[str, Any]] = []
        self.workers = FakeWorkers()
        chosen = WatchSettings(**{"every_s": 60, "settle_s": 0, "first_wait_s": 0.01, **settings})
        self.metrics = Metrics()
        about = {"project": "mart", "environment": "postgres"}
        events: SimpleQueue[Event] = SimpleQueue()
        self.watch = Watch(chosen, Schedule(chosen, lambda: 1.0), self.workers, events, self.metrics, self, about)
        self.hear(Listening(True))

    def post(self, body: Mapping[str, Any]) -> None:
        self.alerts.append(body)

    def hear(self, *events: Event) -> bool:
        """Let events come, and go round once for each; is the watch over?"""
        for event in events:
            self.watch.events.put(event)
        return [self.watch.step() for _ in events][-1]

    def answer(self, outcome: Outcome, error: str = "", version: int = 7) -> bool:
        """Let the order end that is under way."""
        return self.hear(Answered(Report(outcome, error, mart=MartFigures(version, {}))))

    def told(self) -> list[str]:
        return [str(alert["event"]) for alert in self.alerts]


def test_the_first_thing_is_a_run_and_a_notification_another_one():
    rig = Rig()
    rig.answer("published")
    rig.hear(Notified("shop.orders"), Listening(True))
    assert rig.workers.asked == ["run", "ready", "run"]


def test_one_order_at_a_time():
    rig = Rig()
    rig.hear(Notified("shop.orders"), Notified("shop.orders"), Notified("shop.orders"))
    assert rig.workers.asked == ["run"]


def test_a_failure_and_the_recovery_from_it_are_told():
    rig = Rig()
    rig.answer("failed", "SourceError: no")
    time.sleep(0.02)
    rig.hear(Listening(True))
    rig.answer("published")
    assert rig.told() == ["failure", "recovery"]
    failure = rig.alerts[0]
    assert (failure["text"], failure["environment"], failure["failures"]) == (
        "mart: failure. SourceError: no",
        "postgres",
        1,
    )


def test_a_mart_that_somebody_else_has_is_told_to_nobody():
    rig = Rig()
    rig.answer("busy")
    assert rig.told() == []


def test_health_says_what_failed_until_all_is_well():
    rig = Rig()
    rig.answer("failed", "SourceError: no")
    health = rig.watch.health()
    assert (health.ready, health.failures, health.error) == (False, 1, "SourceError: no")
    time.sleep(0.02)
    rig.hear(Listening(True))
    rig.answer("published")
    health = rig.watch.health()
    assert (health.ready, health.failures, health.error, health.version) == (True, 0, "", 7)


def test_a_watch_with_nothing_published_is_not_ready():
    rig = Rig()
    rig.answer("unchanged", version=0)
    assert not rig.watch.health().ready


def test_a_shop_that_was_not_seen_for_long_is_stale_and_told_once():
    rig = Rig(stale_after_s=0.05)
    rig.answer("published")
    assert not rig.watch.health().stale
    time.sleep(0.06)
    assert rig.watch.health().stale
    assert b"\ndatamart_stale 1.0" in generate_latest(rig.metrics.registry)
    rig.hear(Listening(False), Listening(False))
    assert rig.told() == ["staleness"]


def test_a_watch_that_does_not_go_round_is_not_alive():
    rig = Rig()
    assert rig.watch.health().live
    rig.watch._round_at -= 31
    assert not rig.watch.health().live


def test_an_idle_watch_ends_at_once():
    rig = Rig()
    rig.answer("published")
    rig.watch.events.put(Stopping())
    assert rig.watch.go() == 0
    assert rig.workers.asked == ["run", "ready", "dismiss"]


def test_a_look_that_is_under_way_is_not_waited_for():
    rig = Rig(every_s=0.05)
    rig.answer("published")
    time.sleep(0.06)
    rig.watch.events.put(Stopping())
    assert rig.watch.go() == 0
    assert rig.workers.asked == ["run", "ready", "check", "kill", "dismiss"]


def test_a_run_that_is_under_way_may_end_and_no_other_begins():
    rig = Rig(stop_wait_s=60)
    assert not rig.hear(Stopping(), Notified("shop.orders"))
    rig.watch.events.put(Answered(Report("published")))
    assert rig.watch.go() == 0
    assert rig.workers.asked == ["run", "dismiss"]


def test_a_run_that_takes_too_long_is_ended_and_the_exit_code_says_so():
    rig = Rig(stop_wait_s=0.02)
    rig.hear(Stopping())
    time.sleep(0.03)
    rig.hear(Listening(True))
    assert rig.workers.asked == ["run", "stop_run"]
    rig.watch.events.put(Answered(Report("interrupted")))
    assert rig.watch.go() == CUT_OFF


def test_a_run_that_somebody_else_ended_is_done_again_and_is_not_cut_off_by_the_watch():
    rig = Rig()
    rig.answer("interrupted")
    rig.hear(Listening(True))
    rig.answer("published")
    rig.watch.events.put(Stopping())
    assert rig.watch.go() == 0
    assert rig.workers.asked == ["run", "ready", "run", "ready", "dismiss"]


def test_a_second_signal_ends_the_run_at_once():
    rig = Rig(stop_wait_s=1000)
    rig.hear(Stopping(), Stopping(), Listening(True))
    assert rig.workers.asked == ["run", "stop_run"]


def test_a_run_that_does_not_end_is_killed_once():
    rig = Rig(stop_wait_s=0)
    rig.hear(Stopping(), Listening(True))
    rig.watch._kill_at = 0
    rig.hear(Listening(True), Listening(True))
    assert rig.workers.asked == ["run", "stop_run", "kill"]
    rig.watch.events.put(Answered(Report("failed")))
    assert rig.watch.go() == CUT_OFF
