"""What is said of a customer at a cutoff: the columns that depend on it, and those that were told before."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT, amount
from datamart_kedro.pipelines.features.catalogue import WINDOWS
from datamart_kedro.pipelines.features.life import Described, mean_amount
from datamart_kedro.pipelines.features.purchases import SERVICE, SUMMED, UNITS
from datamart_kedro.pipelines.features.rfm import segment
from datamart_kedro.pipelines.features.rules import FeatureRules

RECENT = tuple(f"{days}d" for days in WINDOWS)
ZEROS: Mapping[str, ir.Scalar] = {UNITS: ibis.literal(0, UNITS), AMOUNT: amount(0), "int32": ibis.literal(0, "int32")}
COUNTED: Mapping[str, str] = {**SUMMED, **dict.fromkeys(("purchase_days", *SERVICE), "int32")}
"""What is 0 in a window, and in life, that holds none of it, with its type."""


def describe(row: ir.Table, features: FeatureRules) -> Described:
    """All columns.

    Args:
        row: Customers at cutoffs, with the columns of their last purchase day before the cutoff (`life.of_life`), NULL
            for those who had never bought; those of windows, NULL where there were none; and scores.
        features: Rules of features.
    """
    told = {name: row[name] for name in row.columns}
    return told | counted(row) | since(row, features) | trend(row) | {"rfm_segment": segment(row.rfm_r, row.rfm_f)}


def counted(row: ir.Table) -> Described:
    """Sums of each window and of life: 0 where there was nothing."""
    sums = {f"{name}_{span}": kind for name, kind in COUNTED.items() for span in (*RECENT, "life")}
    sums |= dict.fromkeys(("products_count", "categories_count", "active_months_12"), "int32")
    return {name: row[name].fill_null(ZEROS[kind]) for name, kind in sums.items()}


def since(row: ir.Table, features: FeatureRules) -> Described:
    """Who they are, and how long ago they did what."""
    is_buyer = row.day.notnull()
    recency, age = days_since(row.day, row), days_since(row.first_day, row)
    within = features.eligible_within_days
    return {
        "is_buyer": is_buyer,
        "is_eligible_churn": is_buyer if within is None else (recency <= within).fill_null(False),
        "tenure_days": days_since(ibis.least(row.created_at.date(), row.first_day), row),
        "btyd_age_days": age - 1,
        "recency_days": recency,
        "days_since_first_order": age,
        "overdue_ratio": recency / row.gap_mean_days,
    }


def days_since(day: ir.DateValue, row: ir.Table) -> ir.IntegerValue:
    """Days from a day to the cutoff; 1 for the day before it."""
    return days_between(day, row.cutoff_date)


def trend(row: ir.Table) -> Described:
    """The last 90 days against the 90 before."""
    return {f"{name}_ratio_90": grown(row[f"{name}_90d"], row[f"{name}_180d"]) for name in ("orders", "net_amount")}


def grown(last_90: ir.NumericValue, last_180: ir.NumericValue) -> ir.FloatingValue:
    """(a + 1) / (b + 1), with b what the last 180 days have more than the last 90; NULL where returns make b -1."""
    now = last_90.fill_null(0)
    before = last_180.fill_null(0) - now
    return (now.cast("float64") + 1) / (before.cast("float64") + 1).nullif(0)


def rates(sums: ir.Table) -> Described:
    """What an order was worth in each window, and how many came back; NULL without orders."""
    found: Described = {}
    for span in RECENT:
        orders, returned = sums[f"orders_{span}"], sums[f"returned_orders_{span}"]
        found[f"avg_order_amount_{span}"] = mean_amount(sums[f"net_amount_{span}"], orders, scale=2)
        found[f"return_rate_{span}"] = returned.cast("float64") / orders.nullif(0)
    return found
