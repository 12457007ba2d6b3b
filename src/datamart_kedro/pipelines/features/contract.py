"""What feature tables promise."""

from __future__ import annotations

from itertools import pairwise

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.expressions.contract import Contract, Reference, Rule, known_to_fail
from datamart_kedro.pipelines.features.catalogue import WINDOWS
from datamart_kedro.pipelines.features.rules import FeatureRules

NESTED = ("orders", "purchase_days", "cancelled_orders", "returned_orders", "failed_orders", "late_deliveries")
"""What a longer window cannot have less of."""


def verify_ft_customers(ft_customers: ir.Table, features: FeatureRules) -> Contract:
    """Hold customers at cutoffs, one row per customer_id and cutoff_date, against their rules.

    Args:
        ft_customers: The rows as they will be published.
        features: Rules of features.
    """
    t = ft_customers
    spans = [*(f"{days}d" for days in WINDOWS), "life"]
    shrinks = [t[f"{name}_{short}"] > t[f"{name}_{long}"] for name in NESTED for short, long in pairwise(spans)]
    buyers = [t.btyd_frequency, t.recency_days, t.max_order_amount, t.rfm_r, t.rfm_segment]
    return Contract(
        table=t,
        key=("customer_id", "cutoff_date"),
        strictness=features.contract,
        rules=[
            Rule("customer_id and cutoff_date are given", t.customer_id.isnull() | t.cutoff_date.isnull()),
            Rule("a longer window has no less than a shorter one", any_of(shrinks)),
            Rule("a buyer has orders, and only a buyer", t.is_buyer != (t.orders_life > 0)),
            Rule(
                "what only buyers have is given for them, and only for them",
                any_of([t.is_buyer != value.notnull() for value in buyers]),
            ),
            Rule("recency_days is 1 or more", known_to_fail(t.recency_days >= 1)),
            Rule("btyd_recency_days is not above btyd_age_days", known_to_fail(t.btyd_recency_days <= t.btyd_age_days)),
            Rule(
                "gaps are given from two purchase days on, and only then",
                t.gap_mean_days.notnull() != (t.purchase_days_life > 1),
            ),
            Rule("rfm scores are 1 to 5", known_to_fail(t.rfm_r.between(1, 5) & t.rfm_f.between(1, 5))),
        ],
    )


def verify_ft_customer_labels(ft_customer_labels: ir.Table, ft_customers: ir.Table, features: FeatureRules) -> Contract:
    """Hold labels, one row per customer_id, cutoff_date and horizon_days, against their rules.

    Args:
        ft_customer_labels: The rows as they will be published.
        ft_customers: Customers at cutoffs, one row per customer_id and cutoff_date.
        features: Rules of features.
    """
    t = ft_customer_labels
    labels = [t.churned, t.orders_count, t.net_amount, t.next_order_days, t.event_observed]
    without = t.anti_join(ft_customers, ["customer_id", "cutoff_date"])
    return Contract(
        table=t,
        key=("customer_id", "cutoff_date", "horizon_days"),
        strictness=features.contract,
        rules=[
            Rule(
                "labels are given for observed windows, and only for them",
                any_of([t.is_observed != value.notnull() for value in labels]),
            ),
            Rule("churned is 1 without orders, else 0", known_to_fail((t.churned == 1) == (t.orders_count == 0))),
            Rule(
                "next_order_days lies within the horizon", known_to_fail(t.next_order_days.between(0, t.horizon_days))
            ),
        ],
        references=[
            Reference("a label has features", without, ("customer_id", "cutoff_date", "horizon_days"), "error")
        ],
    )


def verify_ft_sales_daily(ft_sales_daily: ir.Table, features: FeatureRules) -> Contract:
    """Hold daily sales, one row per unique_id and ds, against their rules.

    Args:
        ft_sales_daily: The rows as they will be published.
        features: Rules of features.
    """
    t = ft_sales_daily
    parents = t.filter(t.unique_id.isin(t.select("parent_id").distinct().parent_id))
    sums = t.group_by(unique_id=t.parent_id, ds=t.ds).agg(units=_.y_units.sum(), net_amount=_.y_net_amount.sum())
    both = parents.left_join(sums, ["unique_id", "ds"])
    differs = (both.y_units != both.units.fill_null(0)) | (both.y_net_amount != both.net_amount.fill_null(0))
    return Contract(
        table=t,
        key=("unique_id", "ds"),
        strictness=features.contract,
        rules=[
            Rule("unique_id and ds are given", t.unique_id.isnull() | t.ds.isnull()),
            Rule("age_days is not negative", t.age_days < 0),
        ],
        references=[
            Reference("series sum to the one that they are part of", both.filter(differs), ("unique_id", "ds"), "error")
        ],
    )


def verify_ft_catalogue(ft_catalogue: ir.Table, features: FeatureRules) -> Contract:
    """Hold the catalogue, one row per table_name and name, against its rules.

    Args:
        ft_catalogue: The rows as they will be published.
        features: Rules of features.
    """
    t = ft_catalogue
    return Contract(
        table=t,
        key=("table_name", "name"),
        strictness=features.contract,
        rules=[Rule("definition is given", t.definition.isnull())],
    )


def any_of(conditions: list[ir.BooleanValue]) -> ir.BooleanValue:
    """True where at least one condition holds."""
    first, *others = conditions
    for other in others:
        first |= other
    return first
