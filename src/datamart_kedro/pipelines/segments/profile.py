"""What the customers of a segment are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datamart_kedro.pipelines.segments.rules import SegmentRules

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]


def profiles(values: pd.DataFrame, segment: np.ndarray, segments: SegmentRules) -> list[dict[str, Any]]:
    """One row per segment: customers, share, and of each feature the median, its place among all customers, the sum.

    Args:
        values: Features of the customers.
        segment: Of each customer, from 1.
        segments: Rules of segments.

    Returns:
        - medians, by feature.
        - places: share of all customers whose value is below the median, those equal to it counted half.
        - is_above: is the median above that of all customers?
        - sum_shares: share of the sum of all customers; None where that is not above 0.
    """
    overall = values.median()
    found = []
    for number in sorted(set(segment.tolist())):
        own = values[segment == number]
        medians = own.median()
        found.append(
            {
                "segment_id": int(number),
                "customers": len(own),
                "share": round(len(own) / len(values), 6),
                "medians": {name: round(float(medians[name]), 6) for name in segments.features},
                "places": {name: _place(values[name], medians[name]) for name in segments.features},
                "is_above": {name: bool(medians[name] > overall[name]) for name in segments.features},
                "sum_shares": {name: _share(own[name].sum(), values[name].sum()) for name in segments.features},
            }
        )
    return found


def name_of(found: Sequence[Mapping[str, Any]], segments: SegmentRules) -> list[str]:
    """A name for each segment: a word per feature; those of one name are numbered in their order."""
    plain = [", ".join(words[row["is_above"][name]] for name, words in segments.features.items()) for row in found]
    return [
        f"{name} {plain[: place + 1].count(name)}" if plain.count(name) > 1 else name
        for place, name in enumerate(plain)
    ]


def _place(values: pd.Series, value: float) -> float:
    return round(float(((values < value).sum() + (values == value).sum() / 2) / len(values)), 6)


def _share(part: float, whole: float) -> float | None:
    return round(float(part / whole), 6) if whole > 0 else None
