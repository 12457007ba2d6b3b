"""Which customers a model of churn learns from, is held against, and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import TrainingError
from datamart_kedro.models.features import features_of
from datamart_kedro.pipelines.churn.rules import ChurnRules

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

KEY = ["cutoff_date", "customer_id"]
SPLITS = ("train", "valid", "test")


def choose_customers(
    gate_churn_scores: Decision, ft_customers: ir.Table, ft_customer_labels: ir.Table, churn: ChurnRules
) -> ir.Table:
    """Customers who can churn: one row per customer_id and cutoff_date.

    Args:
        gate_churn_scores: What opened the gate.
        ft_customers: Customers at cutoffs.
        ft_customer_labels: What they did from the cutoffs on.
        churn: Which labels.

    Returns:
        All columns of the features, and horizon_days, split and churned of the labels, where these are observed and
        their cutoff has a split; besides, the customers of the newest cutoff, with is_scored.
    """
    labels = ft_customer_labels.filter(_.horizon_days == churn.horizon_days).select(
        "customer_id", "cutoff_date", "horizon_days", "is_observed", "split", "churned"
    )
    features = ft_customers.select(*(name for name in ft_customers.columns if not name.startswith("_")))
    newest = ft_customers.cutoff_date.max().as_scalar()
    return (
        features.filter(_.is_eligible_churn)
        .inner_join(labels, ["customer_id", "cutoff_date"])
        .select(*features.columns, "horizon_days", "is_observed", "split", "churned")
        .mutate(is_scored=_.cutoff_date == newest)
        .filter((_.is_observed & _.split.isin(SPLITS)) | _.is_scored)
    )


def name_features(ft_catalogue: ir.Table, churn: ChurnRules) -> dict[str, Any]:
    """The features that a model of churn may see: rows of the catalogue under ``features``.

    Args:
        ft_catalogue: One row per table_name and name.
        churn: Which are left out.
    """
    return {"features": features_of(ft_catalogue, churn.left_out, "churn.left_out")}


def rows_of(customers: pd.DataFrame, *splits: str) -> pd.DataFrame:
    """Rows of some splits whose labels are observed, by cutoff and customer."""
    is_in = customers["split"].isin(splits) & customers["is_observed"]
    return customers[is_in.fillna(False).astype(bool)].sort_values(KEY, ignore_index=True)


def rows_to_score(customers: pd.DataFrame) -> pd.DataFrame:
    """Rows of the newest cutoff, by customer."""
    return customers[customers["is_scored"].astype(bool)].sort_values(KEY, ignore_index=True)


def labels_of(rows: pd.DataFrame) -> Any:
    """1 for those who churned, else 0."""
    return rows["churned"].astype("int64").to_numpy()


def require_history(customers: pd.DataFrame, churn: ChurnRules) -> None:
    """Refuse to train where customers of either kind are too few.

    Raises:
        TrainingError: Naming how many there are, and what to do.
    """
    found = {}
    for split in SPLITS:
        churned = labels_of(rows_of(customers, split))
        found[split] = (int(churned.sum()), int(len(churned) - churned.sum()))
    if all(min(counts) >= churn.min_class_rows for counts in found.values()):
        return
    told = ", ".join(f"{split} has {lost:,} and {kept:,}" for split, (lost, kept) in found.items())
    raise TrainingError(
        f"churn: too little history to train. Of customers who churned within {churn.horizon_days} days, and who did"
        f" not, {told}; each needs {churn.min_class_rows} of both.",
        "Load older orders, take more cutoffs (features.months or features.cutoffs), or shorten features.horizons and"
        " churn.horizon_days. Other pipelines run by themselves, such as `kedro run --pipelines=segments`.",
    )
