"""Health and metrics, asked for over HTTP, and read by Prometheus' own parser."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from datamart_kedro.errors import UsageError
from datamart_kedro.watch.health import Health, HealthServer, pages
from datamart_kedro.watch.metrics import Metrics
from datamart_kedro.watch.report import DomainFigures, MartFigures, Report

WELL = Health(
    live=True, ready=True, stale=False, under_way=None, failures=0, error="", last_success_at=None, age_s=1.5,
    version=3, listening=True,
)  # fmt: skip

ROWS = {"read": 9, "staged": 6, "rejected": 2, "superseded": 1, "inserted": 4, "updated": 1, "deleted": 0}
PUBLISHED = Report(
    "published",
    run_id="r",
    seconds=0.7,
    rows={"orders": ROWS},
    mart=MartFigures(5, {"orders": DomainFigures(6, 10.0, 20.0, None)}),
)


def samples(text: str) -> dict[str, float]:
    """Samples of a page, each under its name and the values of its labels."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Served:
    """A server whose health can be set."""

    def __init__(self) -> None:
        self.health = WELL
        self.metrics = Metrics()
        self.server = HealthServer(0, pages(lambda: self.health, self.metrics.registry))

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.server.url + path, trust_env=False)

    def samples(self) -> dict[str, float]:
        return samples(self.get("/metrics").text)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.close()


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        ({}, [200, 200, 200, 200]),
        ({"live": False}, [503, 503, 200, 200]),
        ({"ready": False}, [503, 200, 503, 200]),
        ({"stale": True}, [503, 200, 200, 503]),
    ],
    ids=str,
)
def test_each_page_answers_for_what_it_asks(served: Served, fault: dict[str, bool], statuses: list[int]):
    served.health = Health(**{**vars(WELL), **fault})
    paths = ["/health", "/health/live", "/health/ready", "/health/fresh"]
    assert [served.get(path).status_code for path in paths] == statuses


def test_health_is_told_in_full_as_json(served: Served):
    answer = served.get("/health")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text) == vars(WELL)


def test_pages_that_there_are_not_and_ways_of_asking_that_change_something_are_refused(served: Served):
    assert served.get("/").status_code == 404
    assert served.get("/health/../metrics/x").status_code == 404
    assert httpx.post(served.server.url + "/health", trust_env=False).status_code == 405


def test_only_this_machine_is_served(served: Served):
    assert served.server.url.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_is_a_refusal_that_says_what_to_do(served: Served):
    port = int(served.server.url.rpartition(":")[2])
    with pytest.raises(UsageError) as refusal:
        HealthServer(port, pages(lambda: WELL, served.metrics.registry))
    assert refusal.value.happened == f"Port {port} cannot be served: Address already in use."
    assert refusal.value.next_step.startswith("Is another watch under way?")


def test_runs_and_their_rows_are_counted(served: Served):
    served.metrics.ended("run", PUBLISHED, 0)
    served.metrics.ended("run", PUBLISHED, 0)
    served.metrics.ended("check", Report("nothing_new", seconds=0.05), 0)
    found = served.samples()
    assert found["datamart_runs_total published"] == 2
    assert found["datamart_checks_total nothing_new"] == 1
    assert {kind: found[f"datamart_rows_total orders {kind}"] for kind in ROWS} == {
        kind: 2 * count for kind, count in ROWS.items()
    }
    assert found["datamart_duration_seconds_sum run"] == pytest.approx(1.4)
    assert found["datamart_duration_seconds_bucket 0.1 check"] == 1
    assert found["datamart_duration_seconds_bucket 0.5 run"] == 0
    assert found["datamart_duration_seconds_bucket 1.0 run"] == 2


def test_what_the_mart_holds_is_shown_and_what_is_not_known_is_left_out(served: Served):
    served.metrics.ended("run", PUBLISHED, 0)
    found = served.samples()
    assert found["datamart_version"] == 5
    assert found["datamart_table_rows orders"] == 6
    assert found["datamart_published_timestamp_seconds orders"] == 20
    assert "datamart_newest_change_timestamp_seconds orders" not in found


def test_failures_are_counted_and_stand_until_all_is_well(served: Served):
    served.metrics.ended("run", Report("failed", error="no"), 2)
    assert served.samples()["datamart_consecutive_failures"] == 2
    assert served.samples()["datamart_runs_total failed"] == 1
    served.metrics.ended("run", PUBLISHED, 0)
    assert served.samples()["datamart_consecutive_failures"] == 0


def test_freshness_notifications_and_alerts_are_shown(served: Served):
    served.metrics.aged(1_700_000_000.5, True)
    served.metrics.listening(True)
    served.metrics.notified()
    served.metrics.webhook("lost")
    found = served.samples()
    assert found["datamart_last_success_timestamp_seconds"] == 1_700_000_000.5
    assert (found["datamart_stale"], found["datamart_listening"]) == (1, 1)
    assert (found["datamart_notifications_total"], found["datamart_webhooks_total lost"]) == (1, 1)


def test_a_report_is_the_same_after_its_way_through_json():
    assert Report.from_json(PUBLISHED.to_json()) == PUBLISHED
    assert Report.from_json(Report("failed", error="ä").to_json()) == Report("failed", error="ä")
