"""Readers see one version or the other, and wait for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from time import monotonic
from typing import Any

import psycopg2
import pytest

from datamart_kedro.replica import synchronise as module
from tests.replica.store import Replica, Store

IDENTITY = """SELECT (SELECT version FROM datamart.replica_state), (SELECT sum(net_amount) FROM datamart.tb_orders),
(SELECT sum(net_amount) FROM datamart.tb_order_items WHERE NOT is_orphan)"""

OLD = (1, Decimal("55.00"), Decimal("55.00"))
"""Order 10: 2 x 10 + 1 x 5; order 11: 2 x 10; order 12: 1 x 10."""

NEW = (2, Decimal("75.00"), Decimal("75.00"))
"""Order 10: 25; order 11: 20; order 13: 3 x 10; the line of order 12 has no order any more."""


@contextmanager
def reader(url: str) -> Iterator[Any]:
    """A connection that gives up when it has to wait for a lock."""
    connection = psycopg2.connect(url)
    cursor = connection.cursor()
    cursor.execute("SET lock_timeout = '2s'")
    connection.commit()
    try:
        yield cursor
    finally:
        connection.close()


def before_each_table(monkeypatch: pytest.MonkeyPatch, do: Callable[[str], None]) -> None:
    """Call a function, within the transaction, before each table, and once more when all are done."""
    bring, note = module.bring, module.note_version

    def watched_bring(table: Any, *arguments: Any) -> bool:
        do(table.name)
        return bring(table, *arguments)

    def watched_note(*arguments: Any) -> None:
        note(*arguments)
        do("")

    monkeypatch.setattr(module, "bring", watched_bring)
    monkeypatch.setattr(module, "note_version", watched_note)


def test_readers_see_the_old_version_until_all_tables_are_done(
    store: Store, replica: Replica, monkeypatch: pytest.MonkeyPatch
):
    replica.synchronise()
    store.become(2)
    seen = []
    before_each_table(monkeypatch, lambda _: seen.append(replica.execute("SET lock_timeout = '2s'", IDENTITY)[0]))
    replica.synchronise()
    assert seen == [OLD] * 12  # eight tables, three ledgers, and just before the end
    assert replica.execute(IDENTITY) == [NEW]


def test_a_report_in_one_transaction_stays_with_the_version_that_it_began_with(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    with reader(replica.url) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(IDENTITY)
        assert cursor.fetchall() == [OLD]
        replica.synchronise()
        cursor.execute(IDENTITY)
        assert cursor.fetchall() == [OLD]
        cursor.connection.commit()
        cursor.execute(IDENTITY)
        assert cursor.fetchall() == [NEW]


def test_a_reader_in_a_loop_sees_old_or_new_and_never_a_mixture(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    seen: list[tuple[Any, ...]] = []
    started, done = threading.Event(), threading.Event()

    def read() -> None:
        with reader(replica.url) as cursor:
            while not done.is_set():
                cursor.execute(IDENTITY)
                seen.extend(cursor.fetchall())
                cursor.connection.commit()
                started.set()

    loop = threading.Thread(target=read)
    loop.start()
    assert started.wait(10)
    replica.synchronise()
    after = len(seen)
    while len(seen) < after + 2 and loop.is_alive():
        pass
    done.set()
    loop.join()
    assert set(seen) == {OLD, NEW}
    assert seen == sorted(seen)


def test_a_reader_who_holds_a_table_open_does_not_stop_a_synchronisation(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    with reader(replica.url) as cursor:
        cursor.execute(IDENTITY)
        replica.settings["lock_timeout_s"] = 2
        assert replica.synchronise().version == 2


def test_a_new_table_and_the_first_version_come_at_once(replica: Replica, monkeypatch: pytest.MonkeyPatch):
    there: list[Any] = []
    before_each_table(monkeypatch, lambda _: there.extend(replica.execute("SELECT to_regnamespace('datamart')")))
    replica.synchronise()
    assert set(there) == {(None,)}
    assert replica.execute(IDENTITY) == [OLD]


def test_a_new_column_does_not_keep_readers_waiting(store: Store, replica: Replica, monkeypatch: pytest.MonkeyPatch):
    replica.synchronise()
    store.become(2)
    store.publish(
        "ALTER TABLE tb_orders ADD COLUMN channel VARCHAR", "UPDATE tb_orders SET channel = 'web', _version = 3"
    )
    seen = []
    before_each_table(monkeypatch, lambda _: seen.append(replica.execute("SET lock_timeout = '2s'", IDENTITY)[0]))
    replica.synchronise()
    assert seen == [OLD] * 12


def test_a_new_column_waits_for_a_reader_and_lets_others_pass(store: Store, replica: Replica):
    replica.synchronise()
    store.publish("ALTER TABLE tb_orders ADD COLUMN channel VARCHAR")
    with reader(replica.url) as first:
        first.execute(IDENTITY)
        writer = threading.Thread(target=replica.synchronise)
        writer.start()
        until = monotonic() + 1.5
        while monotonic() < until:
            assert replica.execute("SET lock_timeout = '1s'", IDENTITY) == [OLD]
        assert writer.is_alive()
        first.connection.rollback()
        writer.join()
    assert replica.version() == 2
