"""A table whose columns changed is migrated."""

from __future__ import annotations

import pytest

from datamart_kedro.columns import PublishedTable
from datamart_kedro.errors import ReplicaError
from datamart_kedro.pipelines.orders import columns
from tests.replica.store import Replica, Store

ADD_CHANNEL = """ALTER TABLE tb_orders ADD COLUMN channel VARCHAR;
ALTER TABLE tb_orders_history ADD COLUMN channel VARCHAR;
UPDATE tb_orders SET channel = 'web', _version = 2 WHERE order_id = '10'"""

WIDEN_COUNT = """ALTER TABLE tb_orders ALTER COLUMN delivery_days TYPE VARCHAR;
ALTER TABLE tb_orders_history ALTER COLUMN delivery_days TYPE VARCHAR;
UPDATE tb_orders SET delivery_days = 'soon', _version = 2 WHERE order_id = '10'"""


@pytest.fixture
def orders_with_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    table = columns.TABLE
    wider = {**table.columns, "channel": "Where it was ordered."}
    monkeypatch.setattr(columns, "TABLE", PublishedTable(table.name, table.key, table.comment, wider))


def kinds(replica: Replica, table: str) -> dict[str, str]:
    return dict(
        replica.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            f" WHERE attrelid = 'datamart.{table}'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    )


@pytest.mark.usefixtures("orders_with_channel")
def test_a_new_column_is_added_with_its_values_and_meaning(store: Store, replica: Replica):
    replica.synchronise()
    store.publish(ADD_CHANNEL)
    replica.synchronise()
    assert dict(replica.execute("SELECT order_id, channel FROM datamart.tb_orders")) == {
        "10": "web",
        "11": None,
        "12": None,
    }
    assert replica.execute(
        "SELECT col_description(attrelid, attnum) FROM pg_attribute"
        " WHERE attrelid = 'datamart.tb_orders'::regclass AND attname = 'channel'"
    ) == [("Where it was ordered.",)]
    assert kinds(replica, "tb_orders_history")["channel"] == "text"


def test_a_view_and_its_rights_outlive_a_new_column(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute(
        "CREATE VIEW big_orders AS SELECT order_id FROM datamart.tb_orders WHERE net_amount > 20",
        "GRANT SELECT ON datamart.tb_orders TO PUBLIC",
    )
    store.publish(ADD_CHANNEL)
    replica.synchronise()
    assert replica.execute("SELECT * FROM big_orders") == [("10",)]
    assert replica.execute("SELECT has_table_privilege('pg_monitor', 'datamart.tb_orders', 'SELECT')") == [(True,)]


def test_a_wider_type_takes_the_place_of_the_old_one(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute("GRANT SELECT ON datamart.tb_orders TO PUBLIC")
    store.publish(WIDEN_COUNT)
    report = replica.synchronise()
    assert kinds(replica, "tb_orders")["delivery_days"] == "text"
    assert replica.rows("tb_orders") == store.rows("tb_orders")
    assert replica.execute("SELECT has_table_privilege('pg_monitor', 'datamart.tb_orders', 'SELECT')") == [(True,)]
    assert report.mended == ()


def test_a_key_of_another_type_is_the_primary_key_again(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute("ALTER TABLE datamart.tb_order_items ALTER COLUMN order_id TYPE varchar(20)")
    replica.synchronise()
    assert kinds(replica, "tb_order_items")["order_id"] == "text"
    assert replica.rows("tb_order_items") == store.rows("tb_order_items")
    with pytest.raises(Exception, match="duplicate key"):
        replica.execute("INSERT INTO datamart.tb_order_items SELECT * FROM datamart.tb_order_items")


@pytest.mark.parametrize(
    "edit",
    [
        "ALTER TABLE datamart.tb_orders DROP CONSTRAINT tb_orders_pkey",
        "ALTER TABLE datamart.tb_orders ADD COLUMN note text",
        "ALTER TABLE datamart.tb_orders DROP COLUMN net_amount",
        "ALTER TABLE datamart.tb_orders ALTER COLUMN net_amount TYPE numeric(20,4)",
        "DROP TABLE datamart.tb_orders",
        "COMMENT ON COLUMN datamart.tb_orders.net_amount IS 'mine'",
    ],
)
def test_a_table_altered_by_hand_gets_its_shape_back(store: Store, replica: Replica, edit: str):
    replica.synchronise()
    expected = described(replica)
    replica.execute(edit)
    assert described(replica) != expected
    replica.synchronise()
    assert described(replica) == expected
    assert replica.rows("tb_orders") == store.rows("tb_orders")


def test_a_column_that_was_added_and_never_filled_gets_its_values(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute(  # as when a run is killed after it has added a column that somebody had dropped
        "ALTER TABLE datamart.tb_orders DROP COLUMN net_amount, ADD COLUMN net_amount numeric(18,2)"
    )
    report = replica.synchronise()
    assert report.mended == ("tb_orders",)
    assert replica.rows("tb_orders") == store.rows("tb_orders")


def described(replica: Replica) -> set[tuple[str, ...]]:
    """Columns of tb_orders with their types, comments, and place in the primary key."""
    return set(
        replica.execute(
            "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum),"
            " array_position(conkey, attnum) FROM pg_attribute LEFT JOIN pg_constraint"
            " ON conrelid = attrelid AND contype = 'p' WHERE attrelid = to_regclass('datamart.tb_orders')"
            " AND attnum > 0 AND NOT attisdropped"
        )
    )


def test_a_view_on_a_column_that_has_to_go_is_named(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute("CREATE VIEW delays AS SELECT delivery_days FROM datamart.tb_orders")
    store.publish(WIDEN_COUNT)
    with pytest.raises(ReplicaError) as refusal:
        replica.synchronise()
    assert refusal.value.happened.endswith(
        ": tb_orders: cannot drop column delivery_days of table datamart.tb_orders because other objects depend on it"
        " (view delays depends on column delivery_days of table datamart.tb_orders)."
    )
    assert refusal.value.next_step == (
        "Drop them, and make them anew after the next run. The next run brings the replica up to date."
    )
    assert replica.version() == 1
