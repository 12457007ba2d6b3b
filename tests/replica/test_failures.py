"""A synchronisation that fails leaves the replica as it was, and says what to do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from datamart_kedro.errors import ReplicaError
from datamart_kedro.replica import synchronise as module
from datamart_kedro.replica.served import Served
from datamart_kedro.replica.snapshot import Snapshot
from datamart_kedro.replica.state import lock_key
from tests.replica.store import TABLES, Replica, Store

STATE_1_OF_2 = "The mart itself is published at version 2; the replica still holds version 1."


def refusal_of(replica: Replica) -> ReplicaError:
    with pytest.raises(ReplicaError) as refusal:
        replica.synchronise()
    assert "secret" not in f"{refusal.value} {refusal.value!r}"
    return refusal.value


def at_orders(monkeypatch: pytest.MonkeyPatch, do: Callable[[], Any]) -> None:
    """Do something within the transaction when tb_orders is about to be written."""
    bring = module.bring

    def watched(table: Any, *arguments: Any) -> bool:
        if table.name == "tb_orders":
            do()
        return bring(table, *arguments)

    monkeypatch.setattr(module, "bring", watched)


@pytest.fixture
def behind(store: Store, replica: Replica) -> Replica:
    """A replica at version 1 of a mart at version 2."""
    replica.synchronise()
    store.become(2)
    return replica


def test_an_exception_in_the_middle_leaves_the_old_version(
    store: Store, behind: Replica, monkeypatch: pytest.MonkeyPatch
):
    before = {table: behind.rows(table) for table in TABLES}

    def fail() -> None:
        raise KeyboardInterrupt

    at_orders(monkeypatch, fail)
    with pytest.raises(KeyboardInterrupt):
        behind.synchronise()
    assert behind.version() == 1
    assert {table: behind.rows(table) for table in TABLES} == before


def test_a_connection_that_the_server_ends_leaves_the_old_version_and_the_next_run_catches_up(
    store: Store, behind: Replica, monkeypatch: pytest.MonkeyPatch
):
    before = {table: behind.rows(table) for table in TABLES}
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datamart'"
    with monkeypatch.context() as patch:
        at_orders(patch, lambda: behind.execute(end))
        refusal = refusal_of(behind)
    assert refusal.happened.endswith(": tb_orders: the server ended the connection.")
    assert refusal.state == STATE_1_OF_2
    assert {table: behind.rows(table) for table in TABLES} == before
    assert behind.synchronise().version == 2
    assert behind.rows("tb_orders") == store.rows("tb_orders")


def test_a_mart_that_cannot_be_read_to_the_end_is_not_served_in_part(
    store: Store, behind: Replica, monkeypatch: pytest.MonkeyPatch
):
    rows = Served.rows

    def failing(self: Served, condition: str = "true") -> str:
        if self.name != "tb_orders":
            return rows(self, condition)
        return f"{rows(self, condition)} AND CASE WHEN order_id = '13' THEN error('torn page') ELSE true END"

    monkeypatch.setattr(Served, "rows", failing)
    refusal = refusal_of(behind)
    assert refusal.happened.endswith(": tb_orders: Invalid Input Error: torn page.")
    assert refusal.state == STATE_1_OF_2
    assert behind.version() == 1


@pytest.mark.parametrize("error", [duckdb.IOException("torn page"), OSError("torn page")])
def test_a_mart_that_breaks_off_within_a_row_is_the_cause_that_is_told(
    behind: Replica, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def torn(self: Snapshot, select: str, texts: str, descriptor: int) -> None:
        os.write(descriptor, b'"10","broken off')
        raise error

    monkeypatch.setattr(Snapshot, "write_csv", torn)
    assert refusal_of(behind).happened.endswith(": tb_customers: torn page.")
    assert behind.version() == 1


def test_rows_that_are_lost_on_the_way_are_missed(replica: Replica, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Snapshot, "write_csv", lambda *_: None)
    assert refusal_of(replica).happened == "tb_customers: the rows that arrived are not those of the mart."
    assert replica.execute("SELECT to_regnamespace('datamart')") == [(None,)]


def test_nothing_answering_is_told_in_three_lines(replica: Replica):
    replica.url = "postgresql://writer:secret@127.0.0.1:1/mart"
    assert str(refusal_of(replica)) == (
        "The replica, schema datamart of database mart at 127.0.0.1:1, is not up to date: nothing answers there.\n"
        "  The mart itself is published at version 1; the replica is as it was.\n"
        "  Check that the server runs, and its address in DATAMART_REPLICA_URL or under replica in"
        " conf/local/credentials.yml. The next run brings the replica up to date."
    )


def test_an_unknown_address_is_asked_for(replica: Replica):
    replica.url = ""
    assert str(refusal_of(replica)) == (
        "The address of the replica is not known.\n"
        "  The mart itself is published at version 1; the replica is as it was.\n"
        "  Set DATAMART_REPLICA_URL, such as postgresql://writer:password@host:5432/mart, or write"
        " `replica: {url: ...}` into conf/local/credentials.yml."
    )


def test_what_is_no_address_is_not_repeated(replica: Replica):
    replica.url = "postgresql://writer:top@secret@host/mart"
    assert refusal_of(replica).happened == (
        "The address of the replica cannot be used. The password holds an @: write %40 for it."
    )


def test_a_wrong_password_is_told_by_the_role_alone(replica: Replica, monkeypatch: pytest.MonkeyPatch):
    replica.url = "postgresql://writer:secret@host/mart"

    def refuse(*_: Any, **__: Any) -> None:
        raise psycopg2.OperationalError(
            'connection to server at "host", port 5432 failed: FATAL:  password authentication failed for user "writer"'
        )

    monkeypatch.setattr(psycopg2, "connect", refuse)
    assert refusal_of(replica).happened == (
        "The replica, schema datamart of database mart at host, is not up to date:"
        ' the password of "writer" was refused.'
    )


def test_a_second_writer_waits_and_then_names_the_first(replica: Replica):
    replica.settings["lock_timeout_s"] = 1
    with psycopg2.connect(replica.url) as first:
        first.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("datamart")])
        refusal = refusal_of(replica)
        pid = first.info.backend_pid
        role = first.info.user
    first.close()
    assert refusal.happened.startswith(f"Another run writes the schema datamart: process {pid} of {role}, since ")
    assert refusal.happened.endswith(" UTC; it was waited for 1 s.")
    assert refusal.next_step == "The next run brings the replica up to date."


def test_writers_of_two_schemas_do_not_wait_for_each_other(replica: Replica):
    replica.settings["lock_timeout_s"] = 1
    with psycopg2.connect(replica.url) as other:
        other.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("elsewhere")])
        assert replica.synchronise().version == 1
    other.close()


def test_rows_that_somebody_holds_are_waited_for_and_then_told(behind: Replica):
    behind.settings["lock_timeout_s"] = 1
    with psycopg2.connect(behind.url) as other:
        other.cursor().execute("SELECT * FROM datamart.tb_orders FOR UPDATE")
        refusal = refusal_of(behind)
        other.rollback()
    other.close()
    assert refusal.happened.endswith(": tb_orders: another transaction held a lock for longer than the lock time-out.")
    assert refusal.next_step.startswith("End that transaction, or raise replica.lock_timeout_s in globals.yml. ")


def test_a_slow_statement_ends_at_its_time_out(behind: Replica, monkeypatch: pytest.MonkeyPatch):
    behind.settings["statement_timeout_s"] = 1
    behind.execute(
        "CREATE FUNCTION datamart.doze() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(5); RETURN NEW; END'",
        "CREATE TRIGGER slow BEFORE INSERT ON datamart.tb_orders FOR EACH ROW EXECUTE FUNCTION datamart.doze()",
    )
    started = time.perf_counter()
    refusal = refusal_of(behind)
    assert time.perf_counter() - started < 4
    assert ": tb_orders: a statement took longer than its time-out, or was cancelled" in refusal.happened


def test_a_nul_character_is_named_with_its_row(store: Store, replica: Replica):
    store.execute("UPDATE tb_customers SET full_name = 'Ann' || chr(0) WHERE customer_id = '1'")
    refusal = refusal_of(replica)
    assert refusal.happened == (
        "tb_customers.full_name holds a NUL character, which PostgreSQL cannot keep, in 1 rows,"
        " such as that of customer_id '1'."
    )
    assert refusal.next_step == "Remove it in the node that builds tb_customers, then run again."
    assert replica.execute("SELECT to_regnamespace('datamart')") == [(None,)]


def test_another_mart_does_not_overwrite_a_replica(store: Store, replica: Replica):
    replica.synchronise()
    store.execute("UPDATE tb_control_data_update SET run_id = 'another', started_at = TIMESTAMP '2024-01-01'")
    run_id = replica.execute("SELECT run_id FROM datamart.replica_state")[0][0]
    refusal = refusal_of(replica)
    assert refusal.happened == (
        f"The schema datamart holds version 1 of run {run_id}, which the mart {store.mart.path} never published;"
        f" the mart {store.mart.path} wrote it, or a later copy of this one."
    )
    assert refusal.next_step == (
        "Serve this mart from another schema (replica.schema in globals.yml). To let it take over and replace all rows"
        ' there, run `DELETE FROM "datamart"."replica_state"` on the server, then run again.'
    )
    assert refusal.state == "The mart itself is published at version 1; the replica is as it was."


def test_a_mart_restored_from_an_older_copy_does_not_overwrite_a_replica(store: Store, replica: Replica):
    store.become(2)
    replica.synchronise()
    store.become(1)
    assert "holds version 2 of run" in refusal_of(replica).happened
    assert replica.version() == 2


def test_another_mart_takes_over_when_it_is_told_to(store: Store, replica: Replica):
    store.become(2)
    replica.synchronise()
    store.become(1)
    store.execute(
        "UPDATE tb_control_data_update SET run_id = 'another'",
        "UPDATE tb_orders SET status = 'returned' WHERE order_id = '10'",
    )
    replica.execute('DELETE FROM "datamart"."replica_state"')
    replica.synchronise()
    tables = (*TABLES, "tb_orders_history", "tb_control_data_update")
    assert {table: replica.rows(table) for table in tables} == {table: store.rows(table) for table in tables}


def test_tables_that_no_mart_wrote_are_left_alone(replica: Replica):
    replica.execute("CREATE SCHEMA datamart", "CREATE TABLE datamart.tb_orders AS SELECT 'mine' AS note")
    refusal = refusal_of(replica)
    assert refusal.happened == "The schema datamart has tb_orders, which no mart wrote."
    assert refusal.next_step == "Name another schema as replica.schema in globals.yml, or drop or rename what is there."
    assert replica.execute("SELECT note FROM datamart.tb_orders") == [("mine",)]


def test_a_mart_that_has_published_nothing_serves_nothing(store: Store, replica: Replica):
    store.execute("UPDATE tb_control_data_update SET status = 'failed', version = NULL")
    replica.url = "postgresql://writer:secret@127.0.0.1:1/mart"
    assert replica.synchronise().version == 0


def test_no_descriptor_is_left_open_by_a_failure(behind: Replica):
    behind.store.execute("UPDATE tb_customers SET full_name = chr(0), _version = 2 WHERE customer_id = '1'")
    refusal_of(behind)
    before = open_descriptors()
    for _ in range(3):
        refusal_of(behind)
    assert open_descriptors() == before


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))
