"""The rules of segments: the parameters below ``segments``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from datamart_kedro.expressions.contract import ContractRules
from datamart_kedro.expressions.formats import Rules

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=2, le=50)]
Word = Annotated[str, Field(min_length=1, max_length=40)]
RFM: Mapping[str, tuple[str, str]] = {
    "recency_days": ("recent", "lapsed"),
    "purchase_days_365d": ("rare", "frequent"),
    "net_amount_365d": ("low value", "high value"),
}


class SegmentContractRules(ContractRules):
    """How strict the contract of the segments is; those of older cutoffs leave as those of a new one come."""

    max_lost_share: Share = 1.0


class SegmentRules(Rules):
    """Rules of segments.

    Attributes:
        features: Numbers by which customers are alike, each with the word for a segment whose median is at most that
            of all customers, and the word for one above. The last feature orders the segments.
        min_segments: The fewest segments that are tried.
        max_segments: The most.
        min_stability: Mean adjusted Rand index between the segments of all customers and those of samples of them.
        min_share: Of the customers, in the smallest segment.
        min_customers: So many customers are needed at least.
        resamples: Samples, drawn with replacement, by which stability is measured.
        silhouette_rows: Customers on whom the silhouette is measured, at most.
        random_state: Of all that is drawn by chance.
        contract: How strict the contract of the segments is.
    """

    features: Annotated[Mapping[str, tuple[Word, Word]], Field(min_length=1)] = RFM
    min_segments: Count = 3
    max_segments: Count = 8
    min_stability: Share = 0.85
    min_share: Share = 0.05
    min_customers: Annotated[int, Field(ge=10)] = 100
    resamples: Annotated[int, Field(ge=2, le=1_000)] = 20
    silhouette_rows: Annotated[int, Field(ge=100)] = 5_000
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 8
    contract: SegmentContractRules = SegmentContractRules()

    @model_validator(mode="after")
    def _has_range(self) -> SegmentRules:
        if self.min_segments > self.max_segments:
            raise ValueError(f"min_segments is {self.min_segments}, above max_segments, {self.max_segments}")
        return self
