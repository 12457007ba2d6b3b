"""Exact money: decimals, rounded half away from zero, once per line."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

AMOUNT = "decimal(18, 2)"
MAX_LINE_AMOUNT = Decimal(10) ** 10
"""Amounts of one line stay below this, so that their products with rates fit into 18 digits."""

_WIDE = "decimal(38, 10)"


def to_amount(value: ir.NumericValue) -> ir.DecimalValue:
    """Round to cents, half away from zero."""
    return value.round(2).cast(AMOUNT)


def divide(numerator: ir.DecimalValue, denominator: ir.DecimalValue, scale: int) -> ir.DecimalValue:
    """Divide decimals exactly, rounded half away from zero; NULL where the denominator is 0 or NULL.

    Engines divide decimals as floats, which is right to the last place but one unit. Multiplying back, which is exact,
    tells where the float was off.

    Args:
        numerator: Decimal below `MAX_LINE_AMOUNT`.
        denominator: Decimal below `MAX_LINE_AMOUNT`.
        scale: Digits after the point, at most 6.

    Returns:
        decimal(18, scale).
    """
    unit = ibis.literal(Decimal(1).scaleb(-scale)).cast(_WIDE)
    above, below = numerator.abs().cast(_WIDE), denominator.abs().nullif(0).cast(_WIDE)
    near = (above.cast("float64") / below.cast("float64")).round(scale).cast(_WIDE)
    rest = (above - near * below) * 2
    step = unit * below
    exact = ibis.cases((rest >= step, near + unit), (rest < -step, near - unit), else_=near)
    is_negative = (numerator < 0) ^ (denominator < 0)
    return is_negative.ifelse(-exact, exact).cast(f"decimal(18, {scale})")


def amount(value: Decimal | int) -> ir.DecimalScalar:
    """A constant amount."""
    return ibis.literal(Decimal(value), AMOUNT)


def rate(value: Decimal | int) -> ir.DecimalScalar:
    """A constant share, such as 0.2 for 20 %."""
    return ibis.literal(Decimal(value), "decimal(18, 6)")
