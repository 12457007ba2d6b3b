"""What is written to files: the tables as they are, and the inputs of models."""

from __future__ import annotations

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.pipelines.features.rules import FeatureRules

JOINED = ("customer_id", "cutoff_date")


def content_of(table: ir.Table) -> ir.Table:
    """Every row of a published table, without the columns that tell of its versions."""
    return table.select(*(name for name in table.columns if not name.startswith("_")))


def join_labels(ft_customers: ir.Table, ft_customer_labels: ir.Table, features: FeatureRules) -> ir.Table:
    """Features with the labels of one horizon: one row per customer_id and cutoff_date.

    Args:
        ft_customers: Customers at cutoffs.
        ft_customer_labels: What they did from the cutoffs on.
        features: Which horizon.

    Returns:
        All columns of both. Whoever trains takes the rows with is_eligible_churn and a split, and leaves the columns of
        timing ``label`` but one.
    """
    customers = content_of(ft_customers)
    labels = content_of(ft_customer_labels).filter(_.horizon_days == features.model_horizon_days)
    own = [name for name in labels.columns if name not in JOINED]
    return customers.inner_join(labels, JOINED).select(*customers.columns, *own)


def whole_days(ft_sales_daily: ir.Table) -> ir.Table:
    """Daily sales without the days that may not have been whole: one row per unique_id and ds."""
    return content_of(ft_sales_daily).filter(_.is_complete)
