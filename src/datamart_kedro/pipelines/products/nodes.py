"""Products: stage what the shop delivers, build what is published."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.lookups import look_up
from datamart_kedro.expressions.money import divide
from datamart_kedro.expressions.stage import Staged, stage
from datamart_kedro.pipelines.products.columns import KEY, SOURCE, TABLE
from datamart_kedro.pipelines.products.rules import ProductRules


def stage_products(
    source_products: ir.Table, gate_products: Decision, products: ProductRules, formats: Formats
) -> Staged:
    """Stage products: one row per product_id, with category and department normalised.

    Args:
        source_products: Products as the shop delivers them.
        gate_products: What opened the gate.
        products: Rules of products.
        formats: How the shop writes dates, missing values and countries.
    """
    return stage(
        source_products,
        SOURCE,
        KEY,
        formats,
        rules={
            "unit_price is negative": lambda row: row.unit_price < 0,
            "unit_cost is negative": lambda row: row.unit_cost < 0,
            f"unit_price is above {products.max_unit_price}": lambda row: row.unit_price > products.max_unit_price,
            f"unit_cost is above {products.max_unit_price}": lambda row: row.unit_cost > products.max_unit_price,
        },
        normalise=partial(normalise_products, rules=products),
        corrections=products.corrections,
    )


def normalise_products(staged: ir.Table, rules: ProductRules) -> ir.Table:
    """Write each category in the spelling of the map, and add its department; an unknown one keeps its words."""
    spellings = {category: category for category in rules.departments} | rules.category_aliases
    products = staged.mutate(category=look_up(staged.category, spellings).coalesce(staged.category.capitalize()))
    return products.mutate(department=look_up(products.category, rules.departments))


def build_products(tmp_products: ir.Table, products: ProductRules) -> ir.Table:
    """Publish products: one row per product_id, with margin, availability and whether it is still sold.

    Args:
        tmp_products: Staged products, one row per product_id.
        products: Rules of products.

    Returns:
        The columns of `TABLE`. Every staged row is kept: a product that the shop deleted is discontinued since then.
    """
    return (
        tmp_products.pipe(add_discontinued, products)
        .pipe(add_availability, products)
        .pipe(add_margin_rate)
        .select(*TABLE.columns)
    )


def add_margin_rate(products: ir.Table) -> ir.Table:
    """Add margin_rate: the share of the price that is not cost."""
    price = products.unit_price
    return products.mutate(margin_rate=divide(price - products.unit_cost, price, scale=6))


def add_discontinued(products: ir.Table, rules: ProductRules) -> ir.Table:
    """Add is_discontinued, and how we know.

    Dates are compared with the newest instant of the table, the data's own clock, so that the same rows always give
    the same answer; sales with the newest sale, and a product that never sold counts from created_at.
    """
    newest = products.aggregate(
        newest_change=ibis.greatest(products.updated_at.max(), products.last_sold_at.max(), products.created_at.max()),
        newest_sale=products.last_sold_at.max(),
    )
    dated = products.mutate(discontinued_at=products.discontinued_at.coalesce(products.deleted_at)).cross_join(newest)
    clock = dated.newest_change.coalesce(dated.discontinued_at)
    has_passed = dated.deleted_at.notnull() | (dated.discontinued_at <= clock)
    reasons = [(dated.discontinued, "flag"), (has_passed, "date")]
    if rules.no_sales_days is not None:
        since = dated.newest_sale - ibis.interval(days=rules.no_sales_days)
        last_seen = dated.last_sold_at.coalesce(dated.created_at)
        reasons.append((last_seen < since, "no_sales"))
    reason = ibis.cases(*reasons)
    return dated.mutate(is_discontinued=reason.notnull(), discontinued_reason=reason)


def add_availability(products: ir.Table, rules: ProductRules) -> ir.Table:
    """Add availability: what a customer can have today."""
    stock = products.stock_quantity
    low = products.reorder_level.coalesce(ibis.literal(rules.low_stock_from, "decimal(18, 3)"))
    availability = ibis.cases(
        (products.is_discontinued, "discontinued"),
        (stock.isnull(), "unknown"),
        (stock <= 0, "out_of_stock"),
        (stock <= low, "low_stock"),
        else_="in_stock",
    )
    return products.mutate(availability=availability)
