"""The rules of features: the parameters below ``features``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.formats import Rules

Level = Literal["total", "department", "category", "product"]
Days = Annotated[int, Field(ge=1, le=3650)]


def _rising(values: tuple[int, ...]) -> tuple[int, ...]:
    if list(values) != sorted(set(values)):
        raise ValueError("they must rise, and each come once")
    return values


def _days_apart(days: tuple[date, ...]) -> tuple[date, ...]:
    if list(days) != sorted(set(days)):
        raise ValueError("they must be in the order of the calendar, and each come once")
    return days


class FeatureContractRules(ContractRules):
    """How strict the contracts of the feature tables are; old cutoffs leave as new ones come, so rows may go."""

    max_lost_share: Annotated[float, Field(ge=0, le=1)] = 1.0


class FeatureRules(Rules):
    """Rules of features.

    Attributes:
        cutoffs: Days at whose midnight, UTC, customers are looked at; if there are none, `months` says it.
        months: The first day of so many months is a cutoff, counted back from the newest order.
        horizons: Days that a label looks ahead.
        gap_days: Days between a cutoff and the start of its labels.
        split_days: Of the cutoffs whose labels are observed, those of the newest so many days are for testing; of those
            whose labels end before, the newest for validation; of those whose labels end before that, all for training.
        eligible_within_days: A buyer can churn who bought within so many days before the cutoff; every buyer if absent.
        arrival_days: A row that was first seen within so many days after a cutoff counts as known at it, as it was
            then: a night's run brings the orders of the day before.
        levels: Series of daily sales: all sales, and those of each department, category or product.
        model_horizon_days: The horizon, one of `horizons`, whose labels are joined to features in the model input.
        contract: How strict the contracts of the tables are.
    """

    cutoffs: Annotated[tuple[date, ...], AfterValidator(_days_apart)] = ()
    months: Annotated[int, Field(ge=1, le=240)] = 12
    horizons: Annotated[tuple[Days, ...], Field(min_length=1), AfterValidator(_rising)] = (30, 90)
    gap_days: Annotated[int, Field(ge=0, le=3650)] = 0
    split_days: Days = 31
    eligible_within_days: Days | None = None
    arrival_days: Annotated[int, Field(ge=0, le=365)] = 1
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = ("total", "department", "category", "product")
    model_horizon_days: Days = 90
    contract: FeatureContractRules = FeatureContractRules()

    @model_validator(mode="after")
    def _has_horizon(self) -> FeatureRules:
        if self.model_horizon_days not in self.horizons:
            raise ValueError(f"model_horizon_days is {self.model_horizon_days}, which is none of horizons")
        return self
