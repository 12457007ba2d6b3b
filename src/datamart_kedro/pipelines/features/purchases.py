"""What customers bought, day by day, and all that had come together on each day: made once for all cutoffs."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT
from datamart_kedro.pipelines.features.breadth import BREADTH, add_breadth, category_ranks, with_top_category
from datamart_kedro.pipelines.features.knowledge import OWNER, Events
from datamart_kedro.pipelines.features.life import of_life

UNITS = "decimal(18, 3)"
SUMMED = {
    "orders": "int32",
    "units": UNITS,
    "items": "int32",
    "net_amount": AMOUNT,
    "discount_amount": AMOUNT,
    "returned_orders": "int32",
}
"""What a day adds to what was before. Engines sum integers to wider ones than they say; a cast to 32 bits undoes it."""
NEIGHBOURS = ("previous_day", "next_day", "is_new_month")
SERVICE = ("cancelled_orders", "failed_orders", "late_deliveries")


def purchase_days(events: Events) -> ir.Table:
    """One row per owner and purchase day, a day, UTC, with at least one order that did not fail.

    Columns: the sums of the day (`SUMMED`), the days before and after (`add_neighbours`), the first day, and what had
    come together when the day ended (`life.of_life`).
    """
    kept, ranks = events.orders.filter(~_.is_failed), category_ranks(events.lines)
    days = sums_by_day(kept)
    known = add_breadth(days, bought_lines(kept, events.lines, ranks))
    told = known.pipe(add_neighbours).pipe(add_life).pipe(with_top_category, ranks)
    return told.select(*OWNER, "day", *NEIGHBOURS, *SUMMED, "first_day", **of_life(told))


def bought_lines(orders: ir.Table, lines: ir.Table, ranks: ir.Table) -> ir.Table:
    """One row per line that orders bought, with its owner and day; lines that bring something back are left out.

    Columns: product_id, and the `rank` of its category (`breadth.category_ranks`), NULL where none is known.
    """
    order_id, line_order = orders.order_id, lines.order_id
    if order_id.type() != line_order.type():
        order_id, line_order = order_id.cast("string"), line_order.cast("string")
    bought = lines.filter(~lines.is_return)
    named = orders.select("variant", "owner_id", order_key=order_id, day=orders.ordered_at.date())
    keyed = bought.select("variant", "product_id", "category", order_key=line_order)
    of_owner = keyed.inner_join(named, ["variant", "order_key"]).select(*OWNER, "day", "product_id", "category")
    return of_owner.left_join(ranks, "category").select(*OWNER, "day", "product_id", "rank")


def sums_by_day(orders: ir.Table) -> ir.Table:
    """One row per owner and day, UTC: sums over the orders."""
    return (
        orders.mutate(day=orders.ordered_at.date())
        .group_by(*OWNER, "day")
        .agg(
            orders=_.count().cast("int32"),
            units=_.units_count.sum().cast(UNITS),
            items=_.items_count.sum().cast("int32"),
            net_amount=_.net_amount.sum().cast(AMOUNT),
            discount_amount=_.discount_amount.sum().cast(AMOUNT),
            returned_orders=_.count(where=_.status == "returned").cast("int32"),
            largest_order=_.net_amount.max(),
        )
    )


def add_neighbours(days: ir.Table) -> ir.Table:
    """Add the purchase days before and after each, NULL where there is none, the days in between, and `is_new_month`.

    A day is_new_month that is the owner's first in its calendar month.
    """
    in_order = ibis.window(group_by=OWNER, order_by="day")
    known = days.mutate(previous_day=_.day.lag().over(in_order), next_day=_.day.lead().over(in_order))
    is_same_month = known.previous_day.truncate("M") == known.day.truncate("M")
    return known.mutate(gap=days_between(known.previous_day, known.day), is_new_month=~is_same_month.fill_null(False))


def add_life(days: ir.Table) -> ir.Table:
    """Add what had come together when each day ended."""
    until = ibis.window(group_by=OWNER, order_by="day", preceding=None, following=0)
    in_order = ibis.window(group_by=OWNER, order_by="day")
    sums = {f"{name}_life": days[name].sum().over(until).cast(kind) for name, kind in SUMMED.items()}
    breadth = {f"{name}_life": days[name].sum().over(until).cast(kind) for name, kind in BREADTH.items()}
    return days.mutate(
        **sums,
        **breadth,
        purchase_days_life=ibis.row_number().over(in_order) + 1,
        first_day=_.day.first().over(until),
        first_day_amount=_.net_amount.first().over(until),
        largest_order_life=_.largest_order.max().over(until),
        top_life=_.top.max().over(until),
        gaps_squared_life=(_.gap * _.gap).sum().over(until).cast("float64"),
        gap_median=_.gap.median().over(until).cast("float64"),
    )


def service_days(events: Events) -> ir.Table:
    """One row per owner and day, UTC, with an order that failed, or with a delivery that came late.

    Columns: cancelled_orders and failed_orders of the day, by when they were ordered; late_deliveries, by when they
    arrived, which was not before they were ordered, whatever the shop says.
    """
    failed = events.orders.filter(_.is_failed).select(
        *OWNER,
        day=_.ordered_at.date(),
        cancelled_orders=(_.status == "cancelled").cast("int32"),
        failed_orders=ibis.literal(1, "int32"),
        late_deliveries=ibis.literal(0, "int32"),
    )
    late = events.orders.filter(_.is_late & ~_.is_failed & _.delivered_at.notnull()).select(
        *OWNER,
        day=ibis.greatest(_.ordered_at, _.delivered_at).date(),
        cancelled_orders=ibis.literal(0, "int32"),
        failed_orders=ibis.literal(0, "int32"),
        late_deliveries=ibis.literal(1, "int32"),
    )
    both = ibis.union(failed, late)
    return both.group_by(*OWNER, "day").agg(**{name: both[name].sum().cast("int32") for name in SERVICE})
