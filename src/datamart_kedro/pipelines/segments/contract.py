"""What customer segments promise."""

from __future__ import annotations

import ibis.expr.types as ir

from datamart_kedro.expressions.contract import Contract, Reference, Rule
from datamart_kedro.pipelines.segments.rules import SegmentRules


def verify_customer_segments(
    tb_customer_segments: ir.Table, ft_customers: ir.Table, segments: SegmentRules
) -> Contract:
    """Hold customer segments, one row per customer_id and cutoff_date, against their rules.

    Args:
        tb_customer_segments: The rows as they will be published.
        ft_customers: Customers at cutoffs, one row per customer_id and cutoff_date.
        segments: Rules of segments.
    """
    t = tb_customer_segments
    key = ("customer_id", "cutoff_date")
    buyers = ft_customers.filter(ft_customers.is_buyer)
    return Contract(
        table=t,
        key=key,
        strictness=segments.contract,
        rules=[
            Rule("customer_id and cutoff_date are given", t.customer_id.isnull() | t.cutoff_date.isnull()),
            Rule("segment_id is 1 to max_segments", ~t.segment_id.between(1, segments.max_segments).fill_null(False)),
            Rule("segment_name is given", t.segment_name.isnull()),
            Rule("confidence is 0 to 1", ~t.confidence.between(0, 1).fill_null(False)),
            Rule("the model is named", t.model_version.isnull() | t.feature_set_hash.isnull()),
        ],
        references=[Reference("a segment is of a customer who bought", t.anti_join(buyers, key), key, "error")],
    )
