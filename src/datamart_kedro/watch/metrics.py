"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from datamart_kedro.watch.report import ROWS, MartFigures, Report
from datamart_kedro.watch.schedule import Order

BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Seconds."""


class Metrics:
    """What a watch measures; every name begins with ``datamart_``, times are seconds, instants seconds since 1970."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        disable_created_metrics()  # type: ignore[no-untyped-call]  # instants of first counts, which nobody asks for
        self._checks = self._counter("checks", "Looks at the shop, by what they found.", "outcome")
        self._runs = self._counter("runs", "Runs, by how they ended.", "outcome")
        self._rows = self._counter("rows", "Rows of published runs, by what became of them.", "domain", "kind")
        self._seconds = Histogram(
            "datamart_duration_seconds",
            "What looks and runs took.",
            ["order"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._notifications = self._counter("notifications", "Changes that PostgreSQL told of.")
        self._webhooks = self._counter("webhooks", "Alerts, by what became of them.", "outcome")
        self._version = self._gauge("version", "Version of the mart that readers see.")
        self._last_success = self._gauge(
            "last_success_timestamp_seconds", "When the mart was last known to hold what the shop held."
        )
        self._failures = self._gauge("consecutive_failures", "Looks and runs in a row that failed.")
        self._stale = self._gauge("stale", "1 if the shop was not seen for too long.")
        self._listening = self._gauge("listening", "1 if PostgreSQL's notifications are heard.")
        self._table_rows = self._gauge("table_rows", "Rows of a published table.", "domain")
        self._published = self._gauge("published_timestamp_seconds", "Start of a domain's last publication.", "domain")
        self._newest = self._gauge("newest_change_timestamp_seconds", "Newest change among a domain's rows.", "domain")

    def notified(self) -> None:
        """Count a notification."""
        self._notifications.inc()

    def listening(self, is_on: bool) -> None:
        """Note whether notifications are heard."""
        self._listening.set(is_on)

    def webhook(self, outcome: str) -> None:
        """Count an alert: delivered or lost."""
        self._webhooks.labels(outcome).inc()

    def ended(self, order: Order, report: Report, failures: int) -> None:
        """Count an order that was carried out."""
        (self._runs if order == "run" else self._checks).labels(report.outcome).inc()
        self._seconds.labels(order).observe(report.seconds)
        self._failures.set(failures)
        for domain, counts in report.rows.items():
            for kind in ROWS:
                self._rows.labels(domain, kind).inc(counts[kind])
        if report.mart is not None:
            self._show(report.mart)

    def aged(self, last_success_at: float | None, is_stale: bool) -> None:
        """Note when the shop was seen last, in seconds since 1970."""
        self._stale.set(is_stale)
        if last_success_at is not None:
            self._last_success.set(last_success_at)

    def _show(self, mart: MartFigures) -> None:
        self._version.set(mart.version)
        for domain, figures in mart.domains.items():
            for gauge, value in (
                (self._table_rows, figures.rows),
                (self._published, figures.published_at),
                (self._newest, figures.newest_change_at),
            ):
                if value is not None:
                    gauge.labels(domain).set(value)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"datamart_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"datamart_{name}", meaning, labels, registry=self.registry)
