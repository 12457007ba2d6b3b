"""The tables that a sample shop has, with the types that they get in PostgreSQL."""

from __future__ import annotations

CUSTOMERS = {
    "customer_id": "bigint",
    "first_name": "text",
    "last_name": "text",
    "company": "text",
    "email": "text",
    "phone": "text",
    "city": "text",
    "region": "text",
    "postal_code": "text",
    "country": "text",
    "status": "text",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}
PRODUCTS = {
    "product_id": "text",
    "sku": "text",
    "name": "text",
    "category": "text",
    "unit_price": "numeric(12, 2)",
    "unit_cost": "numeric(12, 2)",
    "stock_quantity": "integer",
    "reorder_level": "integer",
    "weight_kg": "numeric(12, 3)",
    "discontinued": "boolean",
    "discontinued_at": "timestamptz",
    "last_sold_at": "timestamptz",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}
ORDERS = {
    "order_id": "bigint",
    "customer_id": "bigint",
    "status": "text",
    "payment_status": "text",
    "failure_reason": "text",
    "ordered_at": "timestamptz",
    "approved_at": "timestamptz",
    "shipped_at": "timestamptz",
    "delivered_at": "timestamptz",
    "promised_at": "timestamptz",
    "shipping_fee": "numeric(12, 2)",
    "shipping_method": "text",
    "ship_city": "text",
    "ship_region": "text",
    "ship_postal_code": "text",
    "ship_country": "text",
    "currency": "text",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}
ORDER_ITEMS = {
    "order_id": "bigint",
    "line_number": "integer",
    "product_id": "text",
    "quantity": "integer",
    "unit_price": "numeric(12, 2)",
    "discount_rate": "numeric(6, 4)",
    "discount_amount": "numeric(12, 2)",
    "tax_rate": "numeric(6, 4)",
    "tax_amount": "numeric(12, 2)",
    "shipping_fee": "numeric(12, 2)",
    "updated_at": "timestamptz",
    "deleted_at": "timestamptz",
}
FAULTS = dict.fromkeys(("domain", "key", "column", "fault", "planted", "expected", "reason"), "text")
TRUTH = {
    "customer_id": "bigint",
    "purchase_rate_per_day": "numeric(9, 6)",
    "dropped_out_at": "timestamptz",
}

TABLES = {
    "customers": CUSTOMERS,
    "products": PRODUCTS,
    "orders": ORDERS,
    "order_items": ORDER_ITEMS,
    "faults": FAULTS,
    "truth": TRUTH,
}
"""For each table its columns, in order."""

KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "order_items": ("order_id", "line_number"),
}
"""The grain of each table before faults are planted in it."""
