"""What published orders promise."""

from __future__ import annotations

from typing import get_args

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.expressions.contract import Contract, Rule, known_to_fail
from datamart_kedro.expressions.joins import join_one
from datamart_kedro.pipelines.orders.columns import KEY
from datamart_kedro.pipelines.orders.rules import FailureReason, KnownStatus, OrderRules

SUMMED = ("gross_amount", "discount_amount", "net_amount", "tax_amount")


def verify_orders(tb_orders: ir.Table, tb_order_items: ir.Table, orders: OrderRules) -> Contract:
    """Hold orders, one row per order_id, against their rules.

    Args:
        tb_orders: Orders as they will be published.
        tb_order_items: Items as they will be published, one row per (order_id, line_number).
        orders: Rules of orders.
    """
    sums = tb_order_items.group_by("order_id").agg(
        items_items_count=_.count(), **{f"items_{name}": tb_order_items[name].sum() for name in SUMMED}
    )
    t = join_one(tb_orders, sums, "order_id", [name for name in sums.columns if name != "order_id"])
    differs = [t[name] != t[f"items_{name}"].fill_null(0) for name in (*SUMMED, "items_count")]
    return Contract(
        table=t,
        key=KEY,
        strictness=orders.contract,
        rules=[
            Rule("order_id and ordered_at are given", t.order_id.isnull() | t.ordered_at.isnull()),
            Rule("status is one of its values", ~t.status.isin([*get_args(KnownStatus), "unknown"])),
            Rule("failure_reason is given for failed orders, and only then", t.is_failed != t.failure_reason.notnull()),
            Rule(
                "failure_reason is one of its values",
                known_to_fail(t.failure_reason.isin(get_args(FailureReason))),
            ),
            Rule("amounts and items_count are those of its items", any_of(differs)),
            Rule("net_amount is gross_amount - discount_amount", t.net_amount != t.gross_amount - t.discount_amount),
            Rule(
                "total_amount is net_amount + tax_amount + shipping_fee",
                t.total_amount != t.net_amount + t.tax_amount + t.shipping_fee,
            ),
            Rule("shipping_fee is not negative", t.shipping_fee < 0),
            Rule("delivered_at is not before ordered_at", known_to_fail(t.delivered_at >= t.ordered_at), "warn"),
            Rule("shipped_at is not before ordered_at", known_to_fail(t.shipped_at >= t.ordered_at), "warn"),
            Rule("estimated_delivery_at is given", t.estimated_delivery_at.isnull()),
        ],
    )


def any_of(conditions: list[ir.BooleanValue]) -> ir.BooleanValue:
    """True where at least one condition holds."""
    first, *others = conditions
    for other in others:
        first |= other
    return first
