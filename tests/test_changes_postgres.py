"""A shop in PostgreSQL that is read by its changes: zones, hours that come twice, transactions that commit late."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from tests.conftest import copy_of_project
from tests.mart_pair import Pair, write_to_server
from tests.project import Project, psql
from tests.test_readable_copy import assert_alike
from tests.typed_shop import START, a_typed_shop, change_at_random

CHANGES = "changes"


@pytest.fixture
def pair(project: Project, tmp_path: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A mart with a replica that is refreshed from a server, and one that is built in full from it."""
    monkeypatch.setenv("DATAMART_SHOP_URL", postgres)
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    other = copy_of_project(tmp_path / "other")
    settings = other.folder / "conf" / "postgres" / "globals.yml"
    settings.write_text(settings.read_text().replace("enabled: true", "enabled: false"))
    return Pair(project, other, a_typed_shop(random.Random(3), orders=8), env="postgres")


def reading(pair: Pair, url: str, clock: str, zone: str = "UTC") -> Pair:
    pair.params = {"formats": {"time_zone": zone}}
    pair.write = lambda: write_to_server(pair.shop, url, clock)
    return pair


def add_order(pair: Pair, number: int, at: datetime) -> None:
    pair.shop.add("orders", order_id=number, customer_id=1, status="shipped", ordered_at=at, updated_at=at)
    pair.shop.add(
        "order_items", order_id=number, line_number=1, product_id=1, quantity=1, unit_price=Decimal(7), updated_at=at
    )


def assert_served_alike(project: Project) -> None:
    verified = CliRunner().invoke(cli, ["mart", "verify-replica", "--env", "postgres"])
    assert verified.exit_code == 0, verified.output
    assert_alike(project)


@pytest.mark.parametrize(("clock", "zone"), [("TIMESTAMP", "Europe/Paris"), ("TIMESTAMPTZ", "UTC")])
def test_random_changes_in_a_server_end_in_the_mart_the_replica_and_the_copy_of_a_full_build(
    pair: Pair, postgres: str, clock: str, zone: str
):
    reading(pair, postgres, clock, zone).refresh()
    chance = random.Random(zone)
    for _ in range(3):
        for _ in range(4):
            change_at_random(pair.shop, chance)
        assert CHANGES in {how.path for how in pair.refresh().values()}
        assert_served_alike(pair.by_changes)


def test_changes_in_the_hour_that_comes_twice_are_all_found(pair: Pair, postgres: str):
    reading(pair, postgres, "TIMESTAMP", "Europe/Paris")
    night = datetime(2025, 10, 26)
    add_order(pair, 101, night.replace(hour=2, minute=50))  # summer time
    pair.refresh()
    add_order(pair, 102, night.replace(hour=2, minute=5))  # winter time: a quarter of an hour later
    assert pair.refresh()["orders"].path == CHANGES
    add_order(pair, 103, night.replace(hour=2, minute=40))
    add_order(pair, 104, night.replace(hour=3, minute=1))
    pair.refresh()
    assert pair.by_changes.query("SELECT count(*) FROM tb_orders WHERE order_id > '100' AND order_id < '105'") == [(4,)]


def test_rows_in_the_hours_that_clocks_skip_and_repeat_need_no_comparison_of_keys(pair: Pair, postgres: str):
    reading(pair, postgres, "TIMESTAMP", "Europe/Paris")
    for number, at in enumerate(
        [datetime(2025, 3, 30, 2, 30), datetime(2025, 10, 26, 2, 30), datetime(2025, 10, 26, 3, 30)]
    ):
        add_order(pair, 200 + number, at)
    pair.refresh()
    add_order(pair, 210, datetime(2026, 3, 1))
    assert pair.refresh()["orders"] == (CHANGES, "2 of 11 rows are touched", 2)
    assert (
        'runs_since_comparison": 1'
        in pair.by_changes.query("SELECT comment FROM duckdb_tables() WHERE table_name = 'tmp_orders'")[0][0]
    )


def test_what_a_long_transaction_commits_behind_the_watermark_is_found(pair: Pair, postgres: str):
    reading(pair, postgres, "TIMESTAMPTZ").refresh()
    pair.write = lambda: None  # from here on the server is changed by statements
    early = f"TIMESTAMPTZ '{START + timedelta(seconds=200)} UTC'"  # the watermark is later by far more than the overlap
    connection = psycopg2.connect(postgres)
    cursor = connection.cursor()
    cursor.execute(
        f"INSERT INTO shop.orders (order_id, customer_id, status, ordered_at, updated_at)"
        f" VALUES (500, 1, 'shipped', {early}, {early})"
    )
    cursor.execute(
        "INSERT INTO shop.order_items (order_id, line_number, product_id, quantity, unit_price, updated_at)"
        f" VALUES (500, 1, 1, 3, 10.00, {early})"
    )
    cursor.execute(f"UPDATE shop.customers SET full_name = 'Late', updated_at = {early} WHERE customer_id = 2")
    cursor.execute("DELETE FROM shop.products WHERE product_id = 5")
    psql(postgres, "UPDATE shop.customers SET full_name = 'In time', updated_at = now() WHERE customer_id = 3")
    pair.refresh()
    seen = "SELECT customer_id, full_name FROM tb_customers WHERE customer_id IN ('2', '3') ORDER BY customer_id"
    assert pair.by_changes.query(seen) == [(2, "Customer 2"), (3, "In time")]
    connection.commit()
    connection.close()
    how = pair.refresh()
    assert [how[domain].path for domain in ("order_items", "orders", "customers")] == [CHANGES] * 3
    assert pair.by_changes.query(seen) == [(2, "Late"), (3, "In time")]
    assert pair.by_changes.query("SELECT net_amount FROM tb_orders WHERE order_id = '500'") == [(Decimal(30),)]
    assert pair.by_changes.query("SELECT count(*) FROM tb_products") == [(4,)]
    assert_served_alike(pair.by_changes)
