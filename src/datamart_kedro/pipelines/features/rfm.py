"""Scores from 1 to 5 among the buyers of a cutoff, and the segment that they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between

EPOCH = date(1970, 1, 1)
BOUNDS = (0.2, 0.4, 0.6, 0.8)


def with_scores(customers: ir.Table, buyers: ir.Table) -> ir.Table:
    """Add rfm_r, rfm_f and rfm_m, NULL for those who had never bought.

    A score is 1 and how many of the four bounds a value exceeds. The bounds are the quantiles 0.2, 0.4, 0.6 and 0.8 of
    the buyers' values, interpolated; so equal values have equal scores. The later the last purchase, the higher is
    rfm_r.

    Args:
        customers: Customers at one cutoff, with their last purchase `day`, orders_life and net_amount_life, NULL for
            those who had never bought.
        buyers: Those of them who had bought, with the same columns.
    """
    bounds = buyers.agg(**{f"{name}_bounds": value.quantile(list(BOUNDS)) for name, value in values(buyers).items()})
    placed = customers.cross_join(bounds)
    scores = {f"rfm_{name}": score(value, placed[f"{name}_bounds"]) for name, value in values(placed).items()}
    return placed.mutate(**scores).drop(*bounds.columns)


def values(customers: ir.Table) -> dict[str, ir.FloatingValue]:
    """What is scored: the more, the better."""
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
