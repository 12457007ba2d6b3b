"""The rules of customers: the parameters below ``customers``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.corrections import Corrections, correctable
from datamart_kedro.expressions.formats import Rules
from datamart_kedro.pipelines.customers.columns import SOURCE, TABLE


class CustomerRules(Rules):
    """Rules of customers.

    Attributes:
        returning_from: Number of orders that did not fail from which a customer is a returning one.
        corrections: Values of the shop that are wrong, and what they should be.
        contract: How strict the contract of the table is.
    """

    returning_from: Annotated[int, Field(ge=2, le=1000)] = 2
    corrections: Annotated[Corrections, correctable(SOURCE, TABLE)] = Field(default_factory=dict)
    contract: ContractRules = ContractRules()
