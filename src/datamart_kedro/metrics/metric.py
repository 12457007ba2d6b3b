"""What a metric is: a name, a meaning, a unit, and an expression over rows whose grain is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import ibis.expr.types as ir

from datamart_kedro.expressions.calendar import Span

Unit = Literal["money", "rate", "count", "probability"]
"""`money` is in the order's currency, to cents; `rate` and `probability` are shares, 0 to 1, to 6 digits."""
Rows = Literal["orders", "lines", "customers", "products", "scores"]
"""What the rows are that a metric is taken over; `datamart_kedro.metrics.rows` makes them."""
Measure = Callable[[ir.Table], ir.Value]

DIGITS: Mapping[Unit, int] = {"money": 2, "rate": 6, "count": 0, "probability": 6}
TIME: Mapping[str, Span] = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
"""Dimensions that cut the time of an order, in the shop's time zone; a week begins on Monday."""


@dataclass(frozen=True)
class Metric:
    """A figure that means the same wherever it is shown.

    Attributes:
        name: As it is asked for.
        title: As it is shown.
        meaning: What it is, in a sentence or two.
        unit: Its unit.
        measures: The expression, by the rows that it is taken over; the first that know all dimensions asked for are
            taken. They agree where both can be asked.
        denominators: For a quotient, what `measures` are divided by.
        denominator: What that is, in words.
        adds_up: Over which dimensions the figures of groups sum to that of all.
        apart: Dimensions that are always kept apart, asked for or not: amounts of two currencies have no sum.
        rises: Is more of it better (True), worse (False) or neither (None)?
    """

    name: str
    title: str
    meaning: str
    unit: Unit
    measures: Mapping[Rows, Measure]
    denominators: Mapping[Rows, Measure] | None = None
    denominator: str = ""
    adds_up: str = "none"
    apart: tuple[str, ...] = ()
    rises: bool | None = None

    @property
    def is_state(self) -> bool:
        """Is it of the moment, and not of a period?"""
        return next(iter(self.measures)) not in ("orders", "lines")


@dataclass(frozen=True)
class Dimension:
    """What a metric can be grouped and filtered by.

    Attributes:
        name: As it is asked for.
        meaning: What its values are.
        rows: Which rows know it, and by which of their columns.
    """

    name: str
    meaning: str
    rows: Mapping[Rows, str]
