"""The watch itself: takes what is heard, has orders carried out, and tells how they ended."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from datamart_kedro.watch.alerts import Alert, Alerts
from datamart_kedro.watch.crew import Answered
from datamart_kedro.watch.health import Health
from datamart_kedro.watch.listener import Listening, Notified
from datamart_kedro.watch.metrics import Metrics
from datamart_kedro.watch.report import Report
from datamart_kedro.watch.schedule import GOOD, Order, Schedule
from datamart_kedro.watch.settings import WatchSettings

logger = logging.getLogger(__name__)

LONGEST_NAP_S = 5.0
"""The watch goes round at least so often."""
ALIVE_FOR_S = 30.0
"""A watch that has not gone round for so long counts as dead."""
END_WAIT_S = 10.0
"""How long a run that is told to end may take; then its process is killed, and the mart is as it was."""
CUT_OFF = 130
"""Exit code if a run was ended before it was done."""


@dataclass(frozen=True)
class Stopping:
    """Somebody wants the watch to end: SIGTERM or SIGINT."""


Event = Notified | Listening | Answered | Stopping


class Workers(Protocol):
    """Who carries out orders."""

    def ready(self) -> None:
        """Have one wait for the next order."""

    def order(self, order: Order) -> None:
        """Have an order carried out."""

    def stop_run(self) -> None:
        """End the run that is under way."""

    def kill(self) -> None:
        """End whatever is under way, at once."""

    def dismiss(self) -> None:
        """Let them go."""


class Post(Protocol):
    """Who takes alerts."""

    def post(self, body: Mapping[str, Any]) -> None:
        """Have one posted."""


@dataclass
class Watch:
    """Goes round until it is told to end.

    Attributes:
        settings: Of the watch.
        schedule: Says what is due.
        workers: Carry it out.
        events: What is heard, by all threads.
        metrics: Count it.
        webhook: Takes alerts; None if nobody wants any.
        about: What every alert says of where it comes from.
    """

    settings: WatchSettings
    schedule: Schedule
    workers: Workers
    events: SimpleQueue[Event]
    metrics: Metrics
    webhook: Post | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._alerts = Alerts()
        self._seen_at = self._round_at = time.monotonic()
        self._seen_at_epoch: float | None = None
        self._version: int | None = None
        self._error = ""
        self._is_listening = False
        self._stops_asked = 0
        self._stop_run_at = self._kill_at = float("inf")
        self._was_cut_off = False

    def heed_signals(self) -> None:
        """End when SIGTERM or SIGINT comes; a second one ends a run that is under way."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.events.put(Stopping()))

    def go(self) -> int:
        """Go round, and return the exit code: 0, or `CUT_OFF`."""
        while not self.step():
            pass
        if self.schedule.under_way:  # a look, which nobody needs any more
            self.workers.kill()
        self.workers.dismiss()
        logger.info("The watch ends%s.", "; the run under way was cut off" if self._was_cut_off else "")
        return CUT_OFF if self._was_cut_off else 0

    def step(self) -> bool:
        """Do what is due, and take one event; is the watch over?"""
        at = self._round_at = time.monotonic()
        self._tell(self._alerts.aged(at - self._seen_at, self.settings.stale_after_s, _utc()))
        if self._stops_asked:
            if self.schedule.under_way != "run":
                return True
            self._hurry(at)
        elif order := self.schedule.due(at):
            self.schedule.began(order)
            self.workers.order(order)
        self.take(self._next_event(at))
        return False

    def take(self, event: Event | None) -> None:
        """React to what was heard."""
        at = time.monotonic()
        match event:
            case Notified():
                self.metrics.notified()
                self.schedule.notified(at)
            case Listening(is_on):
                self._is_listening = is_on
                self.metrics.listening(is_on)
                if is_on:
                    self.schedule.look_now(at)
            case Answered(report):
                self._ended(report, at)
            case Stopping():
                self._stops_asked += 1
                grace_s = self.settings.stop_wait_s if self._stops_asked == 1 else 0.0
                self._stop_run_at = min(self._stop_run_at, at + grace_s)
                if self._stops_asked == 1 and self.schedule.under_way == "run":
                    logger.info("The run under way may take another %g s; then it is ended.", grace_s)

    def health(self) -> Health:
        """How the watch does now; gauges are brought up to date as well. Other threads ask."""
        at = time.monotonic()
        age_s = at - self._seen_at
        is_stale = age_s >= self.settings.stale_after_s
        self.metrics.aged(self._seen_at_epoch, is_stale)
        seen_at = self._seen_at_epoch
        return Health(
            live=at - self._round_at < ALIVE_FOR_S,
            ready=bool(self._version) and seen_at is not None,
            stale=is_stale,
            under_way=self.schedule.under_way,
            failures=self.schedule.failures,
            error=self._error,
            last_success_at=None if seen_at is None else datetime.fromtimestamp(seen_at, UTC).isoformat(),
            age_s=round(age_s, 3),
            version=self._version,
            listening=self._is_listening,
        )

    def _ended(self, report: Report, at: float) -> None:
        order = self.schedule.under_way or "check"
        self.schedule.ended(report.outcome, at)
        self.metrics.ended(order, report, self.schedule.failures)
        if report.mart is not None:
            self._version = report.mart.version
        if report.outcome in GOOD:
            self._seen_at, self._seen_at_epoch, self._error = at, time.time(), ""
            self._tell(self._alerts.succeeded(_utc()))
        elif report.outcome == "failed":
            self._error = report.error
            wait_s = max(self.schedule.wakes_at() - at, 0)
            logger.warning("The %s failed, %d in a row; next try in %.0f s.", order, self.schedule.failures, wait_s)
            self._tell(self._alerts.failed(report.error, self.schedule.failures, _utc()))
        if self._stops_asked:
            self._was_cut_off = report.outcome in ("failed", "interrupted")
        else:
            self.workers.ready()

    def _hurry(self, at: float) -> None:
        """End a run that has had its time; kill it if it does not end."""
        if at >= self._kill_at:
            self.workers.kill()
            self._kill_at = float("inf")
        elif at >= self._stop_run_at:
            self.workers.stop_run()
            self._stop_run_at, self._kill_at = float("inf"), at + END_WAIT_S

    def _next_event(self, at: float) -> Event | None:
        nap_s = LONGEST_NAP_S
        if self._stops_asked:
            nap_s = min(nap_s, self._stop_run_at - at, self._kill_at - at)
        elif not self.schedule.under_way:
            nap_s = min(nap_s, self.schedule.wakes_at() - at)
        try:
            return self.events.get(timeout=max(nap_s, 0.0))
        except Empty:
            return None

    def _tell(self, alert: Alert | None) -> None:
        if alert is None:
            return
        log = logger.info if alert.event == "recovery" else logger.warning
        if alert.event != "failure":  # the run has told of it
            log("%s", alert.text)
        if self.webhook is not None:
            self.webhook.post(
                {
                    "event": alert.event,
                    "text": f"{self.about.get('project', 'datamart')}: {alert.event}. {alert.text}",
                    "at": alert.at.isoformat(timespec="seconds"),
                    "failures": alert.failures,
                    "version": self._version,
                    **self.about,
                }
            )


def _utc() -> datetime:
    return datetime.now(UTC)
