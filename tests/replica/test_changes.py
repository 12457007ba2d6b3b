"""What a synchronisation writes: what changed, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.replica.store import TABLES, Replica, Store

TO_VERSION_3 = """INSERT INTO tb_orders_history SELECT *, 3, _valid_from FROM tb_orders WHERE order_id = '10';
DELETE FROM tb_orders WHERE order_id = '10'"""
"""Order 10 goes in version 3."""

TO_VERSION_4 = """INSERT INTO tb_orders SELECT * EXCLUDE (_version_to, _valid_to) REPLACE (4 AS _version)
FROM tb_orders_history WHERE order_id = '10' AND _version_to = 3"""
"""It is back in version 4."""


def alike(store: Store, replica: Replica, *tables: str) -> bool:
    return all(replica.rows(table) == store.rows(table) for table in tables or TABLES)


def test_a_second_synchronisation_writes_nothing(replica: Replica):
    replica.synchronise()
    state = replica.execute("SELECT xmin::text, synchronised_at FROM datamart.replica_state")
    report = replica.synchronise()
    assert (report.is_changed, report.written, report.deleted) == (False, 0, 0)
    assert replica.execute("SELECT xmin::text, synchronised_at FROM datamart.replica_state") == state


def test_a_row_that_did_not_change_is_not_written_again(store: Store, replica: Replica):
    replica.synchronise()
    orders = replica.written_by("tb_orders", "order_id")
    customers = replica.written_by("tb_customers", "customer_id")
    products = replica.written_by("tb_products", "product_id")
    store.become(2)
    replica.synchronise()
    assert alike(store, replica)
    assert replica.written_by("tb_orders", "order_id")["10"] == orders["10"]
    assert replica.written_by("tb_customers", "customer_id")["2"] == customers["2"]
    assert replica.written_by("tb_products", "product_id") == products


def test_a_row_that_changed_is_written(store: Store, replica: Replica):
    replica.synchronise()
    orders = replica.written_by("tb_orders", "order_id")
    store.become(2)
    replica.synchronise()
    assert replica.written_by("tb_orders", "order_id")["11"] != orders["11"]
    assert replica.execute("SELECT status FROM datamart.tb_orders WHERE order_id = '11'") == [("cancelled",)]


def test_a_row_that_is_gone_vanishes_and_a_new_one_comes(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    replica.synchronise()
    assert replica.execute("SELECT order_id FROM datamart.tb_orders ORDER BY 1") == [("10",), ("11",), ("13",)]


def test_superseded_rows_join_the_history(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    replica.synchronise()
    assert replica.execute(
        "SELECT order_id, status, _version, _version_to FROM datamart.tb_orders_history ORDER BY order_id"
    ) == [("11", "delivered", 1, 2), ("12", "cancelled", 1, 2)]


def test_the_report_counts_what_was_written(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    counted = {table: len([row for row in store.rows(table) if row["_version"] == 2]) for table in TABLES}
    superseded = sum(len(store.rows(f"{table}_history")) for table in TABLES)
    report = replica.synchronise()
    # four domains in the ledger; order 12 is the one that went
    assert (report.before, report.version, report.written, report.deleted) == (
        1,
        2,
        sum(counted.values()) + superseded + 4,
        1,
    )


def test_the_ledger_follows_runs_that_published_nothing(store: Store, replica: Replica):
    replica.synchronise()
    store.execute(
        "INSERT INTO tb_control_data_update (run_id, domain, status, started_at)"
        " SELECT 'later', 'orders', 'skipped', max(started_at) + INTERVAL 1 SECOND FROM tb_control_data_update"
    )
    report = replica.synchronise()
    assert (report.before, report.version, report.written) == (1, 1, 1)
    assert alike(store, replica, "tb_control_data_update")


def test_a_run_that_was_under_way_is_told_anew_when_it_has_ended(store: Store, replica: Replica):
    store.execute("UPDATE tb_control_data_update SET status = 'running' WHERE domain = 'orders'")
    store.execute(
        "INSERT INTO tb_control_data_update (run_id, domain, status, started_at)"
        " SELECT 'later', 'orders', 'skipped', max(started_at) + INTERVAL 1 SECOND FROM tb_control_data_update"
    )
    replica.synchronise()
    store.execute("UPDATE tb_control_data_update SET status = 'interrupted' WHERE status = 'running'")
    replica.synchronise()
    assert alike(store, replica, "tb_control_data_update")


def test_a_replica_that_was_down_catches_up_over_several_versions(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    store.publish(TO_VERSION_3)
    store.publish(TO_VERSION_4)
    report = replica.synchronise()
    assert (report.before, report.version, report.mended) == (1, 4, ())
    assert alike(store, replica, *TABLES, "tb_orders_history")


def test_a_row_that_comes_back_is_served_again(store: Store, replica: Replica):
    store.become(2)
    replica.synchronise()
    store.publish(TO_VERSION_3)
    replica.synchronise()
    assert replica.execute("SELECT count(*) FROM datamart.tb_orders WHERE order_id = '10'") == [(0,)]
    store.publish(TO_VERSION_4)
    replica.synchronise()
    assert replica.execute("SELECT count(*) FROM datamart.tb_orders WHERE order_id = '10'") == [(1,)]


def prune(store: Store, before: int) -> None:
    """Shorten the history so that it begins at a version."""
    for table in TABLES:
        store.execute(
            f"DELETE FROM {table}_history WHERE _version_to <= {before}",
            f"INSERT INTO tb_control_pruned VALUES (now()::TIMESTAMP, '{table}', {before}, 1)",
        )


def test_a_history_that_was_cut_is_cut_in_the_replica(store: Store, replica: Replica):
    store.become(2)
    replica.synchronise()
    store.publish(TO_VERSION_3)
    replica.synchronise()
    prune(store, 2)
    report = replica.synchronise()
    assert (report.version, report.mended) == (3, ())
    assert replica.execute("SELECT order_id FROM datamart.tb_orders_history") == [("10",)]
    assert alike(store, replica, *TABLES, "tb_orders_history", "tb_control_pruned")


def test_a_replica_older_than_what_is_left_of_the_history_is_compared_row_by_row(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    prune(store, 2)
    report = replica.synchronise()
    assert (report.version, report.mended) == (2, ())
    assert replica.execute("SELECT count(*) FROM datamart.tb_orders WHERE order_id = '12'") == [(0,)]
    assert alike(store, replica, *TABLES, "tb_orders_history")


def test_an_emptied_table_is_filled_again_although_nothing_was_published(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute("TRUNCATE datamart.tb_order_items")
    report = replica.synchronise()
    assert report.mended == ("tb_order_items",)
    assert alike(store, replica)


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM datamart.tb_orders WHERE order_id = '10'",
        "INSERT INTO datamart.tb_orders (order_id, _version) VALUES ('99', 1)",
        "UPDATE datamart.tb_orders SET net_amount = 0, _version = 0 WHERE order_id = '10'",
    ],
    ids=["a row less", "a row more", "another version"],
)
def test_a_table_edited_by_hand_is_mended_at_the_next_version(store: Store, replica: Replica, edit: str):
    replica.synchronise()
    replica.execute(edit)
    store.become(2)
    assert replica.synchronise().mended == ("tb_orders",)
    assert alike(store, replica)


def test_mending_leaves_rows_that_are_right(store: Store, replica: Replica):
    replica.synchronise()
    items = replica.written_by("tb_order_items", "order_id || '/' || line_number")
    replica.execute("DELETE FROM datamart.tb_order_items WHERE order_id = '12'")
    store.become(2)
    replica.synchronise()
    assert replica.written_by("tb_order_items", "order_id || '/' || line_number")["10/1"] == items["10/1"]


def test_items_sum_to_their_orders_in_the_replica(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    replica.synchronise()
    ((orders, items),) = replica.execute(
        "SELECT (SELECT sum(net_amount) FROM datamart.tb_orders),"
        " (SELECT sum(net_amount) FROM datamart.tb_order_items WHERE NOT is_orphan)"
    )
    # order 10: 2 x 10 + 1 x 5; order 11: 2 x 10; order 13: 3 x 10
    assert orders == items == Decimal("75.00")
