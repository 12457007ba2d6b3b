"""NOTIFY and its triggers, on a real PostgreSQL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

import psycopg2
import pytest

from datamart_kedro.watch import listener
from datamart_kedro.watch.listener import Listener, Listening, Notified
from datamart_kedro.watch.triggers import tables_read, trigger_sql
from tests.project import psql

Heard = SimpleQueue[Notified | Listening]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Heard]]:
    """Listen to a server from now on."""
    monkeypatch.setattr(listener, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(listener, "LOOK_EVERY_S", 0.05)
    made: list[Listener] = []

    def begin(url: str, channel: str = "datamart") -> Heard:
        heard: Heard = SimpleQueue()
        made.append(Listener(url, channel, heard.put))
        made[-1].start()
        return heard

    yield begin
    for one in made:
        one.close()
        one._thread.join(10)
    assert not [thread for thread in threading.enumerate() if thread.name == "listener"]


def test_what_a_shop_tells_is_heard(postgres: str, listen: Callable[[str], Heard]):
    heard = listen(postgres)
    assert heard.get(timeout=10) == Listening(True)
    psql(postgres, "NOTIFY other, 'x'", "NOTIFY datamart, 'shop.orders'")
    assert heard.get(timeout=10) == Notified("shop.orders")


def test_a_channel_may_have_any_name(postgres: str, listen: Callable[..., Heard]):
    heard = listen(postgres, 'My "mart"; DROP')
    assert heard.get(timeout=10) == Listening(True)
    psql(postgres, """SELECT pg_notify('My "mart"; DROP', 'x')""")
    assert heard.get(timeout=10) == Notified("x")


def test_a_connection_that_is_lost_is_opened_again(
    postgres: str, listen: Callable[[str], Heard], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    heard = listen(postgres)
    assert heard.get(timeout=10) == Listening(True)
    psql(
        postgres,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datamart_kedro watch'"
        " AND datname = current_database()",
    )
    assert heard.get(timeout=10) == Listening(False)
    assert heard.get(timeout=10) == Listening(True)
    psql(postgres, "NOTIFY datamart, 'again'")
    assert heard.get(timeout=10) == Notified("again")
    assert " is not heard: the server ended the connection. It is looked at in intervals" in caplog.text


def test_a_server_that_is_not_there_is_called_again_and_no_password_is_told(
    tmp_path: Path, listen: Callable[[str], Heard], caplog: pytest.LogCaptureFixture
):
    heard = listen(f"postgresql://ann:swordfish@/shop?host={tmp_path}")
    assert heard.get(timeout=10) == Listening(False)
    assert heard.get(timeout=10) == Listening(False)
    assert "nothing answers there" in caplog.text
    assert "swordfish" not in caplog.text


@pytest.fixture
def connection(postgres: str) -> Iterator[psycopg2.extensions.connection]:
    """Of the owner of the tables "Big Shop".orders and .items, of which a view shows one."""
    psql(
        postgres,
        'CREATE SCHEMA "Big Shop"',
        'CREATE TABLE "Big Shop"."or""ders" (id int)',
        "CREATE TABLE items (id int)",
        'CREATE VIEW seen AS SELECT id FROM "Big Shop"."or""ders"',
    )
    made = psycopg2.connect(postgres)
    yield made
    made.close()


TABLES = [("Big Shop", 'or"ders'), ("public", "items")]


def test_tables_below_views_are_found_each_once(connection: psycopg2.extensions.connection):
    queries = ["SELECT * FROM seen", "SELECT id FROM items WHERE id IN (SELECT id FROM seen)"]
    assert tables_read(connection, queries) == TABLES


def test_each_change_of_a_table_is_told_after_its_commit(
    postgres: str, connection: psycopg2.extensions.connection, listen: Callable[[str], Heard]
):
    psql(postgres, trigger_sql(connection, TABLES, "it's"))
    heard = listen(postgres, "it's")
    assert heard.get(timeout=10) == Listening(True)
    psql(postgres, 'INSERT INTO "Big Shop"."or""ders" SELECT generate_series(1, 9)')
    psql(postgres, "INSERT INTO items VALUES (1)")
    psql(postgres, "UPDATE items SET id = 2")
    psql(postgres, "DELETE FROM items")
    psql(postgres, "TRUNCATE items")
    psql(postgres, "SELECT * FROM items")
    psql(postgres, """SELECT pg_notify('it''s', 'end')""")
    told = [heard.get(timeout=10) for _ in range(6)]
    assert told == [Notified('Big Shop.or"ders'), *[Notified("public.items")] * 4, Notified("end")]


def test_several_changes_in_a_transaction_are_told_once_and_none_if_it_is_undone(
    postgres: str, connection: psycopg2.extensions.connection, listen: Callable[[str], Heard]
):
    psql(postgres, trigger_sql(connection, TABLES, "datamart"))
    heard = listen(postgres)
    heard.get(timeout=10)
    psql(postgres, "BEGIN; INSERT INTO items VALUES (1); ROLLBACK")
    psql(postgres, "BEGIN; INSERT INTO items VALUES (1); UPDATE items SET id = 2; COMMIT")
    psql(postgres, "NOTIFY datamart, 'end'")
    assert [heard.get(timeout=10) for _ in range(2)] == [Notified("public.items"), Notified("end")]


def test_triggers_may_be_installed_twice(postgres: str, connection: psycopg2.extensions.connection):
    for _ in range(2):
        psql(postgres, trigger_sql(connection, TABLES, "datamart"))
    assert psql(postgres, "SELECT count(*) FROM pg_trigger WHERE tgname = 'datamart_notify'") == [(2,)]
