"""Daily sales, as series without gaps that sum to one another."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.expressions.calendar import days_between
from datamart_kedro.expressions.joins import join_one
from datamart_kedro.expressions.money import AMOUNT, amount, divide
from datamart_kedro.pipelines.features.catalogue import FT_SALES_DAILY, in_types
from datamart_kedro.pipelines.features.knowledge import same_id_join
from datamart_kedro.pipelines.features.rules import FeatureRules, Level

UNITS = "decimal(18, 3)"
TOTAL, UNKNOWN = "total", "unknown"
LEVELS: tuple[Level, ...] = ("total", "department", "category", "product")
"""Each is a part of the one before."""


def build_ft_sales_daily(
    gate_ft_sales_daily: Decision,
    tb_orders: ir.Table,
    tb_order_items: ir.Table,
    tb_products: ir.Table,
    period: Period,
    features: FeatureRules,
) -> ir.Table:
    """Publish daily sales: one row per unique_id and ds, from the first sale of a series to its end.

    A product's series ends with its last sale or, if that is later, the day from which it is no longer sold; all others
    end on the day of the newest order.

    Args:
        gate_ft_sales_daily: What opened the gate.
        tb_orders: Published orders, one row per order_id.
        tb_order_items: Published items, one row per (order_id, line_number).
        tb_products: Published products, one row per product_id.
        period: What the mart has seen.
        features: Rules of features.

    Returns:
        The columns of the catalogue; without sales, no row.
    """
    sold = sold_by_day(tb_orders, tb_order_items, tb_products, period)
    levels = [level for level in LEVELS if level in features.levels]
    parts = [of_level(sold, level, parent) for level, parent in zip(levels, (None, *levels), strict=False)]
    series = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return in_types(FT_SALES_DAILY, dense(series, period).pipe(add_price).pipe(add_calendar, period))


def sold_by_day(orders: ir.Table, items: ir.Table, products: ir.Table, period: Period) -> ir.Table:
    """One row per product and day, UTC, on which orders that did not fail had lines of it; with its groups."""
    kept = orders.filter(~_.is_failed).select("order_id", day=_.ordered_at.date())
    lines = same_id_join(items, kept, "order_id", "inner").select("product_id", "day", "quantity", "net_amount")
    daily = lines.group_by("product_id", "day").agg(
        units=_.quantity.sum().cast(UNITS), net_amount=_.net_amount.sum().cast(AMOUNT)
    )
    newest = ibis.literal(period.newest_day, "date")
    ended = products.mutate(ends=products.is_discontinued.ifelse(products.discontinued_at.date(), None))
    named = join_one(daily, ended, "product_id", ["category", "department", "ends"])
    return named.select(
        "day",
        "units",
        "net_amount",
        total=ibis.literal(TOTAL),
        department=series_id("department", named.department),
        category=series_id("category", named.category),
        product=series_id("product", named.product_id.cast("string")),
        ends=ibis.least(named.ends.fill_null(newest), newest),
    )


def series_id(level: Level, name: ir.StringValue) -> ir.StringValue:
    """The id of a series: ``category=Books``."""
    return ibis.literal(f"{level}=") + name.fill_null(UNKNOWN)


def of_level(sold: ir.Table, level: Level, parent: Level | None) -> ir.Table:
    """One row per series of a level and day on which it sold something."""
    ends = sold.ends.max() if level == "product" else ibis.null("date")
    return sold.group_by(unique_id=sold[level], day=sold.day).agg(
        level=ibis.literal(level),
        parent_id=sold[parent].min() if parent else ibis.null("string"),
        ends=ends,
        units=sold.units.sum().cast(UNITS),
        net_amount=sold.net_amount.sum().cast(AMOUNT),
    )


def dense(series: ir.Table, period: Period) -> ir.Table:
    """One row per series and day from its first sale to its end: 0 where nothing was sold."""
    newest = ibis.literal(period.newest_day, "date")
    spans = series.group_by("unique_id").agg(
        level=_.level.min(),
        parent_id=_.parent_id.min(),
        starts=_.day.min(),
        ends=ibis.greatest(_.day.max(), _.ends.max().fill_null(newest)),
    )
    days = all_days(period)
    grid = spans.join(days, (days.ds >= spans.starts) & (days.ds <= spans.ends))
    sales = series.select("unique_id", "units", "net_amount", ds=_.day)
    return grid.left_join(sales, ["unique_id", "ds"]).select(
        "unique_id",
        "ds",
        "level",
        "parent_id",
        "starts",
        y_units=_.units.fill_null(ibis.literal(0, UNITS)),
        y_net_amount=_.net_amount.fill_null(amount(0)),
    )


def all_days(period: Period) -> ir.Table:
    """One row per day from the first order to the newest; none without orders."""
    if period.first_day is None or period.newest_day is None:
        return ibis.null("date").name("ds").as_table().limit(0)
    count = (period.newest_day - period.first_day).days + 1
    places = ibis.range(count).unnest().name("place").as_table()
    first = ibis.literal(period.first_day, "date").cast("timestamp(6)")
    return places.select(ds=(first + places.place.as_interval("D")).date())


def add_price(sales: ir.Table) -> ir.Table:
    """Add unit_net_price: what a unit brought."""
    return sales.mutate(unit_net_price=divide(sales.y_net_amount, sales.y_units, scale=4))


def add_calendar(sales: ir.Table, period: Period) -> ir.Table:
    """Add what the calendar says of each day."""
    first, newest = (ibis.literal(day, "date") for day in (period.first_day, period.newest_day))
    return sales.mutate(
        is_complete=(sales.ds > first) & (sales.ds < newest),
        day_of_week=wide(sales.ds.day_of_week.index()) + 1,
        day_of_month=wide(sales.ds.day()),
        month=wide(sales.ds.month()),
        age_days=days_between(sales.starts, sales.ds),
    )


def wide(part: ir.IntegerValue) -> ir.IntegerValue:
    """A part of a date in 64 bits, as DuckDB gives it; Ibis takes it for less, and would leave out a cast to that."""
    return part.cast("int64")
