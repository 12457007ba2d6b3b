"""How a model of churn is trained and chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from datamart_kedro.control.code_version import code_version
from datamart_kedro.models.features import Features, as_numbers_and_words, is_text, varying
from datamart_kedro.models.threads import one_thread
from datamart_kedro.models.version import feature_set_hash, model_version
from datamart_kedro.pipelines.churn.alarm import require_no_leaking_feature, require_plausible_model
from datamart_kedro.pipelines.churn.measures import auc, rounded
from datamart_kedro.pipelines.churn.rows import KEY, labels_of, require_history, rows_of
from datamart_kedro.pipelines.churn.rules import ChurnRules

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

BASELINE = "recency alone"
LOGISTIC = "logistic regression"
BOOSTING = "gradient boosting"
Training = tuple[Any, Any, dict[str, Any]]
RARE_WORD = 20
"""Rows below which a word is taken together with the other rare ones."""


def train_models(customers: pd.DataFrame, named: Mapping[str, Any], churn: ChurnRules) -> Training:
    """Train models of churn on the oldest cutoffs, and choose one by the cutoffs after them; the test is not looked at.

    Args:
        customers: Customers who can churn, one row per customer_id and cutoff_date.
        named: The features that models may see, under ``features``.
        churn: Rules of churn.

    Returns:
        The chosen model and the baseline, both trained on training and validation together, and what was chosen:
        candidates with their ROC-AUC on validation, features, rows, version.

    Raises:
        TrainingError: There is too little history, or the future leaks into a feature.
    """
    require_history(customers, churn)
    train, valid, both = (rows_of(customers, *splits) for splits in (("train",), ("valid",), ("train", "valid")))
    names = varying(as_numbers_and_words(train, named["features"]))
    features = [feature for feature in named["features"] if feature["name"] in names]
    singles = require_no_leaking_feature(train, valid, features, churn)
    models = candidates(features, churn)
    fitted = {name: fit(model, train, features) for name, model in models.items()}
    found = {name: auc(valid, probabilities(model, valid, features)) for name, model in fitted.items()}
    chosen = max((name for name in found if name != BASELINE), key=lambda name: found[name])
    require_plausible_model(fitted[chosen], found[chosen], valid, features, churn)
    choice = {
        "model_name": chosen.partition(",")[0],
        "candidate": chosen,
        "model_version": model_version(
            both[[*KEY, *names, "churned"]], churn.model_dump(mode="json"), code_version("churn_scores", "")
        ),
        "feature_set_hash": feature_set_hash(features),
        "features": [dict(feature) for feature in features],
        "features_without_variation": [row["name"] for row in named["features"] if row["name"] not in names],
        "single_auc": singles,
        "candidates": [{"candidate": name, "valid_roc_auc": rounded(value)} for name, value in found.items()],
        "horizon_days": churn.horizon_days,
        "rows": {split: described(rows_of(customers, split)) for split in ("train", "valid", "test")},
    }
    return fit(models[chosen], both, features), fit(models[BASELINE], both, features), choice


def candidates(features: Features, churn: ChurnRules) -> dict[str, Any]:
    """Models that are tried, not yet trained, by name."""
    from sklearn.base import clone  # type: ignore[import-untyped]
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    seed = churn.random_state
    logistic = {
        f"{LOGISTIC}, C={c:g}": make_pipeline(clone(on_one_scale(features)), LogisticRegression(C=c, max_iter=5_000))
        for c in churn.logistic_c
    }
    trees = HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **churn.boosting.model_dump())
    return {BASELINE: recency_alone(), **logistic, BOOSTING: make_pipeline(as_they_are(features), trees)}


def on_one_scale(features: Features) -> Any:
    """Make numbers nearly normal, with medians where they are missing and columns that say where; words 0 and 1."""
    from sklearn.compose import ColumnTransformer  # type: ignore[import-untyped]
    from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, PowerTransformer  # type: ignore[import-untyped]

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), PowerTransformer())
    words = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE_WORD)
    return ColumnTransformer([("numbers", numbers, numbers_of(features)), ("words", words, words_of(features))])


def as_they_are(features: Features) -> Any:
    """Numbers as they are, words numbered: trees need no more."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OrdinalEncoder

    words = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([("numbers", "passthrough", numbers_of(features)), ("words", words, words_of(features))])


def recency_alone() -> Any:
    """What everybody knows: who has not bought for long may not come back."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PowerTransformer

    recency = ColumnTransformer([("recency", PowerTransformer(), ["recency_days"])])
    return make_pipeline(recency, LogisticRegression(C=1e6))


def numbers_of(features: Features) -> list[str]:
    """Names of the features that are numbers."""
    return [feature["name"] for feature in features if not is_text(feature)]


def words_of(features: Features) -> list[str]:
    """Names of the features that are words."""
    return [feature["name"] for feature in features if is_text(feature)]


def fit(model: Any, rows: pd.DataFrame, features: Features) -> Any:
    """A model like the one given, trained on some rows."""
    from sklearn.base import clone

    with one_thread():
        return clone(model).fit(inputs(rows, features), labels_of(rows))


def probabilities(model: Any, rows: pd.DataFrame, features: Features) -> Any:
    """How likely each row churns, by a trained model."""
    with one_thread():
        return model.predict_proba(inputs(rows, features))[:, 1]


def inputs(rows: pd.DataFrame, features: Features) -> pd.DataFrame:
    """What a model sees of some rows; the baseline takes recency_days, also if models do not."""
    seen = as_numbers_and_words(rows, features)
    return seen if "recency_days" in seen else seen.assign(recency_days=rows["recency_days"].astype("float64"))


def described(rows: pd.DataFrame) -> dict[str, Any]:
    """How many rows of which cutoffs, and how many of them churned."""
    return {
        "cutoffs": [str(day) for day in sorted(set(rows["cutoff_date"].astype(str)))],
        "rows": len(rows),
        "churned": int(labels_of(rows).sum()),
    }
