"""What a model says of the customers of today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir

from datamart_kedro.pipelines.churn.measures import DIGITS
from datamart_kedro.pipelines.churn.rows import rows_to_score
from datamart_kedro.pipelines.churn.training import probabilities

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

DECILES = 10


def score_customers(customers: pd.DataFrame, model: Any, choice: Mapping[str, Any], run_start: datetime) -> ir.Table:
    """Publish scores, of the newest cutoff: one row per customer_id, cutoff_date and horizon_days.

    Args:
        customers: Customers who can churn, one row per customer_id and cutoff_date.
        model: The chosen model, trained.
        choice: What was chosen.
        run_start: When the run started, UTC.
    """
    import numpy as np
    import pyarrow as pa

    rows = rows_to_score(customers)
    likely = np.round(probabilities(model, rows, choice["features"]), DIGITS) if len(rows) else np.zeros(0)
    rank = ranks(likely)
    count = len(rows)
    return ibis.memtable(
        pa.table(
            {
                "customer_id": pa.array(rows["customer_id"]),
                "cutoff_date": pa.array(rows["cutoff_date"], pa.date32()),
                "horizon_days": pa.array([choice["horizon_days"]] * count, pa.int32()),
                "churn_probability": pa.array(likely, pa.float64()),
                "churn_rank": pa.array(rank, pa.int64()),
                "churn_decile": pa.array((rank - 1) * DECILES // max(count, 1) + 1, pa.int32()),
                **{
                    name: pa.array([choice[name]] * count, pa.string())
                    for name in ("model_name", "model_version", "feature_set_hash")
                },
                "scored_at": pa.array([run_start] * count, pa.timestamp("us")),
            }
        )
    )


def ranks(values: np.ndarray) -> np.ndarray:
    """1 for the largest value; equal ones have equal ranks, which are left out afterwards."""
    import numpy as np

    falling = np.sort(-values)
    return np.searchsorted(falling, -values, side="left").astype("int64") + 1
