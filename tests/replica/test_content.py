"""What a replica holds: the rows, types, keys and meanings of the mart."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from types import ModuleType

import pytest

from datamart_kedro import pipeline_registry
from datamart_kedro.columns import PublishedTable
from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.domains import published_table
from datamart_kedro.replica.served import postgres_type
from tests.replica.store import TABLES, Replica, Store

EVERYTHING = (
    *TABLES,
    *(f"{table}_history" for table in TABLES),
    "tb_control_data_update",
    "tb_control_pruned",
    "tb_control_forgotten",
)


@pytest.mark.parametrize("version", [1, 2])
def test_every_table_holds_the_rows_of_the_mart(store: Store, replica: Replica, version: int):
    store.become(version)
    replica.synchronise()
    assert {table: replica.rows(table) for table in EVERYTHING} == {table: store.rows(table) for table in EVERYTHING}


def test_figures_of_a_customer_are_those_worked_out_by_head(replica: Replica):
    replica.synchronise()
    assert replica.execute(
        "SELECT orders_count, net_amount_lifetime FROM datamart.tb_customers WHERE customer_id = '1'"
    ) == [(2, Decimal("45.00"))]


def test_nothing_but_published_tables_and_the_ledger_is_served(replica: Replica):
    replica.synchronise()
    served = replica.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'datamart'::regnamespace"
    )
    assert {name for (name,) in served} == {*EVERYTHING, "replica_state"}


def test_types_are_kept(replica: Replica):
    replica.synchronise()
    assert replica.execute(
        "SELECT column_name, data_type, numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = 'datamart' AND table_name = 'tb_orders' AND column_name IN"
        " ('order_id', 'ordered_at', 'is_failed', 'items_count', 'net_amount', '_version') ORDER BY column_name"
    ) == [
        ("_version", "bigint", 64, 0),
        ("is_failed", "boolean", None, None),
        ("items_count", "bigint", 64, 0),
        ("net_amount", "numeric", 18, 2),
        ("order_id", "text", None, None),
        ("ordered_at", "timestamp with time zone", None, None),
    ]


VALUES: dict[str, tuple[str, str, object]] = {
    "day": ("DATE '2024-02-29'", "date", date(2024, 2, 29)),
    "whole": ("2147483647::INTEGER", "integer", 2147483647),
    "small": ("(-32768)::SMALLINT", "smallint", -32768),
    "huge": (f"{2**127 - 1}::HUGEINT", "numeric(39,0)", Decimal(2**127 - 1)),
    "exact": ("0.000001::DECIMAL(18, 6)", "numeric(18,6)", Decimal("0.000001")),
    "inexact": ("0.1::DOUBLE", "double precision", 0.1),
    "endless": ("'inf'::DOUBLE", "double precision", float("inf")),
    "untrue": ("false", "boolean", False),
    "unique_id": ("'5f87aa26-476a-4aa1-9cbd-a4a609f5c326'::UUID", "uuid", "5f87aa26-476a-4aa1-9cbd-a4a609f5c326"),
    "document": ("""'{"a": "say \\"hi\\", Zoë"}'::JSON""", "jsonb", {"a": 'say "hi", Zoë'}),
    "zoned": (
        "'2024-06-01 12:00:00+02'::TIMESTAMPTZ",
        "timestamp with time zone",
        datetime(2024, 6, 1, 10, tzinfo=UTC),
    ),
}
"""For a name, a value in the mart, and its type and value in PostgreSQL."""


def test_values_of_every_type_that_is_served_are_the_same(store: Store, replica: Replica):
    columns = ", ".join(f"{value} AS {name}" for name, (value, _, _) in VALUES.items())
    store.execute(f"CREATE OR REPLACE TABLE tb_products AS SELECT *, {columns} FROM tb_products")
    replica.synchronise()
    kinds = replica.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'datamart.tb_products'::regclass AND attnum > 0"
    )
    (found,) = replica.execute(f"SELECT {', '.join(VALUES)} FROM datamart.tb_products WHERE product_id = 'A'")
    assert {name: kind for name, kind in kinds if name in VALUES} == {
        name: kind for name, (_, kind, _) in VALUES.items()
    }
    assert dict(zip(VALUES, found, strict=True)) == {name: served for name, (_, _, served) in VALUES.items()}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("tb_orders", ["order_id"]),
        ("tb_order_items", ["order_id", "line_number"]),
        ("tb_order_items_history", ["order_id", "line_number", "_version"]),
        ("tb_control_data_update", ["run_id", "domain"]),
    ],
)
def test_the_grain_is_the_primary_key(replica: Replica, table: str, key: list[str]):
    replica.synchronise()
    found = replica.execute(
        "SELECT column_name FROM information_schema.key_column_usage JOIN information_schema.table_constraints"
        " USING (constraint_schema, constraint_name) WHERE constraint_schema = 'datamart'"
        f" AND constraint_type = 'PRIMARY KEY' AND table_constraints.table_name = '{table}' ORDER BY ordinal_position"
    )
    assert [column for (column,) in found] == key


def test_tables_and_columns_say_what_they_mean(replica: Replica):
    replica.synchronise()
    for domain in ("customers", "orders", "products", "order_items"):
        table = published_table(domain)
        said = replica.execute(
            f"SELECT attname, col_description(attrelid, attnum) FROM pg_attribute"
            f" WHERE attrelid = 'datamart.{table.name}'::regclass AND attnum > 0"
        )
        assert replica.execute(f"SELECT obj_description('datamart.{table.name}'::regclass)") == [(table.comment,)]
        assert dict(said) == {
            **table.meanings,
            "_version": "Version of the mart that wrote the row.",
            "_valid_from": "Instant, UTC, from which the row holds.",
        }


def test_it_says_which_version_it_holds_and_since_when(store: Store, replica: Replica):
    replica.synchronise()
    ((version, run_id, valid_from, mart),) = replica.execute(
        "SET TimeZone = 'UTC'", "SELECT version, run_id, valid_from, mart FROM datamart.replica_state"
    )
    (first,) = {(row["run_id"], row["started_at"]) for row in store.rows("tb_control_data_update")}
    assert (version, run_id, valid_from.replace(tzinfo=None), mart) == (1, *first, str(store.mart.path))


AWKWARD = [
    "",
    " ",
    "a,b",
    'say "hi"',
    "line\nbreak",
    "\\.",
    "\\N",
    "NULL",
    "tab\there",
    "Zoë 漢字 🙂",
    "back\\slash",
    "\r\n",
]


def test_texts_arrive_as_they_are(store: Store, replica: Replica):
    values = ", ".join(f"({number}, '{text.replace(chr(39), chr(39) * 2)}')" for number, text in enumerate(AWKWARD))
    store.execute(
        "INSERT INTO tb_customers BY NAME SELECT 'x' || col0 AS customer_id, col1 AS full_name, 1 AS _version"
        f" FROM (VALUES {values}, (99, NULL))"
    )
    replica.synchronise()
    found = dict(
        replica.execute("SELECT customer_id, full_name FROM datamart.tb_customers WHERE customer_id LIKE 'x%'")
    )
    assert found == {f"x{number}": text for number, text in enumerate(AWKWARD)} | {"x99": None}


def test_numbers_and_instants_keep_their_last_digit(store: Store, replica: Replica):
    store.execute(
        "UPDATE tb_orders SET net_amount = -9999999999999999.99, ordered_at = TIMESTAMP '1999-12-31 23:59:59.999999'"
        " WHERE order_id = '10'"
    )
    replica.synchronise()
    assert replica.execute(
        "SET TimeZone = 'Asia/Tokyo'",
        "SELECT net_amount, ordered_at AT TIME ZONE 'UTC' FROM datamart.tb_orders WHERE order_id = '10'",
    ) == [(Decimal("-9999999999999999.99"), datetime(1999, 12, 31, 23, 59, 59, 999999))]


def test_a_server_in_another_zone_gets_the_same_instants(store: Store, replica: Replica):
    replica.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''Asia/Tokyo''', current_database()); END $$"
    )
    replica.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET DateStyle = ''SQL, DMY''', current_database()); END $$"
    )
    replica.synchronise()
    assert replica.rows("tb_orders") == store.rows("tb_orders")


def test_a_fifth_domain_is_served_without_an_edit(store: Store, replica: Replica, monkeypatch: pytest.MonkeyPatch):
    columns = ModuleType("datamart_kedro.pipelines.suppliers.columns")
    columns.TABLE = PublishedTable("tb_suppliers", ("supplier_id",), "One row per supplier_id.", {"supplier_id": "Id."})
    monkeypatch.setitem(sys.modules, "datamart_kedro.pipelines.suppliers", ModuleType("suppliers"))
    monkeypatch.setitem(sys.modules, columns.__name__, columns)
    monkeypatch.setattr(pipeline_registry, "DOMAINS", [*pipeline_registry.DOMAINS, "suppliers"])
    replica.synchronise()
    store.publish(
        "CREATE TABLE tb_suppliers AS SELECT 7 AS supplier_id, 2::BIGINT AS _version, now()::TIMESTAMP AS _valid_from"
    )
    replica.synchronise()
    assert replica.execute("SELECT supplier_id, _version FROM datamart.tb_suppliers") == [(7, 2)]


def test_a_type_that_cannot_be_served_is_named_with_its_column():
    with pytest.raises(ReplicaError) as refusal:
        postgres_type("tb_suppliers", "tags", "VARCHAR[]")
    assert refusal.value.happened == "tb_suppliers.tags is of type VARCHAR[], which is not served in PostgreSQL."
    assert refusal.value.next_step == (
        "Cast it, in the node that builds tb_suppliers, to text, a number, a date, an instant or a boolean."
    )
