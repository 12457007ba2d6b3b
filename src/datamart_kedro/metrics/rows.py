"""The rows that metrics are taken over.

Each kind has a grain, which no join multiplies: what is joined has one row for each key, or is brought to one first. A
table is read only if something that is asked for lies in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import ibis.expr.types as ir

from datamart_kedro.expressions.joins import join_one
from datamart_kedro.expressions.money import AMOUNT
from datamart_kedro.metrics.metric import Rows

Tables = Callable[[str], ir.Table]
"""Gives a published table by its name."""
FIRST = "is_first"
ORDER = ("customer_id", "ordered_at", "status", "is_late", "currency", "ship_country_code")


def orders(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Orders that did not fail, with what was sold in them and what of it was kept.

    Args:
        tables: The published tables.
        asked: Dimensions and columns that are asked for.

    Returns:
        One row per order_id.

        - sold_amount: net amount of the lines that are no return lines, order currency.
        - kept_amount: net amount of all lines; 0 if the order was returned as a whole.
        - is_first: is it the first order of its customer that did not fail? If asked for.
    """
    items = tables("tb_order_items")
    returned = items.filter(items.is_return).group_by("order_id")
    returned_lines = returned.aggregate(returned_amount=items.net_amount.sum().cast(AMOUNT))
    placed = join_one(_placed(tables, asked), returned_lines, "order_id", ["returned_amount"])
    return placed.mutate(sold_amount=placed.net_amount - placed.returned_amount.fill_null(0), kept_amount=_kept(placed))


def lines(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Lines of orders that did not fail. A line whose order is unknown has no day, and is left out.

    Returns:
        One row per (order_id, line_number), with the columns of its order; sold_amount, kept_amount as in `orders`.

        - margin_amount: NULL where the cost is unknown.
    """
    columns = ("order_id", "line_number", "product_id", "category", "net_amount", "margin_amount", "is_return")
    items = tables("tb_order_items").select(*columns)
    firsts = [FIRST] if FIRST in asked else []
    joined = join_one(items, _placed(tables, asked), "order_id", [*ORDER, *firsts], found="is_placed")
    placed = joined.filter(joined.is_placed)
    sold = placed.mutate(
        sold_amount=placed.is_return.ifelse(0, placed.net_amount).cast(AMOUNT), kept_amount=_kept(placed)
    )
    return _with_department(sold, tables) if "department" in asked else sold


def customers(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Customers: one row per customer_id."""
    return _with_segment(tables("tb_customers"), tables, asked)


def products(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Products: one row per product_id."""
    return tables("tb_products")


def scores(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Churn scores of the newest cutoff: one row per (customer_id, horizon_days)."""
    known = tables("tb_churn_scores")
    newest = known.filter(known.cutoff_date == known.cutoff_date.max())
    if {"country", "customer_type"} & set(asked):
        newest = join_one(newest, tables("tb_customers"), "customer_id", ["country_code", "customer_type"])
    return _with_segment(newest, tables, asked)


ROWS: Mapping[Rows, Callable[[Tables, Collection[str]], ir.Table]] = {
    "orders": orders,
    "lines": lines,
    "customers": customers,
    "products": products,
    "scores": scores,
}


def _placed(tables: Tables, asked: Collection[str]) -> ir.Table:
    """Orders that did not fail: one row per order_id."""
    all_orders = tables("tb_orders")
    placed = all_orders.filter(~all_orders.is_failed).select("order_id", "net_amount", *ORDER)
    if FIRST not in asked:
        return placed
    firsts = placed.group_by("customer_id").aggregate(first_ordered_at=placed.ordered_at.min())
    known = join_one(placed, firsts, "customer_id", ["first_ordered_at"])
    return known.mutate(**{FIRST: known.ordered_at == known.first_ordered_at})


def _kept(placed: ir.Table) -> ir.Value:
    return (placed.status == "returned").ifelse(0, placed.net_amount).cast(AMOUNT)


def _with_department(sold: ir.Table, tables: Tables) -> ir.Table:
    """Add the department of each line's category: the category map knows one for each."""
    known = tables("tb_products")
    departments = known.group_by("category").aggregate(department=known.department.min())
    return join_one(sold, departments, "category", ["department"])


def _with_segment(people: ir.Table, tables: Tables, asked: Collection[str]) -> ir.Table:
    if "segment" not in asked:
        return people
    known = tables("tb_customer_segments")
    newest = known.filter(known.cutoff_date == known.cutoff_date.max())
    return join_one(people, newest, "customer_id", ["segment_name"])
