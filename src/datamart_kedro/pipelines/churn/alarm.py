"""The leak alarm: what tells churn apart too well knows the future."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datamart_kedro.errors import TrainingError
from datamart_kedro.models.features import Features, as_numbers_and_words, is_text
from datamart_kedro.pipelines.churn.measures import auc, importance, rounded
from datamart_kedro.pipelines.churn.rows import labels_of
from datamart_kedro.pipelines.churn.rules import ChurnRules

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

SHOWN = 10
"""Features that are told with what each can do alone."""


def require_no_leaking_feature(
    train: pd.DataFrame, valid: pd.DataFrame, features: Features, churn: ChurnRules
) -> list[dict[str, Any]]:
    """What each feature can do alone on validation, the best first; refused if one can do too much.

    Raises:
        TrainingError: Naming the feature.
    """
    seen, seen_valid = as_numbers_and_words(train, features), as_numbers_and_words(valid, features)
    found = []
    for feature in features:
        name = feature["name"]
        if is_text(feature):
            rates = train.assign(churned=labels_of(train)).groupby(seen[name].to_numpy())["churned"].mean()
            value = auc(valid, seen_valid[name].map(rates).astype("float64").fillna(rates.mean()))
        else:
            value = separation(valid, seen_valid[name])
        found.append({"feature": name, "roc_auc": rounded(value)})
    found.sort(key=lambda row: (-row["roc_auc"], row["feature"]))
    if found and found[0]["roc_auc"] > churn.max_single_auc:
        raise _alarm(
            f"{found[0]['feature']} alone tells who churns with a ROC-AUC of {found[0]['roc_auc']:.3f}, above"
            f" churn.max_single_auc, {churn.max_single_auc:g}",
            found[0]["feature"],
            "max_single_auc",
        )
    return found[:SHOWN]


def separation(rows: pd.DataFrame, values: pd.Series) -> float:
    """ROC-AUC of a number in either direction, missing values taken for the smallest or for the largest."""
    lowest, highest = values.min() - 1, values.max() + 1
    found = [auc(rows, values.fillna(filled)) for filled in (lowest, highest)] if values.notna().any() else [0.5]
    return max(max(value, 1 - value) for value in found)


def require_plausible_model(
    model: Any, valid_auc: float, valid: pd.DataFrame, features: Features, churn: ChurnRules
) -> None:
    """Refuse a model that is too good to be true.

    Raises:
        TrainingError: Naming the feature that it leans on most.
    """
    if valid_auc <= churn.max_model_auc:
        return
    leading = importance(model, valid, features, churn)[0]["feature"]
    raise _alarm(
        f"the model tells who churns with a ROC-AUC of {valid_auc:.3f}, above churn.max_model_auc,"
        f" {churn.max_model_auc:g}, and leans most on {leading}",
        leading,
        "max_model_auc",
    )


def _alarm(what: str, feature: str, limit: str) -> TrainingError:
    return TrainingError(
        f"churn: {what}. No honest feature does: it may hold what happens after the cutoff.",
        f"Look at how it is made (its row in ft_catalogue), then mend it or leave it out (churn.left_out: [{feature}])."
        f" If it is right as it is, raise churn.{limit}.",
    )
