"""Northwind, a real shop that nobody made for this mart, against figures that PostgreSQL computes by itself."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.project import Project, psql

DATA = os.environ.get("DATAMART_DATA")

pytestmark = pytest.mark.skipif(not DATA, reason="DATAMART_DATA is not set: the folder with northwind.sql")

FIGURES: dict[str, tuple[str, str, Any]] = {
    "customers": (
        "SELECT count(*) FROM tb_customers",
        "SELECT count(*) FROM customers",
        91,
    ),
    "customers without orders": (
        "SELECT count(*) FROM tb_customers WHERE customer_type = 'prospect'",
        "SELECT count(*) FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)",
        2,
    ),
    "products": (
        "SELECT count(*) FROM tb_products",
        "SELECT count(*) FROM products",
        77,
    ),
    "products discontinued": (
        "SELECT count(*) FROM tb_products WHERE is_discontinued",
        "SELECT count(*) FROM products WHERE discontinued = 1",
        10,
    ),
    "products out of stock": (
        "SELECT count(*) FROM tb_products WHERE availability = 'out_of_stock'",
        "SELECT count(*) FROM products WHERE discontinued = 0 AND units_in_stock = 0",
        1,
    ),
    "orders": (
        "SELECT count(*) FROM tb_orders",
        "SELECT count(*) FROM orders",
        830,
    ),
    "orders not shipped": (
        "SELECT count(*) FROM tb_orders WHERE status = 'processing'",
        "SELECT count(*) FROM orders WHERE shipped_date IS NULL",
        21,
    ),
    "orders shipped late": (
        "SELECT count(*) FROM tb_orders WHERE is_late",
        "SELECT count(*) FROM orders WHERE shipped_date > required_date",
        37,
    ),
    "lines": (
        "SELECT count(*) FROM tb_order_items",
        "SELECT count(*) FROM order_details",
        2155,
    ),
    "gross": (
        "SELECT sum(gross_amount) FROM tb_orders",
        "SELECT sum(quantity * unit_price::text::numeric) FROM order_details",
        Decimal("1354458.59"),
    ),
    "net, each discount in whole cents": (
        "SELECT sum(net_amount) FROM tb_orders",
        "SELECT sum(quantity * unit_price::text::numeric"
        " - round(quantity * unit_price::text::numeric * discount::text::numeric, 2)) FROM order_details",
        Decimal("1265792.76"),
    ),
    "freight": (
        "SELECT sum(shipping_fee) FROM tb_orders",
        "SELECT sum(freight::numeric(10, 2)) FROM orders",
        Decimal("64942.69"),
    ),
    "rows rejected": ("SELECT count(*) FROM tb_rejected_rows", "SELECT 0", 0),
    "customers and orders of an unknown country": (
        "SELECT (SELECT count(*) FROM tb_customers WHERE country_code IS NULL)"
        " + (SELECT count(*) FROM tb_orders WHERE ship_country_code IS NULL)",
        "SELECT 0",
        0,
    ),
    "products without a department": ("SELECT count(*) FROM tb_products WHERE department IS NULL", "SELECT 0", 0),
    "lines without their order or product": (
        "SELECT count(*) FROM tb_order_items WHERE is_orphan OR category IS NULL",
        "SELECT 0",
        0,
    ),
    "tax": ("SELECT sum(tax_amount) FROM tb_orders", "SELECT 0.00", Decimal("0.00")),
    "the best customer": (
        "SELECT company, orders_count, net_amount_lifetime FROM tb_customers ORDER BY net_amount_lifetime DESC LIMIT 1",
        "SELECT company_name, count(DISTINCT order_id), sum(quantity * unit_price::text::numeric"
        " - round(quantity * unit_price::text::numeric * discount::text::numeric, 2)) AS net"
        " FROM customers JOIN orders USING (customer_id) JOIN order_details USING (order_id)"
        " GROUP BY company_name ORDER BY net DESC LIMIT 1",
        ("QUICK-Stop", 28, Decimal("110277.29")),
    ),
    "the lines of an order": (
        "SELECT list(line_number || ':' || product_id ORDER BY line_number) FROM tb_order_items WHERE order_id = 10657",
        "SELECT array_agg(number || ':' || product_id ORDER BY product_id) FROM (SELECT product_id,"
        " row_number() OVER (ORDER BY product_id) AS number FROM order_details WHERE order_id = 10657) AS line",
        ["1:15", "2:41", "3:46", "4:47", "5:56", "6:60"],
    ),
}
"""For each figure: how the mart has it, how PostgreSQL computes it, and what is known."""


@pytest.fixture
def northwind(project: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of Northwind, which the environment of that name reads."""
    psql(postgres, Path(DATA or "", "northwind.sql").read_text(encoding="utf-8"))
    monkeypatch.setenv("DATAMART_SHOP_URL", postgres)
    return postgres


def value(rows: list[tuple[Any, ...]]) -> Any:
    """The one value of the one row, or the row where it has several."""
    (row,) = rows
    return row[0] if len(row) == 1 else row


def mart_value(project: Project, sql: str) -> Any:
    with duckdb.connect(project.folder / "data" / "northwind.duckdb", read_only=True) as mart:
        return value(mart.execute(sql).fetchall())


def test_the_mart_and_postgresql_agree_on_every_figure(project: Project, northwind: str):
    project.run(env="northwind")
    in_mart = {name: mart_value(project, sql) for name, (sql, _, _) in FIGURES.items()}
    in_postgres = {name: value(psql(northwind, sql)) for name, (_, sql, _) in FIGURES.items()}
    assert in_mart == in_postgres == {name: known for name, (_, _, known) in FIGURES.items()}


def test_whole_cents_on_each_line_move_the_net_amount_by_half_a_cent_a_line_at_most(northwind: str):
    exact, lines = psql(
        northwind,
        "SELECT sum(quantity * unit_price::text::numeric * (1 - discount::text::numeric)),"
        " count(*) FILTER (WHERE discount > 0) FROM order_details",
    )[0]
    assert round(exact, 2) == Decimal("1265793.04")
    assert abs(FIGURES["net, each discount in whole cents"][2] - exact) <= lines * Decimal("0.005")


def test_a_second_run_finds_nothing_new_although_northwind_has_no_clock(project: Project, northwind: str):
    project.run(env="northwind")
    project.run(env="northwind")
    assert mart_value(
        project,
        "SELECT list(DISTINCT status) FROM tb_control_data_update"
        " WHERE run_id = (SELECT max(run_id) FROM tb_control_data_update)",
    ) == ["skipped"]


def test_a_change_of_one_value_opens_its_domain_and_those_below(project: Project, northwind: str):
    project.run(env="northwind")
    psql(northwind, "UPDATE orders SET shipped_date = '1998-05-07' WHERE order_id = 11077")
    project.run(env="northwind")
    assert mart_value(project, "SELECT count(*) FROM tb_orders WHERE status = 'processing'") == 20
    assert mart_value(
        project,
        "SELECT list(domain ORDER BY domain) FROM tb_control_data_update WHERE status = 'published'"
        " AND run_id = (SELECT max(run_id) FROM tb_control_data_update)",
    ) == ["customers", "order_items", "orders"]
