"""What was known at a cutoff: the versions of rows that held then.

Most customers look the same from every cutoff, so what they did is gathered once, from the rows as they are now
(variant 0). For those of whom something else was known at a cutoff it is gathered again, under the cutoff's number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.pipelines.features.cutoffs import Cutoff

OWNER = ("owner_id", "variant")
"""Whose row it is: the customer, and as seen from where."""
OF_CUSTOMERS = ("customer_id", "created_at", "signup_month", "country_code")
OF_ORDERS = (
    "order_id",
    "customer_id",
    "status",
    "is_failed",
    "ordered_at",
    "delivered_at",
    "is_late",
    "items_count",
    "units_count",
    "net_amount",
    "discount_amount",
)
OF_LINES = ("order_id", "product_id", "category", "is_return")
"""The columns that features are made of: a change in others changes none."""


@dataclass(frozen=True)
class Versions:
    """A published table: as it is now, and every version of its rows with the period in which it held.

    Attributes:
        now: One row per key.
        ever: One row per key and version, with ``_valid_from`` and ``_valid_to``, NULL while it holds.
        key: The columns that tell one row from another.
    """

    now: ir.Table
    ever: ir.Table
    key: tuple[str, ...]


@dataclass(frozen=True)
class Events:
    """What customers did, by variant.

    Attributes:
        orders: One row per variant and order_id.
        lines: One row per variant and line of an order.
        others: One row per cutoff's number (`variant`) and `owner_id` with rows of that variant instead of variant 0.
    """

    orders: ir.Table
    lines: ir.Table
    others: ir.Table


def at_midnight(cutoff: Cutoff) -> datetime:
    """The instant of a cutoff, UTC, without zone."""
    return datetime(cutoff.day.year, cutoff.day.month, cutoff.day.day)


def variant(number: int) -> ir.IntegerScalar:
    """A constant variant."""
    return ibis.literal(number, "int16")


def instant(at: datetime) -> ir.TimestampScalar:
    """A constant instant."""
    return ibis.literal(at, "timestamp(6)")


def with_known(versions: Versions, cutoff: Cutoff, arrival_days: int) -> ir.Table:
    """Every version of the rows of a table, with `is_known`: is it the one that was known at the cutoff?

    It is the one that held then. A row that was not there yet counts as it was first seen, if that was soon enough.
    """
    at = at_midnight(cutoff)
    first_seen = _._valid_from.min().over(group_by=versions.key)
    held = (_._valid_from <= instant(at)) & (_._valid_to.isnull() | (_._valid_to > instant(at)))
    arrived = (_._valid_from > instant(at)) & (_._valid_from <= instant(at + timedelta(days=arrival_days)))
    return versions.ever.mutate(
        is_known=held | (arrived & (_._valid_from == first_seen)),
        is_now=_._valid_to.isnull(),
        variant=variant(cutoff.number),
    )


def gather(orders: Versions, lines: Versions, cutoffs: Sequence[Cutoff], arrival_days: int) -> Events:
    """What customers did, as it is now and, where that differs, as it was known at each cutoff.

    Orders from the last cutoff on are left out: no cutoff looks at them. Without cutoffs, there is nothing to gather.

    Args:
        orders: Published orders.
        lines: Published order items.
        cutoffs: In order; those to whom the history reaches back are looked at by themselves.
        arrival_days: See `with_known`.
    """
    last = at_midnight(cutoffs[-1]) if cutoffs else datetime.min
    own_orders = orders.now.mutate(variant=variant(0)).filter(_.ordered_at < instant(last))
    own_lines = lines.now.mutate(variant=variant(0)).filter(bool(cutoffs))
    known = [cutoff for cutoff in cutoffs if cutoff.is_known_then]
    parts = [_seen_from(orders, lines, cutoff, arrival_days) for cutoff in known]
    if not parts:
        nobody = variant(0).name("variant").as_table().mutate(owner_id=ibis.null(_id_type(orders.now)))
        return Events(_named(own_orders), _of(own_lines), nobody.limit(0))
    return Events(
        orders=ibis.union(_named(own_orders), *(part.orders for part in parts)),
        lines=ibis.union(_of(own_lines), *(part.lines for part in parts)),
        others=ibis.union(*(part.others for part in parts)) if len(parts) > 1 else parts[0].others,
    )


def seen_from(table: ir.Table, others: ir.Table, cutoff: Cutoff) -> ir.Table:
    """The rows of a table of all variants that tell what was known at a cutoff."""
    if not cutoff.is_known_then:
        return table.filter(table.variant == 0)
    elsewhere = others.filter(others.variant == cutoff.number)
    usual = table.filter(table.variant == 0).anti_join(elsewhere, "owner_id")
    return ibis.union(usual, table.filter(table.variant == cutoff.number))


def _seen_from(orders: Versions, lines: Versions, cutoff: Cutoff, arrival_days: int) -> Events:
    """What is to be gathered again for a cutoff."""
    all_orders = with_known(orders, cutoff, arrival_days).filter(_.ordered_at < instant(at_midnight(cutoff)))
    all_lines = with_known(lines, cutoff, arrival_days)
    changed_lines = all_lines.filter(_.is_known != _.is_now)
    changed_orders = all_orders.filter(_.is_known != _.is_now)
    of_lines = same_id_join(all_orders, changed_lines, "order_id", "semi")
    others = ibis.union(_whose(changed_orders), _whose(of_lines)).distinct()
    own_orders = _named(all_orders.filter(_.is_known)).semi_join(others, "owner_id")
    return Events(own_orders, _of(same_id_join(all_lines.filter(_.is_known), own_orders, "order_id", "semi")), others)


def same_id_join(left: ir.Table, right: ir.Table, key: str, how: str) -> ir.Table:
    """Join on an id; one that is text in one table and a number in the other is compared as text."""
    same = left[key].type() == right[key].type()
    return left.join(
        right, left[key] == right[key] if same else left[key].cast("string") == right[key].cast("string"), how=how
    )


def _whose(orders: ir.Table) -> ir.Table:
    return orders.filter(_.customer_id.notnull()).select("variant", owner_id="customer_id")


def _named(orders: ir.Table) -> ir.Table:
    """The columns of orders that features are made of; orders of nobody are left out."""
    named = orders.filter(_.customer_id.notnull()).select("variant", *OF_ORDERS)
    return named.rename(owner_id="customer_id")


def _of(lines: ir.Table) -> ir.Table:
    """The columns of lines that features are made of."""
    return lines.select("variant", *OF_LINES)


def _id_type(orders: ir.Table) -> str:
    return str(orders.customer_id.type())
