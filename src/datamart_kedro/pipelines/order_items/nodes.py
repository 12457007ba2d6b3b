"""Order items: stage what the shop delivers, build what is published."""

from __future__ import annotations

from functools import partial

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.columns import SourceColumn
from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.joins import join_one
from datamart_kedro.expressions.judge import RowRule
from datamart_kedro.expressions.lookups import first_match
from datamart_kedro.expressions.money import AMOUNT, MAX_LINE_AMOUNT, amount, divide, multiply, rate, to_amount
from datamart_kedro.expressions.stage import Staged, stage, unchanged
from datamart_kedro.expressions.text import comparable, comparable_key
from datamart_kedro.pipelines.order_items.columns import KEY, SOURCE, TABLE
from datamart_kedro.pipelines.order_items.rules import OrderItemRules, TaxRates

STATED = ("discount_amount", "tax_amount", "shipping_fee")
"""Amounts that the shop may state."""


def stage_order_items(
    source_order_items: ir.Table, gate_order_items: Decision, order_items: OrderItemRules, formats: Formats
) -> Staged:
    """Stage order items: one row per (order_id, line_number).

    Args:
        source_order_items: Lines as the shop delivers them; numbered within their order if they have no line_number.
        gate_order_items: What opened the gate.
        order_items: Rules of order items.
        formats: How the shop writes dates and missing values.
    """
    is_numbered = "line_number" in source_order_items.columns
    return stage(
        source_order_items,
        SOURCE | {"line_number": SourceColumn("integer", required=is_numbered)},
        KEY,
        formats,
        rules=row_rules(order_items),
        complete=unchanged if is_numbered else number_lines,
        corrections=order_items.corrections,
    )


def row_rules(order_items: OrderItemRules) -> dict[str, RowRule]:
    """What makes a line unusable; a return line may state its discount and its tax with either sign."""
    return {
        "quantity is zero": lambda row: row.quantity == 0,
        f"quantity is above {order_items.max_quantity}": lambda row: row.quantity.abs() > order_items.max_quantity,
        "unit_price is negative": lambda row: row.unit_price < 0,
        f"unit_price is above {order_items.max_unit_price}": lambda row: row.unit_price > order_items.max_unit_price,
        "discount_rate is not between 0 and 1": lambda row: ~row.discount_rate.between(0, 1),
        "discount_amount is above the gross amount": partial(is_above_gross, order_items),
        "tax_rate is not between 0 and 1": lambda row: ~row.tax_rate.between(0, 1),
        "discount_amount is negative": partial(is_negative_sale, "discount_amount"),
        "tax_amount is negative": partial(is_negative_sale, "tax_amount"),
        "shipping_fee is negative": lambda row: row.shipping_fee < 0,
        **{f"{name} is not below {MAX_LINE_AMOUNT}": partial(is_too_large, name) for name in STATED},
    }


def is_above_gross(order_items: OrderItemRules, row: ir.Table) -> ir.BooleanValue:
    """Is more taken off than the line is worth? What other rules reject is not multiplied, since that may overflow."""
    is_possible = (row.quantity.abs() <= order_items.max_quantity) & row.unit_price.between(
        0, order_items.max_unit_price
    )
    gross = is_possible.ifelse(row.quantity, None) * row.unit_price
    return row.discount_amount.abs().round(2) > gross.abs().round(2)


def is_negative_sale(name: str, row: ir.Table) -> ir.BooleanValue:
    """Is the amount below 0, on a line that returns nothing?"""
    return (row[name] < 0) & (row.quantity > 0)


def is_too_large(name: str, row: ir.Table) -> ir.BooleanValue:
    """Is the amount larger than exact arithmetic allows?"""
    return row[name].abs() >= MAX_LINE_AMOUNT


def number_lines(lines: ir.Table) -> ir.Table:
    """Number the lines of each order from 1, in the order of their values: equal lines stay apart."""
    values = [lines[name].asc(nulls_first=True) for name in lines.columns if name not in KEY]
    return lines.mutate(line_number=ibis.row_number().over(group_by="order_id", order_by=values) + 1)


def build_order_items(
    tmp_order_items: ir.Table, tmp_orders: ir.Table, tb_products: ir.Table, order_items: OrderItemRules
) -> ir.Table:
    """Publish order items: one row per (order_id, line_number), with exact amounts.

    Args:
        tmp_order_items: Staged lines, one row per (order_id, line_number).
        tmp_orders: Staged orders, one row per order_id: where the line goes.
        tb_products: Published products, one row per product_id.
        order_items: Rules of order items.

    Returns:
        The columns of `TABLE`. Lines of an order that the shop deleted are deleted with it; lines of an order that
        nobody knows are kept, as orphans.
    """
    orders = tmp_orders.select("order_id", "ship_country_code", order_deleted_at="deleted_at")
    return (
        tmp_order_items.filter(_.deleted_at.isnull())
        .pipe(join_one, orders, "order_id", ["ship_country_code", "order_deleted_at"], found="has_order")
        .filter(_.order_deleted_at.isnull())
        .pipe(join_one, tb_products, "product_id", ["category", "unit_cost"])
        .pipe(add_amounts, order_items.tax)
        .mutate(is_return=_.quantity < 0, is_orphan=~_.has_order, shipping_fee=to_amount(_.shipping_fee))
        .select(*TABLE.columns)
    )


def add_amounts(lines: ir.Table, tax: TaxRates) -> ir.Table:
    """Add gross, discount, net, tax and total; the shop's own discount or tax wins over the rule's.

    Each amount is rounded once, half away from zero; on a return line all are negative.
    """
    return (
        lines.mutate(gross_amount=to_amount(lines.quantity * lines.unit_price))
        .pipe(add_discount)
        .mutate(net_amount=(_.gross_amount - _.discount_amount).cast(AMOUNT))
        .pipe(add_tax, tax)
        .mutate(total_amount=(_.net_amount + _.tax_amount).cast(AMOUNT))
        .pipe(add_unit_net_price)
        .pipe(add_margin)
    )


def add_unit_net_price(lines: ir.Table) -> ir.Table:
    """Add unit_net_price: what a unit brought, after discount and before tax."""
    return lines.mutate(unit_net_price=divide(lines.net_amount, lines.quantity, scale=4))


def add_margin(lines: ir.Table) -> ir.Table:
    """Add margin_amount: what is left of the net amount after cost."""
    cost = multiply(lines.quantity, lines.unit_cost)
    return lines.mutate(margin_amount=(lines.net_amount - cost).cast(AMOUNT))


def add_discount(lines: ir.Table) -> ir.Table:
    """Settle discount_amount and discount_rate: the amount stated, or the share of the gross amount, or none."""
    stated = signed(lines.discount_amount, lines.quantity)
    by_rate = to_amount(lines.gross_amount * lines.discount_rate)
    implied_rate = divide(stated, lines.gross_amount, scale=6)
    return lines.mutate(
        discount_amount=ibis.coalesce(stated, by_rate, amount(0)),
        discount_rate=ibis.coalesce(lines.discount_rate, implied_rate, rate(0)),
    )


def add_tax(lines: ir.Table, tax: TaxRates) -> ir.Table:
    """Settle tax_amount and tax_rate: the amount stated, or the share stated, or the rule's."""
    stated = signed(lines.tax_amount, lines.quantity)
    implied_rate = stated.notnull().ifelse(divide(stated, lines.net_amount, scale=6), tax_rate_by_rule(lines, tax))
    settled = lines.mutate(tax_rate=lines.tax_rate.coalesce(implied_rate))
    by_rate = to_amount(settled.net_amount * settled.tax_rate)
    return settled.mutate(tax_amount=signed(settled.tax_amount, settled.quantity).coalesce(by_rate))


def signed(stated: ir.DecimalValue, quantity: ir.DecimalValue) -> ir.DecimalValue:
    """A stated amount in cents, with the sign of the line."""
    cents = to_amount(stated.abs())
    return (quantity < 0).ifelse(-cents, cents)


def tax_rate_by_rule(lines: ir.Table, tax: TaxRates) -> ir.DecimalValue:
    """The rule's share: by category, else by country, else the default."""
    category = comparable(lines.category)
    known = [(category == comparable_key(name), rate(share)) for name, share in tax.by_category.items()]
    known += [(lines.ship_country_code == country, rate(share)) for country, share in tax.by_country.items()]
    return first_match(known, rate(tax.default))
