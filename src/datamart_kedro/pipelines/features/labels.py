"""What customers did after each cutoff."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.control.settlement import Settled
from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT, amount
from datamart_kedro.pipelines.features.catalogue import FT_CUSTOMER_LABELS, in_types
from datamart_kedro.pipelines.features.customers import NO_CUTOFF
from datamart_kedro.pipelines.features.cutoffs import (
    NONE_SETTLED,
    Cutoff,
    Split,
    Window,
    is_observed,
    label_window,
    open_cutoffs,
    splits_at,
)
from datamart_kedro.pipelines.features.rules import FeatureRules


def build_ft_customer_labels(
    gate_ft_customer_labels: Decision,
    ft_customers: ir.Table,
    tb_orders: ir.Table,
    period: Period,
    features: FeatureRules,
    settled: Settled = NONE_SETTLED,
) -> ir.Table:
    """Publish labels: one row per customer_id, cutoff_date and horizon_days, for each row of the features.

    Args:
        gate_ft_customer_labels: What opened the gate.
        ft_customers: Customers at cutoffs, one row per customer_id and cutoff_date.
        tb_orders: Published orders, one row per order_id, as they are known now.
        period: What the mart has seen.
        features: Rules of features.
        settled: Cutoffs whose rows stay as they are published, and are not among those that are made.

    Returns:
        The columns of the catalogue; labels of a window that is not fully observed are NULL.
    """
    cutoffs, splits = open_cutoffs(features, period, settled), splits_at(features, period)
    days = completed_days(tb_orders)
    parts = [
        labels_at(cutoff, horizon, splits.get(cutoff.day), ft_customers, days, period, features)
        for cutoff in cutoffs or (NO_CUTOFF,)
        for horizon in features.horizons
    ]
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return rows if cutoffs else rows.limit(0)


def completed_days(orders: ir.Table) -> ir.Table:
    """One row per customer (`owner_id`) and day, UTC, with orders that did not fail: how many, and their amount."""
    kept = orders.filter(~_.is_failed & _.customer_id.notnull())
    return kept.group_by(owner_id=_.customer_id, day=_.ordered_at.date()).agg(
        orders=_.count(), net_amount=_.net_amount.sum().cast(AMOUNT)
    )


def labels_at(
    cutoff: Cutoff,
    horizon_days: int,
    split: Split | None,
    customers: ir.Table,
    days: ir.Table,
    period: Period,
    features: FeatureRules,
) -> ir.Table:
    """One row per customer of a cutoff: what they did in the window of one horizon."""
    window = label_window(cutoff.day, horizon_days, features)
    looked_at = customers.filter(customers.cutoff_date == ibis.literal(cutoff.day, "date")).select("customer_id")
    seen = is_observed(window, period)
    return in_types(
        FT_CUSTOMER_LABELS,
        with_orders(looked_at, days, window).mutate(
            cutoff_date=ibis.literal(cutoff.day, "date"),
            horizon_days=horizon_days,
            gap_days=features.gap_days,
            label_start=ibis.literal(window.start, "date"),
            label_end=ibis.literal(window.end, "date"),
            is_observed=seen,
            split=ibis.literal(split, "string"),
            churned=only_if(seen, _.first_day.isnull().cast("int64")),
            orders_count=only_if(seen, _.orders.fill_null(0)),
            net_amount=only_if(seen, _.net_amount.fill_null(amount(0))),
            next_order_days=only_if(
                seen, days_between(ibis.literal(window.start, "date"), _.first_day).fill_null(horizon_days)
            ),
            event_observed=only_if(seen, _.first_day.notnull()),
        ),
    )


def with_orders(customers: ir.Table, days: ir.Table, window: Window) -> ir.Table:
    """Add orders, net_amount and first_day of the window, NULL where there is no order; keep every customer."""
    if customers.customer_id.type() != days.owner_id.type():
        days = days.mutate(owner_id=_.owner_id.cast("string"))
    owners = customers.mutate(owner_id=_.customer_id.cast(days.owner_id.type()))
    in_window = days.filter((_.day >= ibis.literal(window.start, "date")) & (_.day < ibis.literal(window.end, "date")))
    sums = in_window.group_by("owner_id").agg(
        orders=_.orders.sum().cast("int64"), net_amount=_.net_amount.sum().cast(AMOUNT), first_day=_.day.min()
    )
    return owners.left_join(sums, "owner_id").select("customer_id", "orders", "net_amount", "first_day")


def only_if(seen: bool, value: ir.Value) -> ir.Value:
    """A value, or NULL."""
    return ibis.ifelse(ibis.literal(seen), value, None)
