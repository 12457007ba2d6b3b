"""What is said of a customer at a cutoff: one expression for each column of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT, amount
from datamart_kedro.pipelines.features.breadth import NANO
from datamart_kedro.pipelines.features.catalogue import WINDOWS
from datamart_kedro.pipelines.features.purchases import SERVICE, SUMMED, UNITS
from datamart_kedro.pipelines.features.rfm import segment
from datamart_kedro.pipelines.features.rules import FeatureRules

SPANS = (*(f"{days}d" for days in WINDOWS), "life")
ZEROS: Mapping[str, ir.Scalar] = {UNITS: ibis.literal(0, UNITS), AMOUNT: amount(0), "int32": ibis.literal(0, "int32")}
Described = dict[str, ir.Value]


def describe(row: ir.Table, features: FeatureRules) -> Described:
    """All columns.

    Args:
        row: Customers at cutoffs, with their last purchase day before the cutoff and what had come together by then,
            NULL for those who had never bought; sums in windows, NULL where there were none; and scores.
        features: Rules of features.
    """
    return {
        "customer_id": row.customer_id,
        "cutoff_date": row.cutoff_date,
        "basis": row.basis,
        **status(row, features),
        **buy_till_you_die(row),
        **volume(row),
        **rhythm(row),
        **trend(row),
        **breadth(row),
        **service(row),
        **{name: row[name] for name in ("rfm_r", "rfm_f", "rfm_m")},
        "rfm_segment": segment(row.rfm_r, row.rfm_f),
    }


def days_since(day: ir.DateValue, row: ir.Table) -> ir.IntegerValue:
    """Days from a day to the cutoff; 1 for the day before it."""
    return days_between(day, row.cutoff_date)


def status(row: ir.Table, features: FeatureRules) -> Described:
    """Who they are, and since when they are known."""
    is_buyer = row.day.notnull()
    recency = days_since(row.day, row)
    within = features.eligible_within_days
    is_eligible = is_buyer if within is None else (recency <= within).fill_null(False)
    since = ibis.least(row.created_at.date(), row.first_day)
    return {
        "is_buyer": is_buyer,
        "is_eligible_churn": is_eligible,
        "tenure_days": days_since(since, row),
        "signup_month": row.signup_month,
        "country_code": row.country_code,
        "recency_days": recency,
        "days_since_first_order": days_since(row.first_day, row),
    }


def buy_till_you_die(row: ir.Table) -> Described:
    """The summary of Fader, Hardie and Lee (2005), in days."""
    repeats = row.purchase_days_life - 1
    repeated = (row.net_amount_life - row.first_day_amount).cast(AMOUNT)
    mean = mean_amount(repeated, repeats, scale=4)
    return {
        "btyd_frequency": repeats,
        "btyd_recency_days": days_between(row.first_day, row.day),
        "btyd_age_days": days_since(row.first_day, row) - 1,
        "btyd_monetary": (repeats == 0).ifelse(ibis.literal(0, "decimal(18, 4)"), mean),
    }


def volume(row: ir.Table) -> Described:
    """Sums of each window, 0 where nothing was bought, and what an order was worth."""
    found: Described = {
        f"{name}_{span}": row[f"{name}_{span}"].fill_null(ZEROS[kind])
        for name, kind in SUMMED.items()
        if name != "returned_orders"
        for span in SPANS
    }
    for span in SPANS:
        found[f"purchase_days_{span}"] = row[f"purchase_days_{span}"].fill_null(0)
        found[f"avg_order_amount_{span}"] = mean_amount(row[f"net_amount_{span}"], row[f"orders_{span}"], scale=2)
    return found | {"max_order_amount": row.largest_order_life}


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


def rhythm(row: ir.Table) -> Described:
    """Days between purchase days; NULL below two of them.

    The deviation is taken from whole numbers, which floats hold exactly: sums of gaps and of their squares.
    """
    count = (row.purchase_days_life - 1).nullif(0).cast("float64")
    total = days_between(row.first_day, row.day).cast("float64")
    mean = total / count
    spread = (count * row.gaps_squared_life - total * total).sqrt() / count
    return {
        "gap_mean_days": mean,
        "gap_median_days": row.gap_median,
        "gap_std_days": spread,
        "gap_last_days": row.gap,
        "overdue_ratio": days_since(row.day, row) / mean,
    }


def trend(row: ir.Table) -> Described:
    """The last 90 days against the 90 before."""
    return {
        "orders_ratio_90": grown(row.orders_90d, row.orders_before),
        "net_amount_ratio_90": grown(row.net_amount_90d, row.net_amount_before),
        "active_months_12": ibis.least(row.active_months_12.fill_null(0), 12),
    }


def grown(now: ir.NumericValue, before: ir.NumericValue) -> ir.FloatingValue:
    """(now + 1) / (before + 1); NULL where returns make the divisor 0."""
    return (now.fill_null(0).cast("float64") + 1) / (before.fill_null(0).cast("float64") + 1).nullif(0)


def breadth(row: ir.Table) -> Described:
    """How many products and categories, and how evenly."""
    products = row.new_products_life.fill_null(0)
    lines = row.category_lines_life.nullif(0)
    evenness = lines.cast("float64").ln() - row.category_terms_life.cast("float64") / NANO / lines
    return {
        "products_count": products,
        "categories_count": row.new_categories_life.fill_null(0),
        "top_category": row.top_category,
        "top_category_share": row.top_lines.cast("float64") / lines,
        "category_entropy": evenness.round(6).abs(),
        "repeat_product_share": row.new_repeats_life.cast("float64") / products.nullif(0),
    }


def service(row: ir.Table) -> Described:
    """What went wrong, in each window."""
    found: Described = {f"{name}_{span}": row[f"{name}_{span}"].fill_null(0) for name in SERVICE for span in SPANS}
    for span in SPANS:
        returned = row[f"returned_orders_{span}"]
        found[f"returned_orders_{span}"] = returned.fill_null(0)
        found[f"return_rate_{span}"] = returned.cast("float64") / row[f"orders_{span}"].nullif(0)
    return found
