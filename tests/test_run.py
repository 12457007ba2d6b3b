"""A run from files to published tables."""

from __future__ import annotations

from decimal import Decimal

from tests.project import Project


def test_a_run_publishes_four_tables(project: Project):
    project.run()
    assert project.query(
        "SELECT (SELECT count(*) FROM tb_customers), (SELECT count(*) FROM tb_products),"
        " (SELECT count(*) FROM tb_orders), (SELECT count(*) FROM tb_order_items)"
    ) == [(2, 2, 3, 4)]


def test_figures_of_a_customer_leave_failed_orders_out(project: Project):
    project.run()
    assert project.query(
        "SELECT orders_count, failed_orders_count, net_amount_lifetime, customer_type FROM tb_customers"
        " ORDER BY customer_id"
    ) == [(2, 1, Decimal("45.00"), "returning"), (0, 0, Decimal("0.00"), "prospect")]


def test_published_columns_have_the_types_that_every_store_knows(published: Project):
    kinds = published.query(
        "SELECT DISTINCT regexp_replace(data_type, '\\(.*', '') FROM duckdb_columns()"
        " WHERE table_name IN ('tb_customers', 'tb_products', 'tb_orders', 'tb_order_items') ORDER BY 1"
    )
    assert [kind for (kind,) in kinds] == ["BIGINT", "BOOLEAN", "DATE", "DECIMAL", "TIMESTAMP", "VARCHAR"]
