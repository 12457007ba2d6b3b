"""Daily sales of small shops, as ft_sales_daily has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

import pandas as pd

from datamart_kedro.pipelines.forecasts.arrangement import arrange
from datamart_kedro.pipelines.forecasts.rules import LEVELS, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import Sales

MONDAY = date(2025, 1, 6)
PRICE = 2
Products = Mapping[str, Sequence[int | None]]
"""Units of each product by day; None before its first and after its last. It is of the category of its first letter."""

SHORT = ForecastRules(horizon_days=7, origins=3, step_days=7, train_weeks=4, max_rows=1_000)
"""Rules under which 56 days are enough."""


def daily(products: Products, first: date = MONDAY) -> pd.DataFrame:
    """Rows of products, of their categories and of the total: units in thousandths, net amount in hundredths."""
    sums: dict[tuple[str, str, str | None], dict[date, int]] = {}
    for product, units in products.items():
        category = f"category={product[0]}"
        chain = ((f"product={product}", "product", category), (category, "category", "total"), ("total", "total", None))
        for series in chain:
            days = sums.setdefault(series, {})
            for day, sold in dated(units, first):
                days[day] = days.get(day, 0) + sold
    rows = [
        {
            "unique_id": name,
            "level": level,
            "parent_id": parent,
            "ds": pd.Timestamp(day),
            "y_units": sold * 1000,
            "y_net_amount": sold * PRICE * 100,
        }
        for (name, level, parent), days in sums.items()
        for day, sold in sorted(days.items())
    ]
    return pd.DataFrame(rows)


def dated(units: Sequence[int | None], first: date) -> Iterator[tuple[date, int]]:
    """Days and units, without those that are not there."""
    return ((first + timedelta(days=n), sold) for n, sold in enumerate(units) if sold is not None)


def sales(products: Products, first: date = MONDAY) -> Sales:
    """The same by series and day."""
    return arrange(daily(products, first), LEVELS)


def random_products(seed: int, *, days: int = 63, count: int = 5) -> dict[str, list[int | None]]:
    """Products of two categories that start and end here and there, with many days without sales and some returns."""
    draw = Random(seed)
    found: dict[str, list[int | None]] = {}
    for n in range(count):
        starts = draw.choice([0, 0, draw.randint(1, days - 1)])
        ends = draw.choice([days, days, draw.randint(starts + 1, days)])
        found[f"{'AB'[n % 2]}{n}"] = [
            draw.choice([0, 0, 1, 3, 8, -1]) if starts <= day < ends else None for day in range(days)
        ]
    found["A0"] = [day % 7 + draw.randint(0, 2) for day in range(days)]
    return found


def table_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as the mart has them, all days whole."""
    from decimal import Decimal

    return [
        {
            "unique_id": row.unique_id,
            "level": row.level,
            "parent_id": row.parent_id if isinstance(row.parent_id, str) else None,
            "ds": row.ds.date(),
            "y_units": Decimal(row.y_units).scaleb(-3),
            "y_net_amount": Decimal(row.y_net_amount).scaleb(-2),
            "is_complete": True,
        }
        for row in frame.itertuples()
    ]
