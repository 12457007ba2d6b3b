"""The rules of orders: the parameters below ``orders``."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.corrections import Corrections, correctable
from datamart_kedro.expressions.formats import CountryCode, Rules, distinct_spellings
from datamart_kedro.pipelines.orders.columns import SOURCE, TABLE

KnownStatus = Literal["created", "approved", "processing", "shipped", "delivered", "cancelled", "returned", "failed"]
Status = KnownStatus | Literal["unknown"]
FailureReason = Literal[
    "payment_failed", "out_of_stock", "fraud_suspected", "customer_cancelled", "undeliverable", "other"
]
Fee = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=2)]
BusinessDays = Annotated[int, Field(ge=0, le=365)]


class ShippingFees(Rules):
    """What shipping costs when neither the order nor its items say; one that failed or sends nothing costs nothing.

    Attributes:
        flat: Fee of an order.
        by_country: Fee by the country it goes to, before `flat`.
        free_from: Net amount from which shipping is free; never if absent.
    """

    flat: Fee = Decimal("4.90")
    by_country: dict[CountryCode, Fee] = Field(default_factory=dict)
    free_from: Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=2)] | None = None


class DeliveryTimes(Rules):
    """Business days (Monday to Friday) from order to delivery when the shop promised no date.

    Attributes:
        business_days: For every order.
        by_country: By the country it goes to, before `business_days`.
        by_method: By shipping method, before `by_country`; case, dots and blanks do not matter.
    """

    business_days: BusinessDays = 5
    by_country: dict[CountryCode, BusinessDays] = Field(default_factory=dict)
    by_method: Annotated[dict[str, BusinessDays], AfterValidator(distinct_spellings)] = Field(default_factory=dict)


class OrderRules(Rules):
    """Rules of orders.

    Attributes:
        status_map: What the shop's statuses mean; case, dots and blanks do not matter. Others become ``unknown``.
        failed_statuses: Statuses that make an order a failed one.
        failure_map: What the shop's failure reasons mean, and its payment statuses where it gives no reason.
        default_currency: Currency of orders that name none, ISO 4217.
        shipping: Shipping fees.
        delivery: Delivery times.
        corrections: Values of the shop that are wrong, and what they should be.
        contract: How strict the contract of the table is.
    """

    status_map: Annotated[dict[str, KnownStatus], AfterValidator(distinct_spellings)] = Field(default_factory=dict)
    failed_statuses: tuple[Status, ...] = ("failed", "cancelled")
    failure_map: Annotated[dict[str, FailureReason], AfterValidator(distinct_spellings)] = Field(default_factory=dict)
    default_currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    shipping: ShippingFees = ShippingFees()
    delivery: DeliveryTimes = DeliveryTimes()
    corrections: Annotated[Corrections, correctable(SOURCE, TABLE)] = Field(default_factory=dict)
    contract: ContractRules = ContractRules()
