"""The columns of ft_sales_daily."""

from __future__ import annotations

from functools import partial

from datamart_kedro.pipelines.features.feature import Feature

FT_SALES_DAILY = "ft_sales_daily"
SOLD = "tb_orders.ordered_at, tb_orders.is_failed, tb_order_items.quantity"

_key = partial(Feature, FT_SALES_DAILY, timing="key")
_past = partial(Feature, FT_SALES_DAILY, timing="past_only")
_ahead = partial(Feature, FT_SALES_DAILY, timing="known_ahead")

SALES: tuple[Feature, ...] = (
    _key(
        "unique_id",
        "key",
        "string",
        "",
        None,
        "Series: total, department=..., category=... or product=...; what has none is of `unknown`.",
        "tb_products.department, tb_products.category, tb_order_items.product_id",
    ),
    _key("ds", "key", "date", "", None, "Day, UTC.", "tb_orders.ordered_at"),
    _key("level", "key", "string", "", None, "total, department, category or product.", ""),
    _key(
        "parent_id",
        "key",
        "string",
        "",
        None,
        "Series that this one is a part of. Series with one parent sum to it exactly, 0 where one has no row.",
        "",
        "it is the total.",
    ),
    _past(
        "y_units",
        "sales",
        "decimal(18, 3)",
        "units",
        None,
        "Units of orders of the day that did not fail, less those returned; 0 where nothing was sold.",
        SOLD,
    ),
    _past(
        "y_net_amount",
        "sales",
        "decimal(18, 2)",
        "order currency",
        None,
        "Net amount of these orders; 0 where nothing was sold.",
        "tb_order_items.net_amount",
    ),
    _past(
        "unit_net_price",
        "sales",
        "decimal(18, 4)",
        "order currency",
        None,
        "y_net_amount / y_units: the price that was paid. What will be paid is not known ahead.",
        "tb_order_items.net_amount, tb_order_items.quantity",
        "no units were sold, or as many came back.",
    ),
    _key(
        "is_complete",
        "calendar",
        "boolean",
        "",
        None,
        "Is it a whole day? The days of the first and of the newest order may not be.",
        "tb_orders.ordered_at",
    ),
    _ahead("day_of_week", "calendar", "int32", "1 to 7", None, "Day of the week, from Monday, 1.", ""),
    _ahead("day_of_month", "calendar", "int32", "1 to 31", None, "Day of the month.", ""),
    _ahead("month", "calendar", "int32", "1 to 12", None, "Month.", ""),
    _ahead("age_days", "calendar", "int32", "days", None, "Days since the first sale of the series.", SOLD),
)
