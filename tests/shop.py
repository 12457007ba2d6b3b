"""A tiny shop, clean, whose figures can be checked by head."""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def customer(**values: Any) -> dict[str, Any]:
    """A customer as a file delivers it."""
    return {
        "customer_id": "1",
        "full_name": "Ann Archer",
        "email": "ann@example.com",
        "country": "DE",
        "created_at": "2025-01-01",
        "updated_at": "2025-01-01T00:00:00Z",
    } | values


def product(**values: Any) -> dict[str, Any]:
    """A product as a file delivers it."""
    return {
        "product_id": "A",
        "name": "Lamp",
        "category": "Books",
        "unit_price": "10.00",
        "unit_cost": "4.00",
        "stock_quantity": "7",
        "reorder_level": "2",
        "created_at": "2025-01-01",
        "updated_at": "2025-01-01T00:00:00Z",
    } | values


def order(**values: Any) -> dict[str, Any]:
    """An order as a file delivers it."""
    return {
        "order_id": "10",
        "customer_id": "1",
        "status": "shipped",
        "ordered_at": "2025-02-03 10:00:00",
        "ship_country": "DE",
        "updated_at": "2025-02-03T10:00:00Z",
    } | values


def item(**values: Any) -> dict[str, Any]:
    """An order line as a file delivers it."""
    return {
        "order_id": "10",
        "line_number": "1",
        "product_id": "A",
        "quantity": "2",
        "unit_price": "10.00",
        "updated_at": "2025-02-03T10:00:00Z",
    } | values


SHOP: dict[str, Rows] = {
    "customers": [customer(), customer(customer_id="2", full_name="Bob Baker", email="bob@example.com")],
    "products": [product(), product(product_id="B", name="Novel", unit_price="5.00", unit_cost="2.00")],
    "orders": [order(), order(order_id="11", status="delivered"), order(order_id="12", status="cancelled")],
    "order_items": [
        item(),
        item(line_number="2", product_id="B", quantity="1", unit_price="5.00"),
        item(order_id="11"),
        item(order_id="12", quantity="1"),
    ],
}
"""Two customers, of whom one ordered three times and cancelled the last."""
