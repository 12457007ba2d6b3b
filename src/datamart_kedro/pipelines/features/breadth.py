"""How many products and categories customers bought, and how evenly: kept in numbers that add up day by day."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from datamart_kedro.pipelines.features.knowledge import OWNER

WHOLE = "decimal(18, 0)"
BREADTH = {
    "new_products": "int32",
    "new_repeats": "int32",
    "new_categories": "int32",
    "category_lines": "int32",
    "category_terms": WHOLE,
}
"""What a day adds to what was before."""
RANKS = 2**20
"""More than there are categories."""
NANO = 10**9


def add_breadth(days: ir.Table, lines: ir.Table) -> ir.Table:
    """Add what the lines of each day add to what was bought before, 0 for a day without lines.

    Columns:
        new_products: Products never bought before.
        new_repeats: Products bought on a second day.
        new_categories: Categories never bought before.
        category_lines: Lines with a category.
        category_terms: What n x ln(n) grows by, with n the lines of a category until then: whole numbers of 10**-9, so
            that sums are the same in any order. The entropy is ln(N) - terms / N, with N the lines of all categories.
        top: The largest n of a category of the day, with the category's place in the alphabet: see `top_rank`.

    Args:
        days: One row per owner and day, with all days on which something was bought.
        lines: Lines that were bought, with their owner and day, and the rank of their category.
    """
    products, categories = products_by_day(lines), categories_by_day(lines)
    day = (*OWNER, "day")
    joined = days.left_join(products, day, rname="products_{name}").left_join(
        categories, day, rname="categories_{name}"
    )
    return joined.select(*days.columns, **{name: joined[name].fill_null(0) for name in (*BREADTH, "top")})


def products_by_day(lines: ir.Table) -> ir.Table:
    """One row per owner and day: products bought for the first time, and on a second day."""
    bought = lines.filter(_.product_id.notnull()).select(*OWNER, "product_id", "day")
    product = (*OWNER, "product_id")
    first = bought.group_by(product).agg(day=_.day.min(), last_day=_.day.max())
    repeated = first.filter(_.day < _.last_day).select(*product, first_day="day")
    second = bought.inner_join(repeated, product).filter(_.day > _.first_day).group_by(product).agg(day=_.day.min())
    both = ibis.union(
        first.select(*OWNER, "day", is_second=ibis.literal(False)),
        second.select(*OWNER, "day", is_second=ibis.literal(True)),
    )
    return both.group_by(*OWNER, "day").agg(
        new_products=_.count(where=~_.is_second), new_repeats=_.count(where=_.is_second)
    )


def categories_by_day(lines: ir.Table) -> ir.Table:
    """One row per owner and day: what the lines with a category add, each being the n-th of its category."""
    in_order = ibis.window(group_by=(*OWNER, "rank"), order_by="day")
    ranked = lines.filter(_["rank"].notnull()).select(*OWNER, "day", "rank")
    counted = ranked.mutate(n=(ibis.row_number().over(in_order) + 1).cast("int32"))
    return counted.group_by(*OWNER, "day").agg(
        new_categories=_.count(where=_.n == 1),
        category_lines=_.count().cast("int32"),
        category_terms=(term(_.n) - term(_.n - 1)).sum().cast(WHOLE),
        top=(_.n.cast("int64") * RANKS + (RANKS - 1 - _["rank"])).max(),
    )


def term(n: ir.IntegerValue) -> ir.IntegerValue:
    """N x ln(n), 0 for 0, in whole numbers of 10**-9."""
    return (n * ibis.greatest(n, 1).cast("float64").ln() * NANO).round().cast("int64")


def category_ranks(lines: ir.Table) -> ir.Table:
    """One row per category: its place in the alphabet, from 0."""
    names = lines.filter(_.category.notnull()).select("category").distinct()
    return names.mutate(rank=ibis.row_number().over(order_by="category").cast("int64"))


def top_lines(top: ir.IntegerValue) -> ir.IntegerValue:
    """Lines of the category that a `top` tells of."""
    return top // RANKS


def with_top_category(days: ir.Table, ranks: ir.Table) -> ir.Table:
    """Add `top_category`, which `top_life` tells of, NULL where that is 0; keep every row.

    Args:
        days: Rows with `top_life`, 0 where nothing with a category was bought.
        ranks: See `category_ranks`.
    """
    return days.left_join(ranks, top_rank(days.top_life) == ranks["rank"]).select(days, top_category=ranks.category)


def top_rank(top: ir.IntegerValue) -> ir.IntegerValue:
    """Place in the alphabet of the category that a `top` tells of; equal numbers go to the first name.

    For a `top` of 0 it is one that no category has.
    """
    return (RANKS - 1) - top % RANKS
