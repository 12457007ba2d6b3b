"""The rules are written once: another engine gives the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import ibis
import ibis.expr.types as ir
import psycopg2
import pytest
from ibis.backends.sql.compilers.postgres import compiler
from psycopg2.extras import execute_values

from datamart_kedro.expressions.formats import Formats
from datamart_kedro.pipelines.customers.nodes import build_customers
from datamart_kedro.pipelines.customers.rules import CustomerRules
from datamart_kedro.pipelines.order_items.nodes import build_order_items
from datamart_kedro.pipelines.order_items.rules import OrderItemRules, TaxRates
from datamart_kedro.pipelines.orders.nodes import build_orders
from datamart_kedro.pipelines.orders.rules import DeliveryTimes, OrderRules, ShippingFees
from datamart_kedro.pipelines.products.nodes import build_products
from datamart_kedro.pipelines.products.rules import ProductRules
from tests.pipelines.test_domains_together import DOMAINS, dirty_rows
from tests.tables import computed, computed_once, source

TYPES = {"string": "text", "int64": "bigint", "boolean": "boolean", "date": "date", "timestamp(6)": "timestamp(6)"}
NEW_YORK = Formats(time_zone="America/New_York")
ITEM_RULES = OrderItemRules(
    tax=TaxRates(default=Decimal("0.19"), by_country={"FR": Decimal("0.2")}, by_category={"books": Decimal("0.07")})
)
ORDER_RULES = OrderRules(
    shipping=ShippingFees(free_from=Decimal(50), by_country={"FR": Decimal(9)}),
    delivery=DeliveryTimes(by_country={"FR": 7}, by_method={"done": 2}),
)
PRODUCT_RULES = ProductRules(no_sales_days=30)


class Postgres:
    """A PostgreSQL database that runs expressions on tables copied into it."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg2.connect(url)
        self.cursor = self.connection.cursor()

    def copy(self, name: str, rows: ir.Table) -> ir.Table:
        """The rows in a table of the server."""
        schema = rows.schema()
        columns = ", ".join(f'"{column}" {self.type_of(str(dtype).lstrip("!"))}' for column, dtype in schema.items())
        self.cursor.execute(f'CREATE TABLE "{name}" ({columns})')
        values = [tuple(row.values()) for row in rows.to_pyarrow().to_pylist()]
        execute_values(self.cursor, f'INSERT INTO "{name}" VALUES %s', values)
        return ibis.table(schema, name)

    def rows(self, expression: ir.Table) -> list[dict[str, Any]]:
        """What the server makes of an expression, sorted."""
        self.cursor.execute(compiler.to_sqlglot(expression).sql("postgres").replace("%", "%%"), ())
        names = [column.name for column in self.cursor.description]
        return in_order([dict(zip(names, row, strict=True)) for row in self.cursor.fetchall()])

    @staticmethod
    def type_of(dtype: str) -> str:
        return TYPES.get(dtype) or dtype.replace("decimal", "numeric")


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [repr(value) for value in row.values()])


def here(expression: ir.Table) -> list[dict[str, Any]]:
    return in_order(expression.to_pyarrow().to_pylist())


@pytest.fixture
def server(postgres: str) -> Iterator[Postgres]:
    database = Postgres(postgres)
    yield database
    database.connection.close()


def test_postgresql_publishes_the_same_rows_of_the_same_staged_rows(server: Postgres):
    random = Random(5)
    counts = {"customers": 60, "products": 40, "orders": 150, "order_items": 400}
    staged = {
        name: DOMAINS[name].stage(source(dirty_rows(random, name, count, 0.01))) for name, count in counts.items()
    }
    tmp = {name: computed(*computed_once(found.judged, found.rows)) for name, found in staged.items()}
    there = {name: server.copy(f"tmp_{name}", rows) for name, rows in tmp.items()}

    products = computed(build_products(tmp["products"], PRODUCT_RULES))
    assert server.rows(build_products(there["products"], PRODUCT_RULES)) == here(products)

    items = computed(build_order_items(tmp["order_items"], tmp["orders"], products, ITEM_RULES))
    known = server.copy("tb_products", products)
    assert server.rows(build_order_items(there["order_items"], there["orders"], known, ITEM_RULES)) == here(items)

    orders = computed(build_orders(tmp["orders"], items, ORDER_RULES, NEW_YORK))
    lines = server.copy("tb_order_items", items)
    assert server.rows(build_orders(there["orders"], lines, ORDER_RULES, NEW_YORK)) == here(orders)

    customers = build_customers(tmp["customers"], orders, CustomerRules(), NEW_YORK)
    bought = server.copy("tb_orders", orders)
    assert server.rows(build_customers(there["customers"], bought, CustomerRules(), NEW_YORK)) == here(customers)
