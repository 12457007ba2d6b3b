"""Which customers are put into segments, and by what."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import ParameterError
from datamart_kedro.models.features import features_of, is_text
from datamart_kedro.pipelines.segments.rules import SegmentRules


def choose_buyers(gate_customer_segments: Decision, ft_customers: ir.Table, segments: SegmentRules) -> ir.Table:
    """Customers who had bought before the newest cutoff: one row per customer_id and cutoff_date.

    Args:
        gate_customer_segments: What opened the gate.
        ft_customers: Customers at cutoffs.
        segments: By which features they are alike.

    Raises:
        ParameterError: There is no such feature.
    """
    require_columns(ft_customers, segments)
    newest = ft_customers.cutoff_date.max().as_scalar()
    return ft_customers.filter((_.cutoff_date == newest) & _.is_buyer).select(
        "customer_id", "cutoff_date", *segments.features
    )


def name_features(ft_catalogue: ir.Table, segments: SegmentRules) -> dict[str, Any]:
    """The features by which customers are alike: rows of the catalogue under ``features``, in the order of the rules.

    Args:
        ft_catalogue: One row per table_name and name.
        segments: Which they are.

    Raises:
        ParameterError: One of them is not a number that is known at the cutoff.
    """
    known = {row["name"]: row for row in features_of(ft_catalogue, (), "segments.features") if not is_text(row)}
    unfit = sorted(set(segments.features) - set(known))
    if unfit:
        raise ParameterError(
            f"segments.features: {', '.join(unfit)} is no number that is known at the cutoff.",
            f"Such are {', '.join(known)}.",
        )
    return {"features": [known[name] for name in segments.features]}


def require_columns(ft_customers: ir.Table, segments: SegmentRules) -> None:
    """Refuse features that customers do not have.

    Raises:
        ParameterError: Naming them.
    """
    unknown = sorted(set(segments.features) - set(ft_customers.columns))
    if unknown:
        raise ParameterError(
            f"segments.features: ft_customers has no column {', '.join(unknown)}.",
            "Its columns are listed in ft_catalogue.",
        )
