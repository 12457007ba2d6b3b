"""How figures are written for people."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from datamart_kedro.metrics.metric import Unit

NONE = "-"


def shown(value: Decimal | int | None, unit: Unit) -> str:
    """A figure: amounts to cents, shares in percent to one place, counts whole; a dash where there is none."""
    if value is None:
        return NONE
    if unit == "money":
        return f"{value:,.2f}"
    if unit == "count":
        return f"{value:,}"
    percent = (Decimal(value) * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{percent} %"


def in_words(value: Any) -> str:
    """A value of a dimension."""
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)
