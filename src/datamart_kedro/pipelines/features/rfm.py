"""Scores from 1 to 5 among the buyers of a cutoff, and the segment that they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between

BOUNDS = (0.2, 0.4, 0.6, 0.8)


def with_scores(customers: ir.Table, buyers: ir.Table, cutoff_date: date) -> ir.Table:
    """Add rfm_r, rfm_f, rfm_m and rfm_segment, NULL for those who had never bought.

    A score is 1 and how many of the four bounds a value exceeds. The bounds are the quantiles 0.2, 0.4, 0.6 and 0.8 of
    the buyers' values, interpolated; so equal values have equal scores. The fewer days since the last purchase, the
    higher is rfm_r.

    Args:
        customers: Customers at one cutoff, with recency_days, orders_life and net_amount_life.
        buyers: Those of them who had bought, with their last purchase `day`, orders_life and net_amount_life.
        cutoff_date: The cutoff.
    """
    recency = days_between(buyers.day, ibis.literal(cutoff_date, "date"))
    bounds = buyers.agg(
        r=(-recency).cast("float64").quantile(list(BOUNDS)),
        f=buyers.orders_life.cast("float64").quantile(list(BOUNDS)),
        m=buyers.net_amount_life.cast("float64").quantile(list(BOUNDS)),
    )
    placed = customers.cross_join(bounds)
    values = {"r": -placed.recency_days, "f": placed.orders_life, "m": placed.net_amount_life}
    scores = {
        f"rfm_{name}": placed.is_buyer.ifelse(score(value.cast("float64"), placed[name]), None)
        for name, value in values.items()
    }
    return placed.mutate(**scores).drop("r", "f", "m").pipe(with_segment)


def score(value: ir.FloatingValue, bounds: ir.ArrayValue) -> ir.IntegerValue:
    """1, and one more for each bound that a value exceeds."""
    total = 1 + (value > bounds[0]).cast("int32")
    for place in range(1, len(BOUNDS)):
        total += (value > bounds[place]).cast("int32")
    return total


def with_segment(customers: ir.Table) -> ir.Table:
    """Add rfm_segment, named by the first rule that holds; NULL without scores."""
    recent, frequent = customers.rfm_r, customers.rfm_f
    rules: Mapping[str, ir.BooleanValue] = {
        "champions": (recent >= 4) & (frequent >= 4),
        "loyal": (recent >= 3) & (frequent >= 3),
        "recent": recent >= 4,
        "at_risk": (recent <= 2) & (frequent >= 3),
        "lapsed": recent <= 2,
        "occasional": recent.notnull(),
    }
    return customers.mutate(rfm_segment=ibis.cases(*((holds, name) for name, holds in rules.items())))
