"""What customers bought, day by day, and all that had come together on each day: made once for all cutoffs."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.money import AMOUNT
from datamart_kedro.pipelines.features.breadth import BREADTH, breadth_by_day, category_ranks, with_top_category
from datamart_kedro.pipelines.features.knowledge import OWNER, Events

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
LIFE = (
    "day",
    "gap",
    "first_day",
    "first_day_amount",
    "largest_order_life",
    "purchase_days_life",
    "gaps_squared_life",
    "gap_median",
    "top_category",
    "top_lines",
    *(f"{name}_life" for name in (*SUMMED, *BREADTH)),
)
"""What the last purchase day before a cutoff tells of all before it."""
SERVICE = ("cancelled_orders", "failed_orders", "late_deliveries")


def purchase_days(events: Events) -> ir.Table:
    """One row per owner and purchase day, a day, UTC, with at least one order that did not fail.

    Columns: the sums of the day (`SUMMED`); what had come together when the day ended (`LIFE`); `previous_day` and
    `next_day`, NULL where there is none.
    """
    kept = events.orders.filter(~_.is_failed)
    lines, ranks = bought_lines(kept, events.lines), category_ranks(events.lines)
    days = sums_by_day(kept)
    joined = days.left_join(breadth_by_day(lines, ranks), (*OWNER, "day"))
    known = joined.select(*days.columns, **{name: joined[name].fill_null(0) for name in (*BREADTH, "top")})
    told = known.pipe(add_neighbours).pipe(add_life).pipe(with_top_category, ranks)
    return told.select(*OWNER, "previous_day", "next_day", *SUMMED, *LIFE)


def bought_lines(orders: ir.Table, lines: ir.Table) -> ir.Table:
    """One row per line that orders bought, with its owner and day; lines that bring something back are left out."""
    order_id, line_order = orders.order_id, lines.order_id
    if order_id.type() != line_order.type():
        order_id, line_order = order_id.cast("string"), line_order.cast("string")
    bought = lines.filter(~lines.is_return)
    named = orders.select("variant", "owner_id", order_key=order_id, day=orders.ordered_at.date())
    keyed = bought.select("variant", "product_id", "category", order_key=line_order)
    return keyed.inner_join(named, ["variant", "order_key"]).select(*OWNER, "day", "product_id", "category")


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
    """Add the purchase days before and after each, and the days in between."""
    in_order = ibis.window(group_by=OWNER, order_by="day")
    known = days.mutate(previous_day=_.day.lag().over(in_order), next_day=_.day.lead().over(in_order))
    return known.mutate(gap=days_between(known.previous_day, known.day))


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
    arrived.
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
        day=_.delivered_at.date(),
        cancelled_orders=ibis.literal(0, "int32"),
        failed_orders=ibis.literal(0, "int32"),
        late_deliveries=ibis.literal(1, "int32"),
    )
    both = ibis.union(failed, late)
    return both.group_by(*OWNER, "day").agg(**{name: both[name].sum().cast("int32") for name in SERVICE})
