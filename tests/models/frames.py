"""Small frames of customers, drawn by a process that is known."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from datamart_kedro.pipelines.churn.rules import ChurnRules
from datamart_kedro.pipelines.segments.rules import SegmentRules

CUTOFFS = {"train": date(2025, 1, 1), "valid": date(2025, 4, 1), "test": date(2025, 7, 1), "score": date(2025, 10, 1)}


def feature(name: str, dtype: str = "float64") -> dict[str, Any]:
    """A row of the catalogue."""
    return {"name": name, "dtype": dtype, "definition": f"The {name}.", "group_name": "any", "unit": ""}


NAMED = {
    "features": [
        feature("gap_mean_days"),
        feature("is_buyer", "boolean"),
        feature("orders_90d", "int32"),
        feature("recency_days", "int32"),
        feature("top_category", "string"),
    ]
}
RULES = ChurnRules(logistic_c=(0.1,), importance_repeats=1)


def churning(count: int = 200, seed: int = 1) -> pd.DataFrame:
    """As many customers at each of four cutoffs; the longer they have not bought, the likelier they churn."""
    draws = np.random.default_rng(seed)
    parts = []
    for split, cutoff in CUTOFFS.items():
        recency = draws.integers(1, 300, count)
        orders = draws.poisson(2, count)
        churned = draws.uniform(size=count) < 1 / (1 + np.exp(2 - recency / 75 + orders / 2))
        gap = np.where(orders > 1, 90 / np.maximum(orders, 1), np.nan)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{number:04}" for number in range(count)],
                    "cutoff_date": [cutoff] * count,
                    "recency_days": pd.array(recency, "int32[pyarrow]"),
                    "orders_90d": pd.array(orders, "int32[pyarrow]"),
                    "gap_mean_days": pd.array(gap, "float64[pyarrow]"),
                    "top_category": pd.array(
                        draws.choice(np.array(["Books", "Games", None], dtype=object), count), "string[pyarrow]"
                    ),
                    "is_buyer": pd.array([True] * count, "bool[pyarrow]"),
                    "split": pd.array([split] * count, "string[pyarrow]"),
                    "is_observed": pd.array([split != "score"] * count, "bool[pyarrow]"),
                    "churned": pd.array(
                        [int(what) if split != "score" else None for what in churned], "int32[pyarrow]"
                    ),
                    "is_scored": pd.array([split == "score"] * count, "bool[pyarrow]"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


SEGMENT_FEATURES = {"features": [feature("recency_days"), feature("purchase_days_365d"), feature("net_amount_365d")]}
SEGMENTS = SegmentRules(min_segments=2, max_segments=5, resamples=5, min_customers=20)
KINDS = {"loyal": (10, 20, 2000), "new": (12, 2, 100), "gone": (300, 1, 30)}
"""Recency, purchase days and amount in the middle of three kinds of customers."""


def buyers(count: int = 60, seed: int = 1, **kinds: tuple[float, float, float]) -> pd.DataFrame:
    """As many customers of each kind, spread a little around its middle."""
    draws = np.random.default_rng(seed)
    rows = [
        (f"{kind}{number:03}", *(np.array(middle) * draws.uniform(0.8, 1.2, 3)))
        for kind, middle in (kinds or KINDS).items()
        for number in range(count)
    ]
    names = [row["name"] for row in SEGMENT_FEATURES["features"]]
    frame = pd.DataFrame(rows, columns=["customer_id", *names])
    return frame.assign(cutoff_date=date(2025, 10, 1))
