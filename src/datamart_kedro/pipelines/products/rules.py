"""The rules of products: the parameters below ``products``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from datamart_kedro.expressions.formats import Rules


class ProductRules(Rules):
    """Rules of products.

    Attributes:
        departments: Department of each category; case, dots and blanks do not matter, the spelling here is published.
        category_aliases: Other names of categories, with the category that they mean.
        low_stock_from: Stock at or below which a product without a reorder level is low.
        no_sales_days: Days without a sale, counted back from the newest instant of the table, after which a product
            counts as discontinued; never if absent. Needs `last_sold_at` from the source.
        max_unit_price: Prices above it are rejected.
    """

    departments: dict[str, str] = Field(default_factory=dict)
    category_aliases: dict[str, str] = Field(default_factory=dict)
    low_stock_from: Annotated[Decimal, Field(ge=0, le=1_000_000)] = Decimal(0)
    no_sales_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    max_unit_price: Annotated[Decimal, Field(gt=0, lt=10**10)] = Decimal(1_000_000)
