"""What a purchase day tells of all until then: the columns that depend on no cutoff, made once for all of them."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT
from datamart_kedro.pipelines.features.breadth import NANO, top_lines

Described = dict[str, ir.Value]


def of_life(days: ir.Table) -> Described:
    """The columns, by name.

    Args:
        days: Purchase days, with what had come together when each ended (`purchases.add_life`), and its `top_category`.
    """
    return {
        **sums(days),
        **buy_till_you_die(days),
        **rhythm(days),
        **breadth(days),
    }


def sums(days: ir.Table) -> Described:
    """Sums over life, and what an order was worth."""
    return {
        "orders_life": days.orders_life,
        "purchase_days_life": days.purchase_days_life.cast("int32"),
        "units_life": days.units_life,
        "items_life": days.items_life,
        "net_amount_life": days.net_amount_life,
        "discount_amount_life": days.discount_amount_life,
        "returned_orders_life": days.returned_orders_life,
        "avg_order_amount_life": mean_amount(days.net_amount_life, days.orders_life, scale=2),
        "return_rate_life": days.returned_orders_life.cast("float64") / days.orders_life.nullif(0),
        "max_order_amount": days.largest_order_life,
    }


def buy_till_you_die(days: ir.Table) -> Described:
    """The summary of Fader, Hardie and Lee (2005), in days, without the age."""
    repeats = days.purchase_days_life - 1
    repeated = (days.net_amount_life - days.first_day_amount).cast(AMOUNT)
    mean = mean_amount(repeated, repeats, scale=4)
    return {
        "btyd_frequency": repeats.cast("int32"),
        "btyd_recency_days": days_between(days.first_day, days.day).cast("int32"),
        "btyd_monetary": (repeats == 0).ifelse(ibis.literal(0, "decimal(18, 4)"), mean),
    }


def mean_amount(total: ir.DecimalValue, count: ir.IntegerValue, scale: int) -> ir.DecimalValue:
    """A sum of money divided by a number of things, rounded half away from zero; NULL for none.

    Whole numbers of 64 bits do what `money.divide` does for any two decimals, at a fraction of its cost.

    Args:
        total: decimal(18, 2), below 10**12.
        count: How many.
        scale: Digits after the point, 2 to 4.
    """
    units = (total * 10**2).cast("int64") * 10 ** (scale - 2)
    number = count.cast("int64").nullif(0)
    nearest = (units.abs() * 2 + number) // (number * 2)
    kind = f"decimal(18, {scale})"
    signed = (units < 0).ifelse(-nearest, nearest).cast("decimal(18, 0)")
    return (signed * ibis.literal(Decimal(1).scaleb(-scale), kind)).cast(kind)


def rhythm(days: ir.Table) -> Described:
    """Days between purchase days; NULL below two of them.

    The deviation is taken from whole numbers, which floats hold exactly: sums of gaps and of their squares.
    """
    count = (days.purchase_days_life - 1).nullif(0).cast("float64")
    total = days_between(days.first_day, days.day).cast("float64")
    return {
        "gap_mean_days": total / count,
        "gap_median_days": days.gap_median,
        "gap_std_days": (count * days.gaps_squared_life - total * total).sqrt() / count,
        "gap_last_days": days.gap.cast("int32"),
    }


def breadth(days: ir.Table) -> Described:
    """How many products and categories, and how evenly."""
    lines = days.category_lines_life.nullif(0)
    evenness = lines.cast("float64").ln() - days.category_terms_life.cast("float64") / NANO / lines
    largest = (days.top_life > 0).ifelse(top_lines(days.top_life), None)
    return {
        "products_count": days.new_products_life,
        "categories_count": days.new_categories_life,
        "top_category": days.top_category,
        "top_category_share": largest.cast("float64") / lines,
        "category_entropy": evenness.round(6).abs(),
        "repeat_product_share": days.new_repeats_life.cast("float64") / days.new_products_life.nullif(0),
    }
