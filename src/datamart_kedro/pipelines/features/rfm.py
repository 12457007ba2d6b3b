"""Scores from 1 to 5 among the buyers of a cutoff, and the segment that they make."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import ibis
import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT

EPOCH = date(1970, 1, 1)
SHARES = (0.2, 0.4, 0.6, 0.8)
SCORED = {"r": "day", "f": "orders_life", "m": "net_amount_life"}
"""The later, and the more, the better."""


def bounds(customers: ir.Table) -> ir.Table:
    """One row: for each of what buyers are scored by, the quantiles 0.2, 0.4, 0.6 and 0.8, interpolated.

    Values are days, orders and cents; whoever exceeds a quantile exceeds the whole number below it, and the reverse. So
    bounds are rounded down, and compared with the values as they are.

    Args:
        customers: Customers at a cutoff, with their last purchase `day`, orders_life and net_amount_life; those who had
            never bought have NULL there, which quantiles leave out.
    """
    whole = {
        "r": days_between(ibis.literal(EPOCH, "date"), customers.day),
        "f": customers.orders_life,
        "m": (customers.net_amount_life * 100).cast("int64"),
    }
    quantiles = customers.agg(**{name: value.cast("float64").quantile(list(SHARES)) for name, value in whole.items()})
    return quantiles.select(
        **{
            bound_of(name, place): as_scored(name, quantiles[name][place].floor().cast("int64"))
            for name in SCORED
            for place in range(len(SHARES))
        }
    )


def as_scored(name: str, whole: ir.IntegerValue) -> ir.Value:
    """A whole number of days, orders or cents, in the type of what is scored."""
    if name == "r":
        return (ibis.literal(EPOCH, "date").cast("timestamp(6)") + whole.as_interval("D")).date()
    return whole if name == "f" else (whole.cast("decimal(18, 0)") * rate_of_cent()).cast(AMOUNT)


def rate_of_cent() -> ir.DecimalScalar:
    """What a cent is of the currency's unit."""
    return ibis.literal(Decimal("0.01"), AMOUNT)


def bound_of(name: str, place: int) -> str:
    """The column of a bound."""
    return f"{name}_bound_{place}"


def scores(row: ir.Table) -> dict[str, ir.IntegerValue]:
    """rfm_r, rfm_f and rfm_m, 1 to 5, NULL for those who had never bought: equal values have equal scores.

    Args:
        row: Customers at one cutoff, with the columns that are scored, NULL for those who had never bought, and bounds.
    """
    return {f"rfm_{name}": score(row, name) for name in SCORED}


def score(row: ir.Table, name: str) -> ir.IntegerValue:
    """1, and one more for each bound that a value exceeds; NULL without a value."""
    exceeds = [row[SCORED[name]] > row[bound_of(name, place)] for place in range(len(SHARES))]
    total = exceeds[0].cast("int32") + 1
    for holds in exceeds[1:]:
        total += holds.cast("int32")
    return total.cast("int32")


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
