"""A small mart whose metrics can be told by head: published tables with the columns that metrics read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from datamart_kedro.mart.mart import Mart, MartSettings

TYPES = {
    "tb_orders": {
        "order_id": pa.int64(),
        "customer_id": pa.int64(),
        "ordered_at": pa.timestamp("us"),
        "status": pa.string(),
        "is_failed": pa.bool_(),
        "is_late": pa.bool_(),
        "currency": pa.string(),
        "ship_country_code": pa.string(),
        "net_amount": pa.decimal128(18, 2),
    },
    "tb_order_items": {
        "order_id": pa.int64(),
        "line_number": pa.int64(),
        "product_id": pa.string(),
        "category": pa.string(),
        "net_amount": pa.decimal128(18, 2),
        "margin_amount": pa.decimal128(18, 2),
        "is_return": pa.bool_(),
    },
    "tb_customers": {"customer_id": pa.int64(), "country_code": pa.string(), "customer_type": pa.string()},
    "tb_products": {
        "product_id": pa.string(),
        "category": pa.string(),
        "department": pa.string(),
        "availability": pa.string(),
    },
    "tb_churn_scores": {
        "customer_id": pa.int64(),
        "cutoff_date": pa.date32(),
        "horizon_days": pa.int64(),
        "churn_probability": pa.float64(),
        "churn_decile": pa.int64(),
    },
    "tb_customer_segments": {"customer_id": pa.int64(), "cutoff_date": pa.date32(), "segment_name": pa.string()},
}


def order(order_id: int, day: str, **values: Any) -> dict[str, Any]:
    """An order of customer 1, in Germany, of nothing."""
    return {
        "order_id": order_id,
        "customer_id": 1,
        "ordered_at": datetime.fromisoformat(day),
        "status": "delivered",
        "is_failed": False,
        "is_late": False,
        "currency": "EUR",
        "ship_country_code": "DE",
        "net_amount": Decimal("0.00"),
    } | values


def line(order_id: int, net_amount: str, **values: Any) -> dict[str, Any]:
    """A line with a book, on which nothing is earned."""
    return {
        "order_id": order_id,
        "line_number": 1,
        "product_id": "A",
        "category": "Books",
        "net_amount": Decimal(net_amount),
        "margin_amount": Decimal("0.00"),
        "is_return": net_amount.startswith("-"),
    } | values


def product(product_id: str, **values: Any) -> dict[str, Any]:
    """A book in stock."""
    return {
        "product_id": product_id,
        "category": "Books",
        "department": "Media",
        "availability": "in_stock",
    } | values


def mart(folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mart:
    """A mart of these tables, at version 7; orders have the sum of their lines unless they say otherwise.

    Tables of models are there if they are given.
    """
    given = {"tb_orders": [], "tb_order_items": [], "tb_customers": [], "tb_products": [product("A")], **tables}
    sums: dict[int, Decimal] = {}
    for item in given["tb_order_items"]:
        sums[item["order_id"]] = sums.get(item["order_id"], Decimal(0)) + item["net_amount"]
    given["tb_orders"] = [{**o, "net_amount": sums.get(o["order_id"], o["net_amount"])} for o in given["tb_orders"]]
    path = folder / "mart.duckdb"
    with duckdb.connect(path) as connection:
        for name, rows in given.items():
            held = pa.Table.from_pylist(list(rows), schema=pa.schema(TYPES[name]))
            connection.register("held", held)
            connection.execute(f"CREATE TABLE {name} AS FROM held")
        connection.execute(
            "CREATE TABLE tb_control_data_update (run_id VARCHAR, domain VARCHAR, status VARCHAR, reason VARCHAR,"
            " version BIGINT, started_at TIMESTAMP, rows_inserted BIGINT, rows_updated BIGINT, rows_deleted BIGINT,"
            " code_version VARCHAR, parameters VARCHAR)"
        )
        connection.execute(
            "INSERT INTO tb_control_data_update (run_id, domain, status, version, started_at)"
            " VALUES ('r', 'orders', 'published', 7, '2026-01-01')"
        )
    return Mart(MartSettings(str(path), str(folder / "tmp"), str(folder)))
