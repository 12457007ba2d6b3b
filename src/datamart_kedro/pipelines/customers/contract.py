"""What published customers promise."""

from __future__ import annotations

import ibis.expr.types as ir

from datamart_kedro.expressions.contract import Contract, Reference, Rule, known_to_fail
from datamart_kedro.expressions.joins import join_none, join_one
from datamart_kedro.pipelines.customers.columns import KEY
from datamart_kedro.pipelines.customers.rules import CustomerRules

COUNTRY = "^[A-Z]{2}$"


def verify_customers(
    tb_customers: ir.Table, tmp_customers: ir.Table, tb_orders: ir.Table, customers: CustomerRules
) -> Contract:
    """Hold customers, one row per customer_id, against their rules, and the customers that orders name.

    Args:
        tb_customers: Customers as they will be published.
        tmp_customers: Staged customers, one row per customer_id, deleted ones included.
        tb_orders: Orders as they will be published, one row per order_id.
        customers: Rules of customers.
    """
    sums = tb_orders.group_by("customer_id").agg(
        kept=tb_orders.count(where=~tb_orders.is_failed),
        failed=tb_orders.count(where=tb_orders.is_failed),
        kept_amount=tb_orders.net_amount.sum(where=~tb_orders.is_failed),
    )
    t = join_one(tb_customers, sums, "customer_id", ["kept", "failed", "kept_amount"])
    differs = (
        (t.orders_count != t.kept.fill_null(0))
        | (t.failed_orders_count != t.failed.fill_null(0))
        | (t.net_amount_lifetime != t.kept_amount.fill_null(0))
    )
    named = tb_orders.filter(tb_orders.customer_id.notnull())
    unknown = join_none(named, tmp_customers, "customer_id")
    return Contract(
        table=t,
        key=KEY,
        strictness=customers.contract,
        rules=[
            Rule("customer_id is given", t.customer_id.isnull()),
            Rule("country_code is two capital letters", known_to_fail(t.country_code.re_search(COUNTRY))),
            Rule(
                "email_domain is given for valid addresses, and only then",
                t.is_email_valid.fill_null(False) != t.email_domain.notnull(),
            ),
            Rule("orders_count, failed_orders_count and net_amount_lifetime are those of its orders", differs),
            Rule(
                "a prospect has no order, and only a prospect", (t.customer_type == "prospect") != (t.orders_count == 0)
            ),
            Rule(
                "last_ordered_at is not before first_ordered_at", known_to_fail(t.last_ordered_at >= t.first_ordered_at)
            ),
            Rule(
                "avg_order_amount is given with orders, and only then",
                t.avg_order_amount.isnull() != (t.orders_count == 0),
            ),
        ],
        references=[Reference("customer_id of orders exists in customers", unknown, ("order_id",))],
    )
