"""The rules of products: the parameters below ``products``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.corrections import Corrections, correctable
from datamart_kedro.expressions.formats import Rules, distinct_spellings
from datamart_kedro.pipelines.products.columns import SOURCE, TABLE

Availability = Literal["in_stock", "low_stock", "out_of_stock", "discontinued", "unknown"]
DiscontinuedReason = Literal["flag", "date", "no_sales"]


class ProductRules(Rules):
    """Rules of products.

    Attributes:
        departments: Department of each category; case, dots and blanks do not matter, the spelling here is published.
        category_aliases: Other names of categories, with the category that they mean.
        low_stock_from: Stock at or below which a product without a reorder level is low.
        no_sales_days: Days without a sale, counted back from the newest sale of all, after which a product counts as
            discontinued; never if absent, or if the source tells no `last_sold_at`.
        max_unit_price: Prices and costs above it are rejected.
        corrections: Values of the shop that are wrong, and what they should be.
        contract: How strict the contract of the table is.
    """

    departments: Annotated[dict[str, str], AfterValidator(distinct_spellings)] = Field(default_factory=dict)
    category_aliases: Annotated[dict[str, str], AfterValidator(distinct_spellings)] = Field(default_factory=dict)
    low_stock_from: Annotated[Decimal, Field(ge=0, le=1_000_000)] = Decimal(0)
    no_sales_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    max_unit_price: Annotated[Decimal, Field(gt=0, lt=10**10)] = Decimal(1_000_000)
    corrections: Annotated[Corrections, correctable(SOURCE, TABLE)] = Field(default_factory=dict)
    contract: ContractRules = ContractRules()
