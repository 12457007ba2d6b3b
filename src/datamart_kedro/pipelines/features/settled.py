"""Which cutoffs are settled: nothing that their rows are made of changed since they were published.

What a cutoff that was known then may see ends `arrival_days` after it, whatever is corrected later. One that the
history does not reach back to sees the rows as they are now, and is made again when one from before it changes. Scores
are relative to all buyers of a cutoff, so that one changed customer reopens all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.control.settlement import LastFeatures, Settled
from datamart_kedro.pipelines.features.columns import FT_CUSTOMERS_KEY
from datamart_kedro.pipelines.features.cutoffs import Cutoff, cutoffs_of, is_observed, label_window, splits_at
from datamart_kedro.pipelines.features.knowledge import (
    OF_CUSTOMERS,
    OF_LINES,
    OF_ORDERS,
    at_midnight,
    instant,
    same_id_join,
)
from datamart_kedro.pipelines.features.rules import FeatureRules

MAKES_CUSTOMERS = ("arrival_days", "eligible_within_days")
"""Parameters that change the features of a cutoff; which cutoffs there are is none of them."""
MAKES_LABELS = ("horizons", "gap_days")
NO_DAY = ibis.null("date").name("day").as_table().limit(0)
OF_LABELS = ("order_id", "customer_id", "is_failed", "ordered_at", "net_amount")
"""The columns of orders that labels are made of."""


def find_days_of_customers(
    gate_ft_customers: Decision,
    last: LastFeatures,
    tb_customers: ir.Table,
    tb_orders: ir.Table,
    tb_order_items: ir.Table,
    versions_customers: ir.Table,
    versions_orders: ir.Table,
    versions_order_items: ir.Table,
    period: Period,
    features: FeatureRules,
) -> ir.Table:
    """One row per `day` with an order, or a registration, of which something changed since the last publication.

    No row if that cannot be told, since nothing is settled then, or if all cutoffs were known then, whatever changed.

    Args:
        gate_ft_customers: What opened the gate.
        last: The last publication.
        tb_customers: Published customers: once they are built, their versions are complete.
        tb_orders: Published orders, one row per order_id.
        tb_order_items: Published items, likewise.
        versions_customers: Every version of the rows of customers.
        versions_orders: Every version of the rows of orders.
        versions_order_items: Every version of the rows of items.
        period: What the mart has seen.
        features: Rules of features.
    """
    if all(cutoff.is_known_then for cutoff in cutoffs_of(features, period)) or last.unknown:
        return NO_DAY
    orders = changed(versions_orders, OF_ORDERS, last.started_at)
    lines = changed(versions_order_items, ("line_number", *OF_LINES), last.started_at)
    customers = changed(versions_customers, OF_CUSTOMERS, last.started_at)
    return ibis.union(
        orders.select(day=_.ordered_at.date()),
        same_id_join(tb_orders, lines, "order_id", "semi").select(day=_.ordered_at.date()),
        same_id_join(tb_orders, customers, "customer_id", "semi").select(day=_.ordered_at.date()),
        customers.select(day=_.created_at.date()),
    ).distinct()


def find_days_of_labels(
    gate_ft_customer_labels: Decision, last: LastFeatures, tb_orders: ir.Table, versions_orders: ir.Table
) -> ir.Table:
    """One row per `day` with an order of which something changed that labels are made of.

    Args:
        gate_ft_customer_labels: What opened the gate.
        last: The last publication of the labels.
        tb_orders: Published orders: once they are built, their versions are complete.
        versions_orders: Every version of their rows.
    """
    if last.unknown:
        return NO_DAY
    return changed(versions_orders, OF_LABELS, last.started_at).select(day=_.ordered_at.date()).distinct()


def find_cutoffs_of_labels(last: LastFeatures, ft_customers: ir.Table, versions_ft_customers: ir.Table) -> ir.Table:
    """One row per `day` of a cutoff that has other customers than when its labels were published.

    Args:
        last: The last publication of the labels.
        ft_customers: Customers at cutoffs: once they are built, their versions are complete.
        versions_ft_customers: Every version of their rows.
    """
    if last.unknown:
        return NO_DAY
    return changed(versions_ft_customers, FT_CUSTOMERS_KEY, last.started_at).select(day=_.cutoff_date).distinct()


def changed(ever: ir.Table, columns: Sequence[str], since: datetime) -> ir.Table:
    """The values of columns in rows that held at an instant and do not now, or the reverse: one row for each.

    Args:
        ever: Every version of the rows of a table.
        columns: Its key, and what is looked at.
        since: The instant; versions that began at it held.
    """
    held = (_._valid_from <= instant(since)) & (_._valid_to.isnull() | (_._valid_to > instant(since)))
    told = ever.mutate(was=held, now=_._valid_to.isnull()).filter(_.was != _.now)
    counted = told.group_by(*columns).agg(more=(_.now.cast("int64") - _.was.cast("int64")).sum())
    return counted.filter(counted.more != 0).select(*columns)


def settle_customers(
    last: LastFeatures, changed_days: Collection[date], period: Period, features: FeatureRules
) -> Settled:
    """Which cutoffs of `ft_customers` stay as they are published.

    Args:
        last: Their last publication; its marks are cutoff_date and basis.
        changed_days: See `find_days_of_customers`.
        period: What the mart has seen.
        features: Rules of features.
    """
    earliest = min(changed_days, default=date.max)

    def is_settled(cutoff: Cutoff) -> bool:
        if (cutoff.day, cutoff.basis) not in last.marks:
            return False
        if cutoff.is_known_then:
            return last.started_at >= at_midnight(cutoff) + timedelta(days=features.arrival_days)
        return cutoff.day <= earliest

    return _settled(last, MAKES_CUSTOMERS, is_settled, period, features)


def settle_labels(
    last: LastFeatures,
    changed_days: Collection[date],
    changed_cutoffs: Collection[date],
    period: Period,
    features: FeatureRules,
) -> Settled:
    """Which cutoffs of `ft_customer_labels` stay as they are published.

    Args:
        last: Their last publication; its marks are cutoff_date, horizon_days, is_observed and split.
        changed_days: See `find_days_of_labels`.
        changed_cutoffs: See `find_cutoffs_of_labels`.
        period: What the mart has seen.
        features: Rules of features.
    """
    splits = splits_at(features, period)

    def is_settled(cutoff: Cutoff) -> bool:
        windows = {horizon: label_window(cutoff.day, horizon, features) for horizon in features.horizons}
        observed = {horizon: is_observed(window, period) for horizon, window in windows.items()}
        asked = {(cutoff.day, horizon, is_seen, splits[cutoff.day]) for horizon, is_seen in observed.items()}
        return (
            cutoff.day not in changed_cutoffs
            and {mark for mark in last.marks if mark[0] == cutoff.day} == asked
            and not any(
                observed[horizon] and window.start <= day < window.end
                for horizon, window in windows.items()
                for day in changed_days
            )
        )

    return _settled(last, MAKES_LABELS, is_settled, period, features)


def _settled(
    last: LastFeatures,
    parameters: Sequence[str],
    is_settled: Callable[[Cutoff], bool],
    period: Period,
    features: FeatureRules,
) -> Settled:
    """The settled ones among the cutoffs; none where it cannot be told, or other parameters made them."""
    cutoffs = cutoffs_of(features, period)
    reason = last.unknown or _other_parameters(last.parameters, features, parameters)
    if reason:
        return Settled(reason=reason)
    days = frozenset(cutoff.day for cutoff in cutoffs if is_settled(cutoff))
    return Settled(days, f"{len(days)} of {len(cutoffs)} cutoffs are settled")


def _other_parameters(before: Mapping[str, Any], features: FeatureRules, names: Sequence[str]) -> str:
    """Which of the parameters that make a table changed, in words; empty if none did."""
    given = features.model_dump(mode="json")
    found = [f"features.{name}" for name in names if before.get("features", {}).get(name) != given[name]]
    return f"its parameters changed: {', '.join(found)}" if found else ""
