"""The rules of order items: the parameters below ``order_items``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.corrections import Corrections, correctable
from datamart_kedro.expressions.formats import CountryCode, Rules, distinct_spellings
from datamart_kedro.expressions.money import MAX_LINE_AMOUNT
from datamart_kedro.pipelines.order_items.columns import SOURCE, TABLE

Rate = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]


class TaxRates(Rules):
    """Share of the net amount that is added where the shop does not say.

    Attributes:
        default: For every line.
        by_country: By the country that the order goes to, before `default`.
        by_category: By category, before `by_country`; case, dots and blanks do not matter.
    """

    default: Rate = Decimal(0)
    by_country: dict[CountryCode, Rate] = Field(default_factory=dict)
    by_category: Annotated[dict[str, Rate], AfterValidator(distinct_spellings)] = Field(default_factory=dict)


class OrderItemRules(Rules):
    """Rules of order items.

    Attributes:
        max_quantity: Quantities above it, of either sign, are rejected.
        max_unit_price: Prices above it are rejected.
        tax: Tax rates.
        corrections: Values of the shop that are wrong, and what they should be.
        contract: How strict the contract of the table is.
    """

    max_quantity: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    max_unit_price: Annotated[Decimal, Field(gt=0, decimal_places=4)] = Decimal(100_000)
    tax: TaxRates = TaxRates()
    corrections: Annotated[Corrections, correctable(SOURCE, TABLE)] = Field(default_factory=dict)
    contract: ContractRules = ContractRules()

    @model_validator(mode="after")
    def _amounts_stay_exact(self) -> Self:
        if self.max_quantity * self.max_unit_price >= MAX_LINE_AMOUNT:
            raise ValueError(
                f"max_quantity x max_unit_price must stay below {MAX_LINE_AMOUNT:,}, the largest exact amount of a line"
            )
        return self
