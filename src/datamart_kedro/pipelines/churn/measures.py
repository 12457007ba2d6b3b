"""How good a model of churn is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datamart_kedro.models.features import Features, as_numbers_and_words
from datamart_kedro.models.threads import one_thread
from datamart_kedro.pipelines.churn.rows import labels_of
from datamart_kedro.pipelines.churn.rules import ChurnRules

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

BINS = 10
STEPS = 20
DIGITS = 6
"""Of published figures: the last bits of a float are not the same on all machines."""


def rounded(value: float) -> float:
    """A figure to six digits."""
    return round(float(value), DIGITS)


def auc(rows: pd.DataFrame, scores: Any) -> float:
    """ROC-AUC: how often one who churned has a higher score than one who did not."""
    from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

    return float(roc_auc_score(labels_of(rows), scores))


def measures(churned: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Figures of a model, from what happened (1 or 0) and what it said.

    Returns:
        - roc_auc, brier: 0.5 and the variance of the labels for a model that knows nothing.
        - pr_auc: average precision for the rare class, whichever of churned and stayed that is; its share for a model
          that knows nothing.
        - lift_at_10: how many times more of those with the highest tenth of the probabilities churned than of all.
    """
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    is_churn_rare = churned.mean() <= 0.5
    rare, likely = (churned, probability) if is_churn_rare else (1 - churned, 1 - probability)
    return {
        "roc_auc": rounded(roc_auc_score(churned, probability)),
        "pr_auc": rounded(average_precision_score(rare, likely)),
        "rare_class": "churned" if is_churn_rare else "stayed",
        "rare_share": rounded(rare.mean()),
        "lift_at_10": rounded(lift(churned, probability, 0.1)),
        "brier": rounded(brier_score_loss(churned, probability)),
    }


def lift(churned: np.ndarray, probability: np.ndarray, share: float) -> float:
    """Rate of churn among the highest scores, divided by that among all.

    Rows with the score at which the share ends count in part, as if they came in any order.
    """
    return found_at(churned, probability, share) / share


def found_at(churned: np.ndarray, probability: np.ndarray, share: float) -> float:
    """Share of those who churned that is among a share of all, those with the highest scores."""
    import numpy as np

    wanted = share * len(churned)
    at = np.sort(probability)[::-1][min(int(np.ceil(wanted)), len(churned)) - 1] if wanted > 0 else np.inf
    above, level = probability > at, probability == at
    within = (wanted - above.sum()) / level.sum() if level.any() else 0.0
    return float((churned[above].sum() + within * churned[level].sum()) / churned.sum())


def gains(churned: np.ndarray, probability: np.ndarray) -> list[dict[str, float]]:
    """What part of those who churned is found in each share of the customers, the highest scores first."""
    shares = [step / STEPS for step in range(STEPS + 1)]
    return [{"share": share, "found": rounded(found_at(churned, probability, share))} for share in shares]


def calibration(churned: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """What was said against what happened, in ten parts of like size by probability: one row per part."""
    import numpy as np

    order = np.argsort(probability, kind="stable")
    return [
        {
            "part": number,
            "rows": len(part),
            "predicted": rounded(probability[part].mean()),
            "observed": rounded(churned[part].mean()),
        }
        for number, part in enumerate(np.array_split(order, min(BINS, len(order))), start=1)
    ]


def importance(model: Any, rows: pd.DataFrame, features: Features, churn: ChurnRules) -> list[dict[str, Any]]:
    """ROC-AUC that a trained model loses when a feature is shuffled: one row per feature, the largest loss first.

    Features that say the same share their importance, or hide one another's.
    """
    from sklearn.inspection import permutation_importance  # type: ignore[import-untyped]

    some = rows.sample(min(len(rows), churn.importance_rows), random_state=churn.random_state)
    with one_thread():
        found = permutation_importance(
            model,
            as_numbers_and_words(some, features),
            labels_of(some),
            scoring="roc_auc",
            n_repeats=churn.importance_repeats,
            random_state=churn.random_state,
        )
    losses = zip(features, found.importances_mean, found.importances_std, strict=True)
    table = [{"feature": f["name"], "loss": rounded(mean), "spread": rounded(std)} for f, mean, std in losses]
    return sorted(table, key=lambda row: (-row["loss"], row["feature"]))
