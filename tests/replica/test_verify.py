"""A replica is held against its mart, row by row."""

from __future__ import annotations

import pytest

from datamart_kedro.errors import ReplicaError
from datamart_kedro.postgres import place_of
from datamart_kedro.replica import verify as module
from datamart_kedro.replica.verify import verification_lines
from tests.project import Project, psql
from tests.replica.store import Replica, Store


@pytest.fixture
def served(store: Store, replica: Replica) -> Replica:
    """A replica of a mart at version 2, which has history."""
    store.become(2)
    replica.synchronise()
    return replica


def test_a_replica_that_nobody_touched_is_alike(served: Replica):
    found = served.verify()
    assert (found.is_alike, found.version, found.held, len(found.tables)) == (True, 2, 2, 11)


EDITS = {
    "a value": (
        "UPDATE datamart.tb_orders SET ship_city = 'Elsewhere' WHERE order_id = '11'",
        ["tb_orders: 1 row different, e.g. order_id=11"],
    ),
    "a value set to NULL": (
        "UPDATE datamart.tb_products SET name = NULL WHERE product_id = 'B'",
        ["tb_products: 1 row different, e.g. product_id=B"],
    ),
    "an empty text for NULL": (
        "UPDATE datamart.tb_customers SET phone = '' WHERE customer_id = '1'",
        ["tb_customers: 1 row different, e.g. customer_id=1"],
    ),
    "a hundredth": (
        "UPDATE datamart.tb_orders SET net_amount = net_amount + 0.01 WHERE order_id = '11'",
        ["tb_orders: 1 row different, e.g. order_id=11"],
    ),
    "values of two rows against each other": (
        "UPDATE datamart.tb_order_items SET quantity = 3 - quantity WHERE order_id = '10'",
        ["tb_order_items: 2 rows different, e.g. order_id=10, line_number=1"],
    ),
    "a row deleted": (
        "DELETE FROM datamart.tb_order_items WHERE order_id = '10' AND line_number = 2",
        ["tb_order_items: 1 row only in the mart, e.g. order_id=10, line_number=2"],
    ),
    "a row added": (
        "INSERT INTO datamart.tb_products (product_id, _version) VALUES ('C', 1)",
        ["tb_products: 1 row only in the replica, e.g. product_id=C"],
    ),
    "a key changed": (
        "UPDATE datamart.tb_products SET product_id = 'Z' WHERE product_id = 'A'",
        [
            "tb_products: 1 row only in the mart, e.g. product_id=A",
            "tb_products: 1 row only in the replica, e.g. product_id=Z",
        ],
    ),
    "a history": (
        "UPDATE datamart.tb_orders_history SET total_amount = 0 WHERE order_id = '12'",
        ["tb_orders_history: 1 row different, e.g. order_id=12, _version=1"],
    ),
    "a table emptied": (
        "TRUNCATE datamart.tb_customers",
        ["tb_customers: 2 rows only in the mart, e.g. customer_id=1"],
    ),
    "a table dropped": (
        "DROP TABLE datamart.tb_customers",
        ["tb_customers: there is no such table", "tb_customers: 2 rows only in the mart"],
    ),
    "a comment of a column": (
        "COMMENT ON COLUMN datamart.tb_orders.net_amount IS 'mine'",
        ["tb_orders: 1 of its comments is not the mart's"],
    ),
    "a comment of a table": (
        "COMMENT ON TABLE datamart.tb_orders IS NULL",
        ["tb_orders: 1 of its comments is not the mart's"],
    ),
    "no primary key": (
        "ALTER TABLE datamart.tb_orders DROP CONSTRAINT tb_orders_pkey",
        ["tb_orders: its primary key (order_id) is missing"],
    ),
    "another primary key": (
        "ALTER TABLE datamart.tb_order_items DROP CONSTRAINT tb_order_items_pkey, ADD PRIMARY KEY (line_number,"
        " order_id)",
        ["tb_order_items: its primary key (order_id, line_number) is (line_number, order_id)"],
    ),
    "rows that come twice": (
        "ALTER TABLE datamart.tb_products DROP CONSTRAINT tb_products_pkey;"
        " INSERT INTO datamart.tb_products SELECT * FROM datamart.tb_products",
        [
            "tb_products: its primary key (product_id) is missing",
            "tb_products: 2 rows only in the replica",
        ],
    ),
    "a column of another type": (
        "ALTER TABLE datamart.tb_orders ALTER delivery_days TYPE text",
        ["tb_orders: delivery_days is text, not bigint"],
    ),
    "a key of another type": (
        "ALTER TABLE datamart.tb_orders ALTER order_id TYPE varchar(20)",
        ["tb_orders: order_id is character varying(20), not text"],
    ),
    "a number in the key that is a text": (
        "ALTER TABLE datamart.tb_order_items ALTER line_number TYPE text",
        ["tb_order_items: line_number is text, not bigint"],
    ),
    "a column of somebody's own": (
        "ALTER TABLE datamart.tb_orders ADD COLUMN note text",
        ["tb_orders: it has note, which the mart does not have"],
    ),
    "a column dropped": (
        "ALTER TABLE datamart.tb_orders DROP COLUMN net_amount",
        ["tb_orders: it lacks net_amount"],
    ),
    "the ledger emptied": (
        "DELETE FROM datamart.tb_control_data_update WHERE domain <> 'orders'",
        ["tb_control_data_update: 6 rows only in the mart, e.g. run_id="],
    ),
    "the ledger edited": (
        "UPDATE datamart.tb_control_data_update SET rows_read = 0 WHERE domain = 'orders' AND version = 1",
        ["tb_control_data_update: 1 row different, e.g. run_id="],
    ),
}
"""For an edit by hand, the statement and what is found."""


@pytest.mark.parametrize(("edit", "found"), EDITS.values(), ids=EDITS)
def test_an_edit_by_hand_is_found_and_mended(store: Store, served: Replica, edit: str, found: list[str]):
    served.execute(edit)
    lines = [
        line if "run_id=" not in line else line.partition("run_id=")[0] + "run_id=" for line in served.differences()
    ]
    assert lines == found
    served.repair()
    assert served.differences() == []
    assert served.rows("tb_orders") == store.rows("tb_orders")


def test_a_repair_says_how_many_rows_it_replaced(served: Replica):
    served.execute(
        "UPDATE datamart.tb_orders SET ship_city = 'Elsewhere' WHERE order_id = '11'",
        "DELETE FROM datamart.tb_order_items WHERE order_id = '10' AND line_number = 2",
        "INSERT INTO datamart.tb_products (product_id, _version) VALUES ('C', 1)",
    )
    report = served.repair()
    assert (report.written, report.deleted) == (2, 2)


def test_a_repair_leaves_rows_alone_that_are_right(served: Replica):
    before = served.written_by("tb_orders", "order_id")
    served.execute("UPDATE datamart.tb_orders SET ship_city = 'Elsewhere' WHERE order_id = '11'")
    served.repair()
    after = served.written_by("tb_orders", "order_id")
    assert {key for key in after if after[key] != before[key]} == {"11"}


def test_verifying_writes_nothing(served: Replica):
    served.execute("UPDATE datamart.tb_orders SET ship_city = 'Elsewhere' WHERE order_id = '11'")
    before = served.written_by("tb_orders", "order_id")
    served.verify()
    assert served.written_by("tb_orders", "order_id") == before
    assert served.execute("SELECT ship_city FROM datamart.tb_orders WHERE order_id = '11'") == [("Elsewhere",)]


def test_readers_and_a_writer_wait_for_no_verification(store: Store, served: Replica, monkeypatch: pytest.MonkeyPatch):

    compare = module.compare
    seen = []

    def watched(*arguments: object) -> object:
        if not seen:
            edit = "UPDATE datamart.tb_orders SET ship_city = 'Elsewhere' WHERE order_id = '11'"
            seen.append(served.execute("SET lock_timeout = '2s'", edit, "SELECT count(*) FROM datamart.tb_orders"))
        return compare(*arguments)

    monkeypatch.setattr(module, "compare", watched)
    assert served.differences() == []
    assert seen == [[(3,)]]


def test_a_replica_that_is_behind_is_not_broken(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    store.publish("UPDATE tb_products SET name = 'Third', _version = 3 WHERE product_id = 'X'")
    assert list(verification_lines(replica.verify())) == [
        f"schema datamart of {place_of(replica.url)} is like the mart at version 1. It is 2 versions behind; the next"
        " run brings it up to date."
    ]


def test_an_edit_is_found_in_a_replica_that_is_behind(store: Store, replica: Replica):
    replica.synchronise()
    replica.execute(
        "UPDATE datamart.tb_orders SET status = 'failed' WHERE order_id = '12'",
        "DELETE FROM datamart.tb_products WHERE product_id = 'A'",
    )
    store.become(2)
    assert replica.differences() == [
        "tb_orders: 1 row different, e.g. order_id=12",
        "tb_products: 1 row only in the mart, e.g. product_id=A",
    ]
    replica.repair()
    assert replica.version() == 2
    assert replica.differences() == []


def test_columns_that_came_went_or_widened_with_a_later_version_are_no_fault(store: Store, replica: Replica):
    replica.synchronise()
    store.become(2)
    store.execute(
        "ALTER TABLE tb_orders ADD COLUMN channel VARCHAR",
        "ALTER TABLE tb_orders_history ADD COLUMN channel VARCHAR",
        "ALTER TABLE tb_orders DROP COLUMN ship_region",
        "ALTER TABLE tb_orders ALTER delivery_days TYPE VARCHAR",
        "ALTER TABLE tb_orders_history ALTER delivery_days TYPE VARCHAR",
    )
    assert replica.verify().is_alike


def test_a_table_that_came_with_a_later_version_is_no_fault(store: Store, replica: Replica):
    store.execute("DROP TABLE tb_products", "DROP TABLE tb_products_history")
    replica.synchronise()
    store.publish(
        "CREATE TABLE tb_products AS SELECT 'A' AS product_id, 2::BIGINT AS _version, now()::TIMESTAMP AS _valid_from"
    )
    assert replica.verify().is_alike
    replica.synchronise()
    replica.execute("DROP TABLE datamart.tb_products")
    assert replica.differences() == [
        "tb_products: there is no such table",
        "tb_products: 1 row only in the mart",
    ]


def test_the_ledger_of_a_run_that_published_nothing_is_no_fault(store: Store, served: Replica):
    store.execute(
        "INSERT INTO tb_control_data_update (run_id, domain, status, started_at)"
        " VALUES ('later', 'orders', 'failed', now()::TIMESTAMP)"
    )
    assert served.verify().is_alike


def test_a_history_that_was_shortened_since_is_no_fault(store: Store, served: Replica):
    store.execute(
        "DELETE FROM tb_orders_history WHERE _version_to <= 2",
        "INSERT INTO tb_control_pruned VALUES (now()::TIMESTAMP, 'tb_orders', 2, 2)",
    )
    assert served.verify().is_alike
    served.synchronise()
    assert served.verify().is_alike
    served.execute(
        "INSERT INTO datamart.tb_orders_history (order_id, _version, _version_to) VALUES ('12', 1, 2)",
    )
    assert served.differences() == ["tb_orders_history: 1 row only in the replica, e.g. order_id=12, _version=1"]


def test_a_version_that_the_history_no_longer_reaches_is_not_said_to_be_alike_row_by_row(
    store: Store, replica: Replica
):
    replica.synchronise()
    store.become(2)
    store.execute(
        "DELETE FROM tb_orders_history WHERE _version_to <= 2",
        "INSERT INTO tb_control_pruned VALUES (now()::TIMESTAMP, 'tb_orders', 2, 2)",
    )
    assert replica.differences() == ["Not compared, row by row: tb_orders"]


def test_a_replica_that_names_no_version_is_not_alike(served: Replica):
    served.execute("DELETE FROM datamart.replica_state")
    found = served.verify()
    assert (found.is_alike, found.held) == (False, None)


def test_a_server_that_cannot_be_reached_is_told_in_three_lines(served: Replica):
    served.url = "postgresql://writer:secret@127.0.0.1:1/mart"
    with pytest.raises(ReplicaError) as refusal:
        served.verify()
    assert str(refusal.value) == (
        "The replica, schema datamart of database mart at 127.0.0.1:1, could not be verified: nothing answers there.\n"
        "  The mart itself is published at version 2; the replica is as it was.\n"
        "  Check that the server runs, and its address in DATAMART_REPLICA_URL or under replica in"
        " conf/local/credentials.yml. Verify again when that is mended."
    )


def test_a_key_with_any_text_is_shown_as_it_is(store: Store, served: Replica):
    served.execute("""INSERT INTO datamart.tb_products (product_id) VALUES ('"; DROP TABLE tb_orders; --%s{}''')""")
    assert served.differences() == [
        """tb_products: 1 row only in the replica, e.g. product_id="; DROP TABLE tb_orders; --%s{}'"""
    ]


def test_the_command_finds_mends_and_finds_nothing_more(environment: Project, postgres: str):
    psql(postgres, "UPDATE datamart.tb_customers SET email = 'x@y.z' WHERE customer_id = '2'")
    verify = ("kedro", "mart", "verify-replica", "--env", "served")
    done = environment.cli(*verify)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[0] == "tb_customers: 1 row different, e.g. customer_id=2"
    assert done.stdout.splitlines()[-1] == "Mend it with `kedro mart verify-replica --repair`."
    assert "@" not in done.stdout
    mended = environment.cli(*verify, "--repair")
    assert mended.returncode == 0, mended.stderr
    assert "1 rows written, 1 deleted" in mended.stdout
    done = environment.cli(*verify)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)


def test_the_command_ends_with_3_where_nothing_can_be_told(environment: Project, monkeypatch: pytest.MonkeyPatch):
    done = environment.cli(
        "kedro", "mart", "verify-replica", "--env=served", DATAMART_REPLICA_URL="postgresql://a:s3cret@localhost:1/x"
    )
    assert done.returncode == 3
    assert done.stderr.startswith("ReplicaError: The replica, schema datamart of database x at localhost:1,")
    assert "s3cret" not in done.stdout + done.stderr


def test_an_environment_without_a_replica_is_told(published: Project):
    done = published.cli("kedro", "mart", "verify-replica")
    assert done.returncode == 3
    assert done.stderr.startswith("UsageError: The environment base has no replica.\n")
