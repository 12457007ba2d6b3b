"""What was found among the customers, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datamart_kedro.models.card import write_card
from datamart_kedro.pipelines.segments.rules import SegmentRules


def describe_segments(metrics: Mapping[str, Any], segments: SegmentRules) -> str:
    """The model card, written from what the run found.

    Args:
        metrics: What was found.
        segments: Rules of segments.
    """
    chosen = next(row for row in metrics["tried"] if row["segments"] == metrics["chosen"])
    return write_card(
        f"Segments of customers at {metrics['cutoff_date']}: {metrics['model_name']}, version"
        f" {metrics['model_version']}",
        {
            "What it is for": (
                "It groups customers who bought in like ways, to see who they are and to speak to each group in its own"
                " way. A segment is a description of the past, not a forecast, and not a judgement on a person."
            ),
            "Segments": [
                {
                    "segment": row["segment_id"],
                    "name": row["segment_name"],
                    "customers": row["customers"],
                    "share": row["share"],
                    **{f"median {name}": row["medians"][name] for name in segments.features},
                }
                for row in metrics["segments"]
            ],
            "How they are named": "; ".join(
                f"{name}: {low!r} up to the median of all customers, {high!r} above"
                for name, (low, high) in segments.features.items()
            )
            + ". Segments of one name are numbered. They stand in the order of the median of the last feature.",
            "How their number was chosen": (
                f"Of those whose stability is {segments.min_stability:g} or more and whose smallest segment has"
                f" {segments.min_share:.0%} of the customers or more, {chosen['segments']} has the best silhouette."
                " Silhouette alone prefers a few outliers against all others."
            ),
            "Numbers tried": metrics["tried"],
            "What it sees": {
                "customers": metrics["customers"],
                "features": ", ".join(row["name"] for row in metrics["features"]),
                "feature_set_hash": metrics["feature_set_hash"],
            },
            "Limits": (
                "Borders between segments are drawn through a cloud, not between islands: look at confidence before a"
                " customer is taken for typical. Customers who never bought are in no segment."
            ),
            "Trained with": {"random_state": segments.random_state, "resamples": segments.resamples},
        },
    )
