"""How customers are put into segments, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from datamart_kedro.control.code_version import code_version
from datamart_kedro.errors import TrainingError
from datamart_kedro.models.features import as_numbers_and_words, varying
from datamart_kedro.models.threads import one_thread
from datamart_kedro.models.version import feature_set_hash, model_version
from datamart_kedro.pipelines.segments.profile import name_of, profiles
from datamart_kedro.pipelines.segments.rules import SegmentRules

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd  # type: ignore[import-untyped]

MODEL = "k-means"
STARTS = 10
DIGITS = 6
"""Of published figures: the last bits of a float are not the same on all machines."""
Clustering = tuple[Any, dict[str, Any]]


def find_segments(buyers: pd.DataFrame, named: Mapping[str, Any], segments: SegmentRules) -> Clustering:
    """Put customers into segments that come out again when other customers of the same kind are looked at.

    Args:
        buyers: One row per customer_id, in any order.
        named: The features by which they are alike, under ``features``.
        segments: Rules of segments.

    Returns:
        The trained model, whose clusters are in the order of the segments, and what was found: numbers of segments
        that were tried, the chosen one, and each segment with its name, size and medians.

    Raises:
        TrainingError: Customers are too few, or no number of segments is stable.
    """
    rows = in_order(buyers)
    require_customers(rows, segments)
    values = as_numbers_and_words(rows, named["features"])
    names = varying(values)
    if not names:
        raise TrainingError(
            f"segments: all {len(rows):,} customers are alike in {', '.join(values.columns)}.",
            "Name other features in segments.features.",
        )
    features = [feature for feature in named["features"] if feature["name"] in names]
    seen = values[names]
    tried = [attempt(seen, count, segments) for count in range(segments.min_segments, segments.max_segments + 1)]
    chosen = choose(tried, segments)
    model = ordered(fitted(seen, chosen, segments), seen)
    found = profiles(values, model.predict(seen) + 1, segments)
    return model, {
        "model_name": MODEL,
        "model_version": model_version(
            rows[["customer_id", "cutoff_date", *names]],
            segments.model_dump(mode="json"),
            code_version("customer_segments", ""),
        ),
        "feature_set_hash": feature_set_hash(features),
        "features": features,
        "segments": [{**row, "segment_name": name} for row, name in zip(found, name_of(found, segments), strict=True)],
        "chosen": chosen,
        "tried": tried,
        "customers": len(rows),
        "cutoff_date": str(rows["cutoff_date"].iloc[0])[:10],
    }


def in_order(buyers: pd.DataFrame) -> pd.DataFrame:
    """Customers by id: what is drawn by chance falls on the same ones, however the rows come."""
    return buyers.sort_values(["cutoff_date", "customer_id"], ignore_index=True)


def require_customers(rows: pd.DataFrame, segments: SegmentRules) -> None:
    """Refuse to find segments among too few.

    Raises:
        TrainingError: Saying how many there are.
    """
    if len(rows) < segments.min_customers:
        raise TrainingError(
            f"segments: {len(rows):,} customer{'' if len(rows) == 1 else 's'} had bought before the newest cutoff, and"
            f" {segments.min_customers:,} are needed.",
            "Wait for more, take a later cutoff, or lower segments.min_customers. Other pipelines run by themselves,"
            " such as `kedro run --pipelines=churn`.",
        )


def attempt(values: pd.DataFrame, count: int, segments: SegmentRules) -> dict[str, Any]:
    """How well customers fall into a number of segments.

    Returns:
        - stability: mean adjusted Rand index between these segments and those of samples with replacement: 1 if the
          same come out, 0 if they are as like as by chance.
        - silhouette: -1 to 1; how much nearer customers are to their own segment than to the next.
        - smallest_share: of the customers.
        - is_fit: are stability and smallest_share as they must be?
    """
    import numpy as np
    from sklearn.metrics import adjusted_rand_score, silhouette_score  # type: ignore[import-untyped]

    draws = np.random.default_rng(segments.random_state)
    with one_thread():
        model = fitted(values, count, segments)
        own = model.predict(values)
        alike = [
            adjusted_rand_score(own, fitted(values.iloc[drawn], count, segments).predict(values))
            for drawn in draws.integers(0, len(values), (segments.resamples, len(values)))
        ]
        silhouette = (
            silhouette_score(
                model[:-1].transform(values),
                own,
                sample_size=min(len(values), segments.silhouette_rows),
                random_state=segments.random_state,
            )
            if len(set(own)) > 1
            else 0.0
        )
    stability = round(float(np.mean(alike)), DIGITS)
    share = round(float(np.bincount(own, minlength=count).min() / len(values)), DIGITS)
    return {
        "segments": count,
        "stability": stability,
        "silhouette": round(float(silhouette), DIGITS),
        "smallest_share": share,
        "is_fit": stability >= segments.min_stability and share >= segments.min_share,
    }


def choose(tried: Sequence[Mapping[str, Any]], segments: SegmentRules) -> int:
    """The number of segments with the best silhouette among those that are stable and not too small.

    Raises:
        TrainingError: There is none.
    """
    fit = [row for row in tried if row["is_fit"]]
    if fit:
        return int(max(fit, key=lambda row: (row["silhouette"], -row["segments"]))["segments"])
    best = max(tried, key=lambda row: row["stability"])
    raise TrainingError(
        f"segments: no number from {segments.min_segments} to {segments.max_segments} gives segments that last. The"
        f" most stable, {best['segments']}, has a stability of {best['stability']:.2f}, and"
        f" {segments.min_stability:g} is needed; its smallest segment has {best['smallest_share']:.1%} of the"
        f" customers, and {segments.min_share:.0%} is needed.",
        "Name other features in segments.features, or lower segments.min_stability or segments.min_share.",
    )


def fitted(values: pd.DataFrame, count: int, segments: SegmentRules) -> Any:
    """A number of clusters of customers: features made nearly normal, on one scale, then k-means."""
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from sklearn.impute import SimpleImputer  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
    from sklearn.preprocessing import PowerTransformer  # type: ignore[import-untyped]

    steps = SimpleImputer(strategy="median", keep_empty_features=True), PowerTransformer()
    with one_thread():
        return make_pipeline(*steps, KMeans(count, n_init=STARTS, random_state=segments.random_state)).fit(values)


def ordered(model: Any, values: pd.DataFrame) -> Any:
    """The same model with its clusters in the order of the segments: the largest median of the last feature first.

    Those that are equal in it are told apart by the features before it.
    """
    from sklearn.base import clone  # type: ignore[import-untyped]

    medians = values.groupby(model.predict(values)).median()
    order = list(medians.sort_values(list(reversed(values.columns)), ascending=False).index)
    kmeans = model[-1]
    result = clone(model)
    result.steps = [*model.steps[:-1], (model.steps[-1][0], _with_centres(kmeans, order))]
    return result


def _with_centres(kmeans: Any, order: Sequence[int]) -> Any:
    from copy import deepcopy

    import numpy as np

    result = deepcopy(kmeans)
    result.cluster_centers_ = np.ascontiguousarray(kmeans.cluster_centers_[list(order)])
    result.labels_ = np.argsort(order)[kmeans.labels_].astype(kmeans.labels_.dtype)
    return result


def distances(model: Any, values: pd.DataFrame) -> np.ndarray:
    """Distance of each customer to each centre, on the scale of the transformed features."""
    import numpy as np

    with one_thread():
        return np.asarray(model.transform(values))
