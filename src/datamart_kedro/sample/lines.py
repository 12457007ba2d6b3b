"""Order lines as they are on a day: what was bought at which price, what was taken out, what came back.

Channels differ in what they say: the web shop states shares (discount and tax), the marketplace states amounts and
the shipping fee of each line, the telephone states neither tax nor its share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from datamart_kedro.sample.catalogue import Catalogue
from datamart_kedro.sample.customers import Customers, latest
from datamart_kedro.sample.draws import Draws, Flags, Ints, between, exponential
from datamart_kedro.sample.orders import FULFILLED, MARKETPLACE, WEB, Orders
from datamart_kedro.sample.people import TAX_PERCENT, is_company
from datamart_kedro.sample.product_rows import product_ids
from datamart_kedro.sample.seasons import HOUR_S, Season
from datamart_kedro.sample.settings import SampleShop
from datamart_kedro.sample.texts import NEVER, instants, joined, money, numbers, padded

MOST_LINES = 9
COUPON_PERCENT = 10
COUPON_SHARE = 0.05


@dataclass(frozen=True)
class Lines:
    """One element per line that an order was made with.

    Attributes:
        order: Position of the order in the chunk.
        line: From 1.
        product: Position in the catalogue.
        quantity: Units.
    """

    order: Ints
    line: Ints
    product: Ints
    quantity: Ints


def make_lines(draws: Draws, catalogue: Catalogue, orders: Orders) -> Lines:
    """The lines of orders as they were when the orders were made."""
    more = 0.38 + 0.37 * draws.uniform("basket", orders.customer)
    wished = 1 + exponential(draws.uniform("lines", orders.number)) / -np.log(more)
    count = np.minimum(wished.astype(np.int64), MOST_LINES)
    order = np.repeat(np.arange(len(count)), count)
    line = np.arange(len(order), dtype=np.int64) - np.repeat(np.cumsum(count) - count, count) + 1
    number, buyer = orders.number[order], orders.customer[order]
    product = catalogue.choose((number, line), buyer, orders.ordered_at[order])
    many = np.where(is_company(draws, buyer), 4.0, 0.45)
    quantity = 1 + (many * exponential(draws.uniform("quantity", number, line))).astype(np.int64)
    return Lines(order, line, product, quantity)


def last_sales(shop: SampleShop, catalogue: Catalogue, orders: Orders, lines: Lines) -> Ints:
    """For each product, when it was last paid before the day; 0 if never."""
    paid_at = orders.approved_at[lines.order]
    is_paid = paid_at < shop.now
    last = np.zeros(len(catalogue.index), dtype=np.int64)
    np.maximum.at(last, lines.product[is_paid], paid_at[is_paid])
    return last


def line_rows(
    shop: SampleShop,
    draws: Draws,
    season: Season,
    catalogue: Catalogue,
    customers: Customers,
    orders: Orders,
    lines: Lines,
) -> tuple[Ints, Ints, dict[str, pa.Array]]:
    """The table of the day: ids of orders, numbers of lines, and the columns of the lines.

    Units that come back are lines of their own, with negative quantities, numbered after the others.
    """
    now = shop.now
    taken_out_at, is_erased = _taken_out(draws, orders, lines)
    returned_at = _returned(draws, orders, lines, taken_out_at)
    at, is_return = _in_order(lines, ~is_erased | (taken_out_at >= now), returned_at < now)
    order = lines.order[at]
    line = lines.line[at] + np.where(is_return, MOST_LINES, 0)
    number, channel, ordered_at = orders.number[order], orders.channel[order], orders.ordered_at[order]
    quantity, product = lines.quantity[at], lines.product[at]
    price = catalogue.price_cents(product, catalogue.price_version(product, ordered_at))
    percent = _percent_off(draws, season, orders, order, lines.line[at])
    tax_percent = TAX_PERCENT[customers.country[orders.who[order]]]
    gross = quantity * price
    discount = _share(gross, percent)
    tax = _share(gross - discount, tax_percent)
    out_at = np.where(is_return, NEVER, taken_out_at[at])
    updated_at = np.where(is_return, returned_at[at], latest(now, ordered_at, out_at))
    fee = 150 + 50 * np.minimum(quantity, 5)
    everything = np.ones(len(at), dtype=bool)
    return number, line, {
        "order_id": numbers(number),
        "line_number": numbers(line),
        "product_id": product_ids(product),
        "quantity": numbers(np.where(is_return, -quantity, quantity)),
        "unit_price": money(price),
        "discount_rate": _rate(percent, (percent > 0) & (channel != MARKETPLACE)),
        "discount_amount": money(discount, (percent > 0) & (channel == MARKETPLACE)),
        "tax_rate": _rate(tax_percent, channel == WEB),
        "tax_amount": money(tax, channel == MARKETPLACE),
        "shipping_fee": money(fee, (channel == MARKETPLACE) & ~is_return),
        "updated_at": instants(updated_at, everything),
        "deleted_at": instants(out_at, out_at < now),
    }  # fmt: skip


def _in_order(lines: Lines, is_bought: Flags, is_back: Flags) -> tuple[Ints, Flags]:
    """Positions of the lines that are shown, order by order, those that come back after the others of their order."""
    at = np.concatenate([np.flatnonzero(is_bought), np.flatnonzero(is_back)])
    is_return = np.arange(len(at)) >= np.count_nonzero(is_bought)
    in_order = np.lexsort((lines.line[at], is_return, lines.order[at]))
    return at[in_order], is_return[in_order]


def _taken_out(draws: Draws, orders: Orders, lines: Lines) -> tuple[Ints, Flags]:
    """When a line is taken out of its order again, and whether the shop then forgets it; never the first line."""
    number = orders.number[lines.order]
    u = draws.uniform("taken out", number, lines.line)
    is_out = (u < 0.012) & (lines.line > 1)
    after = between(draws.uniform("taken out after", number, lines.line), 0.1 * HOUR_S, 8 * HOUR_S)
    return np.where(is_out, orders.ordered_at[lines.order] + after, NEVER), is_out & (u < 0.004)


def _returned(draws: Draws, orders: Orders, lines: Lines, taken_out_at: Ints) -> Ints:
    """When a line comes back: the whole order, or its first line and some others."""
    some = draws.uniform("comes back", orders.number[lines.order], lines.line) < 0.3
    comes = orders.is_returned_whole[lines.order] | (lines.line == 1) | some
    comes &= (orders.fate[lines.order] == FULFILLED) & (taken_out_at == NEVER)
    return np.where(comes, orders.returned_at[lines.order], NEVER)


def _percent_off(draws: Draws, season: Season, orders: Orders, order: Ints, line: Ints) -> Ints:
    """Percent off the price of a line: the sale of the day, which leaves some lines out, or a coupon."""
    number = orders.number[order]
    in_sale = draws.uniform("in sale", number, line) < 0.8
    has_coupon = draws.uniform("coupon", number) < COUPON_SHARE
    sale = np.where(in_sale, season.percent_off(orders.ordered_at[order]), 0)
    return np.maximum(sale, np.where(has_coupon, COUPON_PERCENT, 0))


def _share(cents: Ints, percent: Ints) -> Ints:
    """A share in whole cents, rounded half up."""
    return (cents * percent + 50) // 100


def _rate(percent: Ints, shown: Flags) -> pa.Array:
    """Percent as a share, such as 0.19."""
    return joined(numbers(percent // 100, shown), ".", padded(percent % 100, np.full_like(percent, 2)))
