"""Scores from 1 to 5 among the buyers of a cutoff, and the segment that they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between

EPOCH = date(1970, 1, 1)
BOUNDS = (0.2, 0.4, 0.6, 0.8)


def bounds(buyers: ir.Table) -> ir.Table:
    """One row: the quantiles 0.2, 0.4, 0.6 and 0.8, interpolated, of what buyers are scored by.

    Args:
        buyers: Who had bought before a cutoff, with their last purchase `day`, orders_life and net_amount_life.
    """
    return buyers.agg(**{f"{name}_bounds": value.quantile(list(BOUNDS)) for name, value in values(buyers).items()})


def scores(row: ir.Table) -> dict[str, ir.IntegerValue]:
    """rfm_r, rfm_f and rfm_m, NULL for those who had never bought: equal values have equal scores.

    Args:
        row: Customers at one cutoff, with the same columns, NULL for those who had never bought, and the bounds.
    """
    return {f"rfm_{name}": score(value, row[f"{name}_bounds"]) for name, value in values(row).items()}


def values(customers: ir.Table) -> dict[str, ir.FloatingValue]:
    """What is scored: the later, and the more, the better."""
    return {
        "r": days_between(ibis.literal(EPOCH, "date"), customers.day).cast("float64"),
        "f": customers.orders_life.cast("float64"),
        "m": customers.net_amount_life.cast("float64"),
    }


def score(value: ir.FloatingValue, bounds: ir.ArrayValue) -> ir.IntegerValue:
    """1, and one more for each bound that a value exceeds; NULL without a value."""
    total = 1 + (value > bounds[0]).cast("int32")
    for place in range(1, len(BOUNDS)):
        total += (value > bounds[place]).cast("int32")
    return total


def segment(recent: ir.IntegerValue, frequent: ir.IntegerValue) -> ir.StringValue:
    """The first segment whose rule holds for rfm_r and rfm_f; NULL without scores."""
    rules: Mapping[str, ir.BooleanValue] = {
        "champions": (recent >= 4) & (frequent >= 4),
        "loyal": (recent >= 3) & (frequent >= 3),
        "recent": recent >= 4,
        "at_risk": (recent <= 2) & (frequent >= 3),
        "lapsed": recent <= 2,
        "occasional": recent.notnull(),
    }
    return ibis.cases(*((holds, name) for name, holds in rules.items()))
