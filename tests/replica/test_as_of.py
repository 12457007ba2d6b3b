"""A table is read on the server as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg2 import errors

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import VersionError
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.publication import build, publish
from datamart_kedro.mart.rollback import prune
from datamart_kedro.mart.run import begin
from datamart_kedro.mart.versions import list_versions, resolve_version, select_as_of
from datamart_kedro.pipelines.orders import columns
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.synchronise import synchronise
from tests.conftest import ROOT
from tests.project import psql
from tests.replica.store import Replica, Store
from tests.replica.test_shape import ADD_CHANNEL, WIDEN_COUNT

PRODUCTS = published_table("products")


@pytest.fixture
def served(store: Store, replica: Replica) -> Replica:
    """A replica of a mart at version 2."""
    store.become(2)
    replica.synchronise()
    return replica


def orders(replica: Replica, as_of: str) -> dict[str, str]:
    return dict(replica.execute(f"SELECT order_id, status FROM datamart.tb_orders_as_of({as_of})"))


FIRST = {"10": "shipped", "11": "delivered", "12": "cancelled"}
SECOND = {"10": "shipped", "11": "cancelled", "13": "shipped"}


def test_a_table_is_read_as_it_was_at_a_version(served: Replica):
    assert orders(served, "1") == FIRST
    assert orders(served, "2") == SECOND


def test_a_table_is_read_as_it_was_at_an_instant(served: Replica):
    ((second,),) = served.execute("SELECT valid_from FROM datamart.replica_state")
    assert orders(served, f"TIMESTAMPTZ '{second - timedelta(microseconds=1)}'") == FIRST
    assert orders(served, f"TIMESTAMPTZ '{second}'") == SECOND
    assert orders(served, "now()") == SECOND


def test_columns_come_in_the_order_of_the_mart(store: Store, served: Replica):
    columns = store.query(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'tb_orders' ORDER BY column_index"
    )
    given = served.execute("SELECT json_object_keys(row_to_json(o)) FROM datamart.tb_orders_as_of(1) AS o LIMIT 24")
    assert given == columns[:24]


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        ("3", "There is no version 3: the versions are 1 to 2, the first of {} UTC."),
        ("0", "There is no version 0: the versions are 1 to 2, the first of {} UTC."),
        ("NULL::bigint", "There is no version NULL: the versions are 1 to 2, the first of {} UTC."),
        (
            "TIMESTAMPTZ '2001-01-01 00:00+00'",
            "There is no version 2001-01-01 00:00:00+00: the versions are 1 to 2, the first of {} UTC.",
        ),
    ],
)
def test_a_version_that_never_was_is_refused(served: Replica, as_of: str, message: str):
    ((first,),) = served.execute(
        "SELECT to_char(min(started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')"
        " FROM datamart.tb_control_data_update"
    )
    with pytest.raises(errors.InvalidParameterValue) as refusal:
        psql(served.url, "SET TimeZone = 'UTC'", f"SELECT count(*) FROM datamart.tb_orders_as_of({as_of})")
    assert refusal.value.diag.message_primary == message.format(first)


def test_a_version_that_never_was_is_refused_also_where_no_row_is_asked_for(served: Replica):
    with pytest.raises(errors.InvalidParameterValue):
        served.execute("SELECT * FROM datamart.tb_orders_as_of(3) WHERE order_id = 'nosuch'")


def test_a_version_before_the_history_is_refused(store: Store, served: Replica):
    store.execute(
        "DELETE FROM tb_orders_history WHERE _version_to <= 2",
        "INSERT INTO tb_control_pruned VALUES (now()::TIMESTAMP, 'tb_orders', 2, 2)",
    )
    served.synchronise()
    with pytest.raises(errors.InvalidParameterValue) as refusal:
        orders(served, "1")
    assert refusal.value.diag.message_primary == "tb_orders: its history goes back to version 2, not to 1."
    assert orders(served, "2") == SECOND
    assert len(served.execute("SELECT * FROM datamart.tb_products_as_of(1)")) == 2


def test_the_path_of_the_reader_does_not_matter(served: Replica):
    found = psql(
        served.url,
        "CREATE SCHEMA other",
        "CREATE TABLE other.tb_orders AS SELECT 'wrong' AS order_id",
        "SET search_path = other",
        "SELECT count(*) FROM datamart.tb_orders_as_of(1)",
    )
    assert found == [(3,)]


def test_it_runs_with_the_rights_of_the_reader(served: Replica):
    assert served.execute(
        "SELECT DISTINCT prosecdef, provolatile FROM pg_proc WHERE pronamespace = 'datamart'::regnamespace"
    ) == [(False, "s")]


def test_functions_say_what_they_give(served: Replica):
    assert served.execute("SELECT obj_description('datamart.tb_orders_as_of(bigint)'::regprocedure)") == [
        (f"tb_orders as it was at a version. {columns.TABLE.comment}",)
    ]


def test_every_published_table_has_both_functions(served: Replica):
    found = served.execute(
        "SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')' FROM pg_proc"
        " WHERE pronamespace = 'datamart'::regnamespace"
    )
    assert {name for (name,) in found} == {
        f"tb_{domain}_as_of({argument})"
        for domain in ("customers", "products", "orders", "order_items")
        for argument in ("version bigint", "instant timestamp with time zone")
    }


@pytest.mark.parametrize("change", [ADD_CHANNEL, WIDEN_COUNT], ids=["new", "wider"])
def test_functions_follow_the_columns_of_their_table(
    store: Store, replica: Replica, change: str, monkeypatch: pytest.MonkeyPatch
):
    replica.synchronise()
    if change is ADD_CHANNEL:
        wider = {**columns.TABLE.columns, "channel": "Where it was ordered."}
        monkeypatch.setattr(columns, "TABLE", PublishedTable("tb_orders", ("order_id",), columns.TABLE.comment, wider))
    store.publish(change)
    replica.synchronise()
    asked = "channel" if change is ADD_CHANNEL else "delivery_days"
    now = dict(replica.execute(f"SELECT order_id, {asked} FROM datamart.tb_orders_as_of(2)"))
    assert now["10"] == ("web" if change is ADD_CHANNEL else "soon")
    assert replica.verify().is_alike


def test_functions_that_were_dropped_or_changed_are_found_and_made_again(served: Replica):
    served.execute(
        "DROP FUNCTION datamart.tb_orders_as_of(bigint)",
        "ALTER FUNCTION datamart.tb_products_as_of(bigint) SECURITY DEFINER",
        "COMMENT ON FUNCTION datamart.tb_customers_as_of(bigint) IS NULL",
    )
    assert sorted(served.differences()) == [
        f"tb_{domain}_as_of(bigint): it is not as it should be" for domain in ("customers", "orders", "products")
    ]
    served.synchronise()
    assert served.differences() == []
    assert orders(served, "1") == FIRST


def test_a_table_that_was_dropped_takes_no_function_with_it(served: Replica):
    served.execute("DROP TABLE datamart.tb_orders")
    served.synchronise()
    assert orders(served, "1") == FIRST


HOSTILE = "\"; DROP TABLE tb_orders; --%s{}$$\\'"


def test_schemas_and_columns_may_have_any_name(store: Store, replica: Replica):
    name = HOSTILE.replace('"', '""')
    replica.settings["schema"] = HOSTILE
    more = (
        f'ADD COLUMN "{name}" VARCHAR; ALTER TABLE {{0}} ADD COLUMN version INT; ALTER TABLE {{0}} ADD COLUMN "now" INT'
    )
    for table in ("tb_orders", "tb_orders_history"):
        store.execute(f"ALTER TABLE {table} " + more.replace("{0}", table))
    store.execute(f"UPDATE tb_orders SET \"{name}\" = 'x', version = 7")
    replica.synchronise()
    assert set(replica.execute(f'SELECT "{name}", version FROM "{name}".tb_orders_as_of(1)')) == {("x", 7)}


@pytest.fixture
def products(tmp_path: Path) -> Iterator[Mart]:
    """A mart that has products only, written by publications."""
    mart = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "spill"), str(tmp_path)))
    yield mart
    mart.close()


def publish_products(mart: Mart, rows: dict[int, int]) -> None:
    """Publish products with these keys and stocks."""
    run = begin(mart, f"run {random.random()}", ["products"])
    run.decisions["products"] = Decision.by_name("products")
    others = ", ".join(
        f"NULL::{'BIGINT' if name == 'stock_quantity' else 'VARCHAR'} AS {name}"
        for name in PRODUCTS.columns
        if name not in ("product_id", "stock_quantity")
    )
    values = ", ".join(f"('{key}', {stock})" for key, stock in rows.items())
    build(
        mart,
        PRODUCTS,
        "products",
        f"SELECT product_id, {others}, stock_quantity::BIGINT AS stock_quantity"
        f" FROM (VALUES {values}) AS v (product_id, stock_quantity)",
    )
    publish(mart)
    mart.run = None


@pytest.mark.parametrize("seed", [1, 2])
def test_every_version_and_instant_reads_as_in_the_mart(products: Mart, postgres: str, seed: int):
    draw = random.Random(seed)
    for _ in range(8):
        rows = {key: draw.randrange(3) for key in range(1, 8) if draw.random() < 0.7} | {0: 0}
        for _ in range(draw.choice((1, 2))):  # a run that changes nothing carries the same version
            publish_products(products, rows)
        if draw.random() < 0.6:
            synchronise(products, ReplicaSettings(), postgres)
    synchronise(products, ReplicaSettings(), postgres)
    versions = list_versions(products)
    assert len(versions) > 5
    prune(products, {"products": PRODUCTS}, versions[1].valid_from)
    synchronise(products, ReplicaSettings(), postgres)
    asked = "product_id, stock_quantity, _version"
    for version in versions[1:]:
        in_mart = f"SELECT {asked} FROM ({select_as_of(products, PRODUCTS, version.number)}) ORDER BY ALL"
        instant = version.valid_from.replace(tzinfo=UTC)
        for as_of in (str(version.number), f"TIMESTAMPTZ '{instant.isoformat()}'"):
            found = psql(postgres, f"SELECT {asked} FROM datamart.tb_products_as_of({as_of}) ORDER BY 1, 2, 3")
            assert found == products.execute(in_mart)
    for version in versions:
        just_before = version.valid_from - timedelta(microseconds=1)
        assert held_at(postgres, just_before) == held_in_mart(products, just_before)


def held_at(postgres: str, at: datetime) -> Any:
    """Keys at an instant on the server, None where it refuses."""
    try:
        return psql(postgres, f"SELECT product_id FROM datamart.tb_products_as_of(TIMESTAMPTZ '{at}+00') ORDER BY 1")
    except errors.InvalidParameterValue:
        return None


def held_in_mart(mart: Mart, at: datetime) -> Any:
    """Keys at an instant in the mart, None where it refuses."""
    try:
        select = select_as_of(mart, PRODUCTS, resolve_version(mart, at))
    except VersionError:
        return None
    return mart.execute(f"SELECT product_id FROM ({select}) ORDER BY 1")


def test_the_example_of_the_guide_gives_what_it_says(served: Replica):
    text = (ROOT / "docs" / "serve-in-postgresql.md").read_text(encoding="utf-8")
    section = text.partition("### As it was")[2]
    example = section.partition("```sql\n")[2].partition("```")[0]
    first, second, third = (part for part in example.split(";\n") if part)
    assert [row[:2] for row in served.execute(first)] == sorted(FIRST.items())
    assert served.execute(second) == [(len(SECOND),)]
    assert served.execute(third) == [("11", "delivered", "cancelled")]
