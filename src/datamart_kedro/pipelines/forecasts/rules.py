"""The rules of forecasts: the parameters below ``forecasts``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.formats import Rules

Level = Literal["total", "department", "category", "product"]
Learner = Literal["linear", "gradient_boosting"]

LEVELS: tuple[Level, ...] = ("total", "department", "category", "product")
"""From all sales to a product: each is a part of the one before."""
SEASONAL_NAIVE = "seasonal_naive"
SEASON = 7
"""Days of a season: a week."""
SHORTEST_PAST = 28
"""Days before a cutoff without which nothing is learnt from it."""


class ForecastContractRules(ContractRules):
    """How strict the contract of forecasts is; those of an earlier cutoff leave as new ones come, so rows may go."""

    max_lost_share: Annotated[float, Field(ge=0, le=1)] = 1.0


class ForecastRules(Rules):
    """Rules of forecasts.

    Attributes:
        horizon_days: Days ahead.
        origins: Past days at which the backtest stands, forecasts, and looks at what came.
        step_days: Days between two of them.
        levels: Levels that are forecast. The finest that there is is modelled, the others are sums of it.
        models: What is tried beside seasonal naive, which is always there.
        must_beat_seasonal_naive: Is seasonal naive published where no model is better in the backtest?
        interval: Share of the days that intervals should hold.
        train_weeks: Weeks of the past that a model learns from, each looked at as a forecast at its start would be.
        max_rows: Rows that a model learns from; where there are more, so many are drawn.
        random_state: Of what is drawn.
        contract: How strict the contract of the table is.
    """

    horizon_days: Annotated[int, Field(ge=1, le=91)] = 28
    origins: Annotated[int, Field(ge=3, le=24)] = 6
    step_days: Annotated[int, Field(ge=1, le=91)] = 28
    levels: Annotated[tuple[Level, ...], Field(min_length=1)] = LEVELS
    models: tuple[Learner, ...] = ("linear", "gradient_boosting")
    must_beat_seasonal_naive: bool = True
    interval: Annotated[float, Field(ge=0.5, le=0.99)] = 0.8
    train_weeks: Annotated[int, Field(ge=1, le=520)] = 26
    max_rows: Annotated[int, Field(ge=1_000, le=10_000_000)] = 40_000
    random_state: int = 7
    contract: ForecastContractRules = ForecastContractRules()

    @model_validator(mode="after")
    def _has_what_to_publish(self) -> ForecastRules:
        if not self.must_beat_seasonal_naive and not self.models:
            raise ValueError("must_beat_seasonal_naive is false, and there are no models")
        return self

    @property
    def days_needed(self) -> int:
        """Whole days that the backtest needs: its first origin has something to learn from, its last a horizon."""
        return SHORTEST_PAST + self.horizon_days + self.step_days * (self.origins - 1) + self.horizon_days
