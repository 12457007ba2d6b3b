"""What published tables tell of single customers, products and series: rows, and no sums that a metric gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, literal, quoted

CUSTOMER = published_table("customers")
LIMIT = 25
"""Rows of a list."""
MAX_ORDERS = 200
"""Newest orders of one customer that are shown."""


def newest_order(mart: Mart) -> datetime | None:
    """Instant, UTC, without zone, of the newest order; None without orders."""
    newest = mart.scalar("SELECT max(ordered_at) FROM tb_orders") if mart.exists("tb_orders") else None
    return newest if isinstance(newest, datetime) else None


def customer(mart: Mart, customer_id: str) -> dict[str, Any] | None:
    """A customer's row of ``tb_customers``; None if there is none."""
    found = _rows(mart, f"FROM tb_customers WHERE {_is('customer_id', customer_id)}", CUSTOMER.columns)
    return found[0] if found else None


def orders_of(mart: Mart, customer_id: str) -> list[dict[str, Any]]:
    """The newest orders of a customer."""
    names = ("order_id", "ordered_at", "status", "items_count", "net_amount", "total_amount", "currency", "is_late")
    return _rows(
        mart,
        f"FROM tb_orders WHERE {_is('customer_id', customer_id)} ORDER BY ordered_at DESC, order_id LIMIT {MAX_ORDERS}",
        names,
    )


def scores_of(mart: Mart, customer_id: str) -> list[dict[str, Any]]:
    """How likely a customer is to leave, as told at the newest cutoff."""
    if not mart.exists("tb_churn_scores"):
        return []
    names = ("cutoff_date", "horizon_days", "churn_probability", "churn_decile", "model_name")
    newest = "cutoff_date = (SELECT max(cutoff_date) FROM tb_churn_scores)"
    return _rows(mart, f"FROM tb_churn_scores WHERE {_is('customer_id', customer_id)} AND {newest}", names)


def segments_of(mart: Mart, customer_id: str) -> list[dict[str, Any]]:
    """The segment of a customer at each cutoff that is published, the newest first."""
    if not mart.exists("tb_customer_segments"):
        return []
    names = ("cutoff_date", "segment_name", "confidence")
    return _rows(
        mart, f"FROM tb_customer_segments WHERE {_is('customer_id', customer_id)} ORDER BY cutoff_date DESC", names
    )


def most_likely_to_leave(mart: Mart) -> list[dict[str, Any]]:
    """Customers with the highest churn probability at the newest cutoff, those worth most first among equals."""
    names = ("customer_id", "horizon_days", "churn_probability", "country_code", "last_ordered_at", "orders_count")
    return _rows(
        mart,
        "FROM (SELECT s.customer_id, s.horizon_days, s.churn_probability, c.country_code, c.last_ordered_at,"
        " c.orders_count, c.net_amount_lifetime FROM tb_churn_scores AS s JOIN tb_customers AS c USING (customer_id)"
        " WHERE s.cutoff_date = (SELECT max(cutoff_date) FROM tb_churn_scores))"
        f" ORDER BY churn_probability DESC, net_amount_lifetime DESC, customer_id LIMIT {LIMIT}",
        (*names, "net_amount_lifetime"),
    )


def missed_sales(mart: Mart, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Products that are out of stock, those first that most units were sold of in some time.

    Args:
        mart: Read only.
        since: Instant, UTC, from which sales count.
        until: Instant, UTC, up to which they do.
    """
    names = ("product_id", "name", "category", "stock_quantity", "reorder_level", "units")
    return _rows(
        mart,
        "FROM (SELECT p.product_id, p.name, p.category, p.stock_quantity, p.reorder_level,"
        " coalesce(sold.units, 0) AS units FROM tb_products AS p LEFT JOIN"
        " (SELECT i.product_id, sum(i.quantity) AS units FROM tb_order_items AS i JOIN tb_orders AS o USING (order_id)"
        f" WHERE NOT o.is_failed AND o.ordered_at >= {literal(str(since))} AND o.ordered_at < {literal(str(until))}"
        " AND i.product_id IN (SELECT product_id FROM tb_products WHERE availability = 'out_of_stock')"
        " GROUP BY ALL) AS sold USING (product_id) WHERE p.availability = 'out_of_stock')"
        f" ORDER BY units DESC, product_id LIMIT {LIMIT}",
        names,
    )


def newly_discontinued(mart: Mart) -> list[dict[str, Any]]:
    """Products that are no longer sold, the newest first."""
    names = ("product_id", "name", "category", "discontinued_at", "discontinued_reason", "stock_quantity")
    return _rows(
        mart,
        f"FROM tb_products WHERE is_discontinued ORDER BY discontinued_at DESC NULLS LAST, product_id LIMIT {LIMIT}",
        names,
    )


def series(mart: Mart) -> list[tuple[str, str]]:
    """Series that are forecast, with their levels: the largest levels first, products left out."""
    return [
        (str(name), str(level))
        for name, level in mart.execute(
            "SELECT DISTINCT unique_id, level FROM tb_forecasts WHERE level <> 'product'"
            " ORDER BY CASE level WHEN 'total' THEN 0 WHEN 'department' THEN 1 ELSE 2 END, unique_id"
        )
    ]


def sales_sql(unique_id: str, measure: str, since: date) -> str:
    """SQL of the days of a series that were, from one on."""
    return (
        f"SELECT ds, {quoted(measure)} FROM ft_sales_daily WHERE unique_id = {literal(unique_id)}"
        f" AND ds >= DATE {literal(since.isoformat())} AND is_complete ORDER BY ds"
    )


def forecast_sql(unique_id: str, measure: str) -> str:
    """SQL of the days of a series that are to come, as told at the newest cutoff."""
    ends = ", ".join(quoted(f"{measure}{end}") for end in ("", "_lower", "_upper"))
    return (
        f"SELECT ds, {ends} FROM tb_forecasts WHERE unique_id = {literal(unique_id)}"
        " AND cutoff_date = (SELECT max(cutoff_date) FROM tb_forecasts) ORDER BY ds"
    )


def forecast_origin(mart: Mart, unique_id: str) -> dict[str, Any] | None:
    """By which model and from when a series was forecast; None if it was not."""
    names = ("cutoff_date", "model_name", "model_version", "made_at")
    found = _rows(
        mart, f"FROM tb_forecasts WHERE unique_id = {literal(unique_id)} ORDER BY cutoff_date DESC LIMIT 1", names
    )
    return found[0] if found else None


def _is(column: str, value: str) -> str:
    return f"CAST({quoted(column)} AS VARCHAR) = {literal(value)}"


def _rows(mart: Mart, rest: str, names: Sequence[str] | Mapping[str, object]) -> list[dict[str, Any]]:
    columns = ", ".join(quoted(name) for name in names)
    return [dict(zip(names, row, strict=True)) for row in mart.execute(f"SELECT {columns} {rest}")]
