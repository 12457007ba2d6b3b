"""How a model of churn fared on the test, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datamart_kedro.models.card import write_card
from datamart_kedro.pipelines.churn.measures import calibration, gains, importance, measures
from datamart_kedro.pipelines.churn.rows import labels_of, rows_of
from datamart_kedro.pipelines.churn.rules import ChurnRules
from datamart_kedro.pipelines.churn.training import BASELINE, probabilities

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

SHOWN = 15


def measure_model(
    customers: pd.DataFrame, model: Any, baseline: Any, choice: Mapping[str, Any], churn: ChurnRules
) -> dict[str, Any]:
    """Hold a model and the baseline against the cutoffs of the test, which neither has seen.

    Args:
        customers: Customers who can churn, one row per customer_id and cutoff_date.
        model: The chosen model, trained.
        baseline: Recency alone, trained on the same rows.
        choice: What was chosen.
        churn: Rules of churn.
    """
    rows, features = rows_of(customers, "test"), choice["features"]
    churned = labels_of(rows)
    said = {name: probabilities(one, rows, features) for name, one in (("model", model), ("baseline", baseline))}
    found = {name: measures(churned, probability) for name, probability in said.items()}
    return {
        **{name: choice[name] for name in ("model_name", "candidate", "model_version", "feature_set_hash")},
        "horizon_days": choice["horizon_days"],
        "rows": choice["rows"],
        "candidates": choice["candidates"],
        "test": found["model"],
        "test_baseline": {"model_name": BASELINE, **found["baseline"]},
        "beats_baseline": found["model"]["roc_auc"] > found["baseline"]["roc_auc"],
        "calibration": calibration(churned, said["model"]),
        "gains": {name: gains(churned, probability) for name, probability in said.items()},
        "importance": importance(model, rows, features, churn),
    }


def describe_model(metrics: Mapping[str, Any], choice: Mapping[str, Any], churn: ChurnRules) -> str:
    """The model card, written from what the run found.

    Args:
        metrics: How the model fared on the test.
        choice: What was chosen.
        churn: Rules of churn.
    """
    test, baseline = metrics["test"], metrics["test_baseline"]
    verdict = "beats" if metrics["beats_baseline"] else "does not beat"
    figures = ("roc_auc", "pr_auc", "lift_at_10", "brier")
    return write_card(
        f"Churn within {choice['horizon_days']} days: {choice['model_name']}, version {choice['model_version']}",
        {
            "What it is for": (
                "It says how likely a customer is to place no order within the horizon, so that people can decide whom"
                " to speak to first. It ranks customers; it does not say what would keep them. It is not for decisions"
                " about credit, prices or access."
            ),
            "How it fared": (
                f"On cutoffs after all that it has seen, its ROC-AUC is {test['roc_auc']:.3f} and that of"
                f" {BASELINE} {baseline['roc_auc']:.3f}: it {verdict} it. Honest values without a contract lie between"
                " 0.70 and 0.84 on real shops."
            ),
            "Figures of the test": [
                {"figure": name, "model": test[name], BASELINE: baseline[name]} for name in figures
            ],
            "Rare class": f"pr_auc is of those who {test['rare_class']}: {test['rare_share']:.1%} of the test.",
            "Calibration": metrics["calibration"],
            "Rows": [
                {
                    "split": split,
                    "cutoffs": ", ".join(rows["cutoffs"]),
                    "customers at cutoffs": rows["rows"],
                    "churned": rows["churned"],
                }
                for split, rows in metrics["rows"].items()
            ],
            "How it was chosen": (
                "Each candidate was trained on the oldest cutoffs and compared by ROC-AUC on the later ones"
                " (validation). The best was trained again on both. The test had no part in it."
            ),
            "Candidates": metrics["candidates"],
            "What it sees": {
                "features": len(choice["features"]),
                "feature_set_hash": choice["feature_set_hash"],
                "left out by churn.left_out": ", ".join(churn.left_out) or "none",
                "left out since all rows were alike": ", ".join(choice["features_without_variation"]) or "none",
            },
            "What it leans on": metrics["importance"][:SHOWN],
            "Limits": (
                "Features that say the same share their importance. A shop that changes faster than its cutoffs follow"
                " one another makes the test too kind. Customers without any order have no score."
            ),
            "Trained with": {"random_state": churn.random_state, **_flat(churn)},
        },
    )


def _flat(churn: ChurnRules) -> dict[str, str | int | float]:
    return {
        "logistic_c": ", ".join(f"{c:g}" for c in churn.logistic_c),
        **{f"boosting.{name}": value for name, value in churn.boosting.model_dump().items()},
        "max_single_auc": churn.max_single_auc,
        "max_model_auc": churn.max_model_auc,
    }
