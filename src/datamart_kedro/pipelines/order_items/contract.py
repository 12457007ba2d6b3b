"""What published order items promise."""

from __future__ import annotations

import ibis.expr.types as ir

from datamart_kedro.expressions.contract import Contract, Reference, Rule, known_to_fail
from datamart_kedro.expressions.joins import join_none
from datamart_kedro.expressions.money import to_amount
from datamart_kedro.pipelines.order_items.columns import KEY
from datamart_kedro.pipelines.order_items.rules import OrderItemRules


def verify_order_items(tb_order_items: ir.Table, tb_products: ir.Table, order_items: OrderItemRules) -> Contract:
    """Hold order items, one row per (order_id, line_number), against their rules.

    Args:
        tb_order_items: Lines as they will be published.
        tb_products: Published products, one row per product_id.
        order_items: Rules of order items.
    """
    t = tb_order_items
    sold = t.filter(t.product_id.notnull())
    return Contract(
        table=t,
        key=KEY,
        strictness=order_items.contract,
        rules=[
            Rule("order_id and line_number are given", t.order_id.isnull() | t.line_number.isnull()),
            Rule("quantity is not zero", t.quantity == 0),
            Rule("unit_price is not negative", t.unit_price < 0),
            Rule("gross_amount is quantity x unit_price", t.gross_amount != to_amount(t.quantity * t.unit_price)),
            Rule("net_amount is gross_amount - discount_amount", t.net_amount != t.gross_amount - t.discount_amount),
            Rule("total_amount is net_amount + tax_amount", t.total_amount != t.net_amount + t.tax_amount),
            Rule("is_return is told by the sign of quantity", t.is_return != (t.quantity < 0)),
            Rule("discount_rate is not negative", known_to_fail(t.discount_rate >= 0)),
            Rule(
                "amounts of a line have the sign of its quantity",
                known_to_fail((t.gross_amount == 0) | ((t.gross_amount < 0) == t.is_return)),
            ),
            Rule("order_id exists in orders", t.is_orphan, "warn"),
        ],
        references=[Reference("product_id exists in products", join_none(sold, tb_products, "product_id"), KEY)],
    )
