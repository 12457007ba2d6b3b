"""Who is in which segment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from datamart_kedro.models.features import as_numbers_and_words
from datamart_kedro.pipelines.segments.clusters import DIGITS, distances, in_order

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]


def assign_segments(buyers: pd.DataFrame, model: Any, metrics: Mapping[str, Any], run_start: datetime) -> ir.Table:
    """Publish the segment of each customer: one row per customer_id and cutoff_date.

    Args:
        buyers: One row per customer_id, in any order.
        model: The trained model.
        metrics: What was found.
        run_start: When the run started, UTC.
    """
    import numpy as np
    import pyarrow as pa

    rows = in_order(buyers)
    away = distances(model, as_numbers_and_words(rows, metrics["features"]))
    segment = away.argmin(axis=1)
    nearest, second = np.sort(away, axis=1)[:, :2].T
    between = 1 - np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    names = {row["segment_id"]: row["segment_name"] for row in metrics["segments"]}
    count = len(rows)
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(rows["customer_id"]),
                "cutoff_date": pa.array(rows["cutoff_date"], pa.date32()),
                "segment_id": pa.array(segment + 1, pa.int32()),
                "segment_name": pa.array([names[number] for number in (segment + 1).tolist()], pa.string()),
                "distance": pa.array(np.round(nearest, DIGITS), pa.float64()),
                "confidence": pa.array(np.round(between, DIGITS), pa.float64()),
                **{
                    name: pa.array([metrics[name]] * count, pa.string())
                    for name in ("model_name", "model_version", "feature_set_hash")
                },
                "scored_at": pa.array([run_start] * count, pa.timestamp("us")),
            }
        )
    )
