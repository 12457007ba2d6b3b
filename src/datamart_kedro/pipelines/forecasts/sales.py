"""What passes between the nodes of forecasts. No library of numbers is imported before there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
else:
    Floats = Whole = Flags = Any

Target = Literal["y_units", "y_net_amount"]
TARGETS: tuple[Target, ...] = ("y_units", "y_net_amount")
DIGITS: Mapping[Target, int] = {"y_units": 3, "y_net_amount": 2}
"""Digits after the point. Values are whole numbers of the last one: thousandths of a unit, hundredths of money."""


@dataclass(frozen=True)
class Tree:
    """Which series are part of which: one entry per series, coarse levels first.

    The finest series come last, in such an order that those which sum to a series stand side by side.

    Attributes:
        ids: unique_id of each.
        levels: Level of each.
        parents: Place of the series that each is part of, -1 for none.
        starts: Place, among the finest series, of the first that sums to each.
        stops: One after the place of the last.
    """

    ids: Sequence[str]
    levels: Sequence[str]
    parents: Whole
    starts: Whole
    stops: Whole

    @property
    def finest(self) -> int:
        """How many finest series there are."""
        return int(self.stops.max())

    def at_level(self, level: str) -> list[int]:
        """Places of the series of a level."""
        return [place for place, found in enumerate(self.levels) if found == level]


@dataclass(frozen=True)
class Sales:
    """Daily sales of the finest series: one row per series, one column per day.

    Attributes:
        tree: Which series are part of which.
        first_day: The day of the first column.
        values: By target. Not a number before the first day of a series and after its last.
    """

    tree: Tree
    first_day: date
    values: Mapping[Target, Floats]

    @property
    def days(self) -> int:
        """How many days."""
        return int(self.values[TARGETS[0]].shape[1])

    def day(self, column: int) -> date:
        """The day of a column; columns after the last are days to come."""
        return self.first_day + timedelta(days=column)


@dataclass(frozen=True)
class Backtest:
    """Forecasts made at past days, beside what came: arrays of origin, series of the tree, step.

    Attributes:
        tree: Which series are part of which.
        origins: Columns of the sales at whose start forecasts are made.
        actual: By target, what came; 0 after the end of a series.
        forecasts: By target and model. Not a number for a series that was not there at an origin.
        spreads: By target, origin and series: how far days usually lie from their mean, known at the origin.
        idle: By target, how often nothing is sold, as known at the origin: 0 to 1.
        seasonal_errors: By target, origin and series: mean error of seasonal naive one season ahead, before the origin.
        daily_changes: By target, origin and series: mean square of the change from day to day, before the origin.
        lowest: By target, origin and series: the lowest day below 0 before the origin, 0 where there was none.
    """

    tree: Tree
    origins: Sequence[int]
    actual: Mapping[Target, Floats]
    forecasts: Mapping[Target, Mapping[str, Floats]]
    spreads: Mapping[Target, Floats]
    idle: Mapping[Target, Floats]
    seasonal_errors: Mapping[Target, Floats]
    daily_changes: Mapping[Target, Floats]
    lowest: Mapping[Target, Floats]

    @property
    def models(self) -> list[str]:
        """What was tried, seasonal naive first."""
        return list(self.forecasts[TARGETS[0]])


@dataclass(frozen=True)
class Forecast:
    """What is forecast at one cutoff: arrays of series of the tree and step, in whole numbers of the last digit.

    Attributes:
        tree: Which series are part of which.
        cutoff_date: The day of the first step.
        is_there: Which series are there at the cutoff.
        point: By target. Series sum to the one that they are part of, exactly.
        lower: By target; not a number where there are too few errors to tell.
        upper: By target.
        model_name: Which model they are of.
    """

    tree: Tree
    cutoff_date: date
    is_there: Flags
    point: Mapping[Target, Floats]
    lower: Mapping[Target, Floats]
    upper: Mapping[Target, Floats]
    model_name: str
