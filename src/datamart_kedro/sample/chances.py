"""What a customer of the sample shop will do, for who knows the truth: the best that any model can be held against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from math import exp


def chance_of_no_purchase(
    purchase_rate_per_day: float, dropped_out_at: datetime | None, cutoff: date, horizon_days: int
) -> float:
    """Probability that a customer buys nothing from a cutoff on for some days, by the process that makes the shop.

    Purchases are a Poisson process until the customer drops out. Who knows the rate and whether the customer has
    dropped out by the cutoff knows all that can be known then, but for how soon they will drop out.

    Args:
        purchase_rate_per_day: As in ``truth.csv``.
        dropped_out_at: As in ``truth.csv``, UTC; None if they have not.
        cutoff: Midnight, UTC, of this day.
        horizon_days: Days from the cutoff on.
    """
    has_left = dropped_out_at is not None and dropped_out_at.date() < cutoff
    return 1.0 if has_left else exp(-purchase_rate_per_day * horizon_days)


def area_under_curve(happened: Sequence[int], scores: Sequence[float]) -> float:
    """How often one to whom it happened has the higher score of two, ties counted half: ROC-AUC, by its definition.

    Args:
        happened: 1 or 0, both of which occur.
        scores: One for each.
    """
    yes = [score for score, what in zip(scores, happened, strict=True) if what]
    no = [score for score, what in zip(scores, happened, strict=True) if not what]
    won = sum((high > low) + (high == low) / 2 for high in yes for low in no)
    return won / (len(yes) * len(no))
