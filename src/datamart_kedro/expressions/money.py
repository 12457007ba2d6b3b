"""Exact money: decimals, rounded half away from zero, once per line."""

from __future__ import annotations

from decimal import Decimal

import ibis
import ibis.expr.types as ir

AMOUNT = "decimal(18, 2)"
MAX_LINE_AMOUNT = Decimal(10) ** 10
"""Amounts of one line stay below this, so that their products with rates fit into 18 digits."""

_WIDE = "decimal(38, 10)"
_SMALL = 100_000


def to_amount(value: ir.NumericValue) -> ir.DecimalValue:
    """Round to cents, half away from zero."""
    return value.round(2).cast(AMOUNT)


def multiply(quantity: ir.DecimalValue, unit_price: ir.DecimalValue) -> ir.DecimalValue:
    """Multiply a quantity by a price, rounded to cents, where the product may have more than 18 digits.

    DuckDB multiplies decimals of 18 digits in 64 bits and stops the query when that overflows. 38 digits cost a hundred
    times as much, so only large numbers go that way.

    Returns:
        decimal(18, 2); the product must stay below 10**16.
    """
    is_small = (quantity.abs() <= _SMALL) & (unit_price.abs() <= _SMALL)
    wide = to_amount(quantity.cast(_WIDE) * unit_price.cast(_WIDE))
    return is_small.ifelse(to_amount(quantity * unit_price), wide)


def divide(numerator: ir.DecimalValue, denominator: ir.DecimalValue, scale: int) -> ir.DecimalValue:
    """Divide decimals exactly, rounded half away from zero; NULL where the denominator is 0 or NULL.

    Engines divide as floats, and most decimals are no float. Whole numbers of up to 15 digits are, and of two of them
    the float quotient lies on the same side of every half as the true one.

    Args:
        numerator: Decimal of at most 18 digits.
        denominator: Decimal of at most 18 digits.
        scale: Digits after the point, at most 6.

    Returns:
        decimal(18, scale); NULL also where the quotient has more than 15 digits, which no money divided by money has.
    """
    above, below = numerator.abs(), denominator.abs().nullif(0)
    digits = max(scale + below.type().scale, above.type().scale)
    is_large = _is_large(above, digits) | _is_large(below, digits - scale)
    nearest = (_whole(above, digits) / _whole(below, digits - scale) + 0.5).floor()
    sign = ((numerator < 0) == (denominator < 0)).ifelse(1, -1)
    units = is_large.ifelse(_divide_large(above, below, scale), nearest) * sign
    unit = ibis.literal(Decimal(1).scaleb(-scale), f"decimal(18, {scale})")
    return (units.cast("decimal(18, 0)") * unit).cast(f"decimal(18, {scale})")


def _is_large(value: ir.DecimalValue, digits: int) -> ir.BooleanValue:
    """Has a decimal more than 15 digits as a whole number of units of 10**-digits, or more than 18 on the way there?"""
    scale = value.type().scale
    before_point = min(15 - digits, 18 - 2 * scale)
    return value > ibis.literal(Decimal(10) ** before_point - Decimal(1).scaleb(-scale), value.type())


def _whole(value: ir.DecimalValue, digits: int) -> ir.IntegerValue:
    """A decimal as a whole number of units of 10**-digits."""
    scale = value.type().scale
    return (value * 10**scale).cast("int64") * 10 ** (digits - scale)


def _divide_large(above: ir.DecimalValue, below: ir.DecimalValue, scale: int) -> ir.IntegerValue:
    """Divide positive decimals, in units of 10**-scale: multiplying back in 38 digits tells where the float was off."""
    above, below = above.cast(_WIDE) * 10**scale, below.cast(_WIDE)
    quotient = above.cast("float64") / below.cast("float64")
    near = (quotient < 10.0**15).ifelse(quotient, None).round().cast("int64")
    rest = (above - near * below) * 2
    return near + ibis.cases((rest >= below, 1), (rest < -below, -1), else_=0)


def amount(value: Decimal | int) -> ir.DecimalScalar:
    """A constant amount."""
    return ibis.literal(Decimal(value), AMOUNT)


def rate(value: Decimal | int) -> ir.DecimalScalar:
    """A constant share, such as 0.2 for 20 %."""
    return ibis.literal(Decimal(value), "decimal(18, 6)")
