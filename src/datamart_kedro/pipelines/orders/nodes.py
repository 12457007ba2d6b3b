"""Orders: stage what the shop delivers, build what is published."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.calendar import add_business_days, days_between, local_day, midnight
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.joins import join_one
from datamart_kedro.expressions.lookups import first_match, look_up, with_country_code
from datamart_kedro.expressions.money import AMOUNT, MAX_LINE_AMOUNT, amount, to_amount
from datamart_kedro.expressions.stage import Staged, stage
from datamart_kedro.expressions.text import comparable, comparable_key
from datamart_kedro.pipelines.orders.columns import KEY, SOURCE, TABLE
from datamart_kedro.pipelines.orders.rules import DeliveryTimes, OrderRules, ShippingFees

AMOUNTS = ("gross_amount", "discount_amount", "net_amount", "tax_amount")


def stage_orders(source_orders: ir.Table, gate_orders: Decision, orders: OrderRules, formats: Formats) -> Staged:
    """Stage orders: one row per order_id, with status, failure reason and country normalised.

    Args:
        source_orders: Orders as the shop delivers them.
        gate_orders: What opened the gate.
        orders: Rules of orders.
        formats: How the shop writes dates, missing values and countries.
    """
    return stage(
        source_orders,
        SOURCE,
        KEY,
        formats,
        rules={
            "shipping_fee is negative": lambda row: row.shipping_fee < 0,
            f"shipping_fee is not below {MAX_LINE_AMOUNT}": lambda row: row.shipping_fee >= MAX_LINE_AMOUNT,
        },
        normalise=partial(normalise_orders, rules=orders, formats=formats),
        corrections=orders.corrections,
    )


def normalise_orders(staged: ir.Table, rules: OrderRules, formats: Formats) -> ir.Table:
    """Say in our words what the shop says in its own: status, failure reason, currency, country; NULL if unknown."""
    orders = staged.rename(source_status="status", source_failure_reason="failure_reason")
    stated_reason = orders.source_failure_reason.coalesce(orders.payment_status)
    return orders.mutate(
        status=look_up(orders.source_status, rules.status_map),
        failure_reason=look_up(stated_reason, rules.failure_map),
        currency=orders.currency.upper().fill_null(rules.default_currency),
    ).pipe(with_country_code, "ship_country", "ship_country_code", formats.country_names)


def build_orders(tmp_orders: ir.Table, tb_order_items: ir.Table, orders: OrderRules, formats: Formats) -> ir.Table:
    """Publish orders: one row per order_id that the shop did not delete, with totals taken from its items.

    Args:
        tmp_orders: Staged orders, one row per order_id.
        tb_order_items: Published items, one row per (order_id, line_number).
        orders: Rules of orders.
        formats: In which time zone days begin.

    Returns:
        The columns of `TABLE`. An order without items has totals of 0, never NULL.
    """
    return (
        tmp_orders.filter(_.deleted_at.isnull())
        .pipe(add_totals, tb_order_items)
        .pipe(add_failure, orders)
        .pipe(add_shipping_fee, orders.shipping)
        .pipe(add_delivery_estimate, orders.delivery, formats.time_zone)
        .pipe(add_delivery, formats.time_zone)
        .mutate(total_amount=(_.net_amount + _.tax_amount + _.shipping_fee).cast(AMOUNT))
        .select(*TABLE.columns)
    )


def add_totals(orders: ir.Table, items: ir.Table) -> ir.Table:
    """Add counts and amounts of each order's items, 0 without, and the sum of their shipping fees, NULL without."""
    totals = items.group_by("order_id").agg(
        items_count=_.count(),
        units_count=_.quantity.sum().cast("decimal(18, 3)"),
        items_shipping_fee=_.shipping_fee.sum().cast(AMOUNT),
        **{name: items[name].sum().cast(AMOUNT) for name in AMOUNTS},
    )
    counted = join_one(orders, totals, "order_id", [name for name in totals.columns if name != "order_id"])
    return counted.fill_null(dict.fromkeys(("items_count", "units_count", *AMOUNTS), 0))


def add_failure(orders: ir.Table, rules: OrderRules) -> ir.Table:
    """Settle the status, add is_failed, and keep a failure reason for failed orders only."""
    status = orders.status.fill_null("unknown")
    is_failed = status.isin(rules.failed_statuses)
    reason = is_failed.ifelse(orders.failure_reason.fill_null("other"), None)
    return orders.mutate(status=status, is_failed=is_failed, failure_reason=reason)


def add_shipping_fee(orders: ir.Table, fees: ShippingFees) -> ir.Table:
    """Settle the shipping fee: the order's own, the sum of its items', or the rule's."""
    stated, from_items = to_amount(orders.shipping_fee), orders.items_shipping_fee
    source = ibis.cases((stated.notnull(), "source"), (from_items.notnull(), "items"), else_="rule")
    return orders.mutate(
        shipping_fee=ibis.coalesce(stated, from_items, fee_by_rule(orders, fees)), shipping_fee_source=source
    )


def fee_by_rule(orders: ir.Table, fees: ShippingFees) -> ir.DecimalValue:
    """The rule's fee: none where nothing is sent nor from the free amount, else by country, else flat."""
    branches = [(orders.is_failed | (orders.units_count <= 0), amount(0))]
    if fees.free_from is not None:
        branches.append((orders.net_amount >= amount(fees.free_from), amount(0)))
    branches += [(orders.ship_country_code == country, amount(fee)) for country, fee in fees.by_country.items()]
    return first_match(branches, amount(fees.flat))


def add_delivery_estimate(orders: ir.Table, times: DeliveryTimes, time_zone: str) -> ir.Table:
    """Add estimated_delivery_at, the shop's promise or else the rule's day, and which of the two it is."""
    due = add_business_days(local_day(orders.ordered_at, time_zone), business_days(orders, times))
    return orders.mutate(
        estimated_delivery_at=orders.promised_at.coalesce(midnight(due, time_zone)),
        delivery_estimate_source=orders.promised_at.notnull().ifelse("source", "rule"),
    )


def add_delivery(orders: ir.Table, time_zone: str) -> ir.Table:
    """Add delivery_days and is_late; an order that left after the day it was due is late before it arrives."""
    ordered, shipped, delivered, due = (
        local_day(at, time_zone)
        for at in (orders.ordered_at, orders.shipped_at, orders.delivered_at, orders.estimated_delivery_at)
    )
    return orders.mutate(
        delivery_days=days_between(ordered, delivered),
        is_late=ibis.cases((delivered.notnull(), delivered > due), (shipped > due, True)),
    )


def business_days(orders: ir.Table, times: DeliveryTimes) -> ir.IntegerValue:
    """How many business days a delivery takes: by method, else by country, else the general rule."""
    method = comparable(orders.shipping_method)
    known = [(method == comparable_key(name), days(count)) for name, count in times.by_method.items()]
    known += [(orders.ship_country_code == country, days(count)) for country, count in times.by_country.items()]
    return first_match(known, days(times.business_days))


def days(count: int) -> ir.IntegerScalar:
    """A constant number of days."""
    return ibis.literal(count, "int64")
