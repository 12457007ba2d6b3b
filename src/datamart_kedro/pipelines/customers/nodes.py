"""Customers: stage what the shop delivers, build what is published."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.calendar import local_month
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.joins import join_one
from datamart_kedro.expressions.lookups import with_country_code
from datamart_kedro.expressions.money import AMOUNT, divide
from datamart_kedro.expressions.stage import Staged, stage
from datamart_kedro.pipelines.customers.columns import KEY, SOURCE, TABLE
from datamart_kedro.pipelines.customers.rules import CustomerRules

EMAIL = r"^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
"""The addresses that HTML forms take (WHATWG), with a top-level domain."""


def stage_customers(
    source_customers: ir.Table, gate_customers: Decision, customers: CustomerRules, formats: Formats
) -> Staged:
    """Stage customers: one row per customer_id, with name, e-mail, status and country normalised.

    Args:
        source_customers: Customers as the shop delivers them.
        gate_customers: What opened the gate.
        customers: Rules of customers.
        formats: How the shop writes dates, missing values and countries.
    """
    return stage(
        source_customers,
        SOURCE,
        KEY,
        formats,
        rules={},
        normalise=partial(normalise_customers, formats=formats),
        corrections=customers.corrections,
    )


def normalise_customers(staged: ir.Table, formats: Formats) -> ir.Table:
    """Write names, e-mail addresses, statuses and countries in one way; values are not mended."""
    parts = ibis.literal(" ").join([staged.first_name.fill_null(""), staged.last_name.fill_null("")]).strip()
    return staged.mutate(
        full_name=staged.full_name.coalesce(parts.nullif("")),
        email=staged.email.lower(),
        status=staged.status.lower(),
    ).pipe(with_country_code, "country", "country_code", formats.country_names)


def build_customers(
    tmp_customers: ir.Table, tb_orders: ir.Table, customers: CustomerRules, formats: Formats
) -> ir.Table:
    """Publish customers: one row per customer_id that the shop did not delete, with what they ordered.

    Args:
        tmp_customers: Staged customers, one row per customer_id.
        tb_orders: Published orders, one row per order_id.
        customers: Rules of customers.
        formats: In which time zone months begin.

    Returns:
        The columns of `TABLE`. A customer without orders has counts and amounts of 0, and no average.
    """
    return (
        tmp_customers.filter(_.deleted_at.isnull())
        .pipe(add_contact)
        .pipe(add_signup_month, formats.time_zone)
        .pipe(add_orders, tb_orders)
        .pipe(add_customer_type, customers)
        .select(*TABLE.columns)
    )


def add_contact(customers: ir.Table) -> ir.Table:
    """Add is_company, is_email_valid and email_domain."""
    is_valid = customers.email.re_search(EMAIL)
    return customers.mutate(
        is_company=customers.company.notnull(),
        is_email_valid=is_valid,
        email_domain=is_valid.ifelse(customers.email.re_extract(r"@(.+)$", 1), None),
    )


def add_signup_month(customers: ir.Table, time_zone: str) -> ir.Table:
    """Add signup_month: the first day of the month in which the customer came."""
    return customers.mutate(signup_month=local_month(customers.created_at, time_zone))


def add_orders(customers: ir.Table, orders: ir.Table) -> ir.Table:
    """Add counts, first and last instants and amounts of each customer's orders; 0 without orders."""
    kept = ~orders.is_failed
    bought = orders.group_by("customer_id").agg(
        orders_count=orders.count(where=kept),
        failed_orders_count=orders.count(where=orders.is_failed),
        first_ordered_at=orders.ordered_at.min(where=kept),
        last_ordered_at=orders.ordered_at.max(where=kept),
        net_amount_lifetime=orders.net_amount.sum(where=kept).cast(AMOUNT),
    )
    added = [name for name in bought.columns if name != "customer_id"]
    counted = join_one(customers, bought, "customer_id", added).fill_null(
        {"orders_count": 0, "failed_orders_count": 0, "net_amount_lifetime": 0}
    )
    return counted.mutate(
        avg_order_amount=divide(counted.net_amount_lifetime, counted.orders_count.cast("decimal(18, 0)"), scale=2)
    )


def add_customer_type(customers: ir.Table, rules: CustomerRules) -> ir.Table:
    """Add customer_type: prospect, new or returning, by the number of orders that did not fail."""
    count = customers.orders_count
    kinds = ibis.cases((count == 0, "prospect"), (count < rules.returning_from, "new"), else_="returning")
    return customers.mutate(customer_type=kinds)
