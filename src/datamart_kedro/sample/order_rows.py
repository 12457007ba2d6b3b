"""The table of orders as it is on a day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from datamart_kedro.sample.customers import Customers, latest
from datamart_kedro.sample.draws import Draws, Flags, Ints
from datamart_kedro.sample.orders import (
    CANCELLED,
    ELSEWHERE,
    FEES,
    FRAUD,
    METHODS,
    OUT_OF_STOCK,
    PAYMENT_FAILED,
    PHONE,
    PROMISE_DAYS,
    UNDELIVERABLE,
    WEB,
    Orders,
)
from datamart_kedro.sample.people import addresses
from datamart_kedro.sample.settings import DAY_S, SampleShop
from datamart_kedro.sample.texts import NEVER, instants, kept, money, numbers, words

STATUSES = ("new", "paid", "processing", "shipped", "delivered", "returned", "failed", "cancelled")
PAYMENTS = ("pending", "paid", "declined", "refunded")
REASONS = (None, "card declined", "fraud suspected", "out of stock", "customer cancelled", "undeliverable")


def order_rows(shop: SampleShop, draws: Draws, customers: Customers, orders: Orders) -> dict[str, pa.Array]:
    """The table of the day: the columns of orders that the shop knows."""
    now, number, ordered_at = shop.now, orders.number, orders.ordered_at
    everything = np.ones(len(number), dtype=bool)
    promised_at = ordered_at // DAY_S * DAY_S + PROMISE_DAYS[orders.method] * DAY_S
    says_fee = (orders.channel == WEB) | ((orders.channel == PHONE) & (draws.uniform("says fee", number) < 0.6))
    return {
        "order_id": numbers(number),
        "customer_id": numbers(orders.customer),
        "status": words(STATUSES, _status(orders, now)),
        "payment_status": words(PAYMENTS, _payment(orders, now)),
        "failure_reason": words(REASONS, _reason(draws, orders, now)),
        "ordered_at": instants(ordered_at, everything),
        "approved_at": instants(orders.approved_at, orders.approved_at < now),
        "shipped_at": instants(orders.shipped_at, orders.shipped_at < now),
        "delivered_at": instants(orders.delivered_at, orders.delivered_at < now),
        "promised_at": instants(promised_at, draws.uniform("promise", number) < 0.75),
        "shipping_fee": money(FEES[orders.method], says_fee),
        "shipping_method": words(METHODS, orders.method),
        **{f"ship_{part}": texts for part, texts in _destination(draws, customers, orders).items()},
        "currency": kept(pa.repeat(pa.scalar("EUR"), len(number)), orders.channel != PHONE),
        "updated_at": instants(_changed_at(orders, now), everything),
        "deleted_at": instants(orders.deleted_at, orders.deleted_at < now),
    }


def _is_back(orders: Orders, now: int) -> Flags:
    return np.asarray((orders.returned_at < now) & orders.is_returned_whole)


def _status(orders: Orders, now: int) -> Ints:
    """Position in `STATUSES`: how the order ended, or how many of the steps it has taken."""
    steps = (orders.approved_at, orders.processing_at, orders.shipped_at, orders.delivered_at)
    steps_taken = np.sum([step < now for step in steps], axis=0)
    has_failed = orders.failed_at < now
    is_cancelled = np.isin(orders.fate, (CANCELLED, OUT_OF_STOCK))
    return np.select([_is_back(orders, now), has_failed & is_cancelled, has_failed], [5, 7, 6], steps_taken)


def _payment(orders: Orders, now: int) -> Ints:
    """Position in `PAYMENTS`."""
    is_paid, has_failed = orders.approved_at < now, orders.failed_at < now
    is_declined = has_failed & (orders.fate == PAYMENT_FAILED)
    is_refunded = is_paid & (has_failed | _is_back(orders, now))
    return np.select([is_declined, is_refunded, is_paid], [2, 3, 1], 0)


def _reason(draws: Draws, orders: Orders, now: int) -> Ints:
    """Position in `REASONS`; of declined payments the shop often says so in payment_status alone."""
    fate = orders.fate
    is_declined = (fate == PAYMENT_FAILED) & (draws.uniform("says declined", orders.number) < 0.6)
    causes = [is_declined, fate == FRAUD, fate == OUT_OF_STOCK, fate == CANCELLED, fate == UNDELIVERABLE]
    return np.where(orders.failed_at < now, np.select(causes, [1, 2, 3, 4, 5], 0), 0)


def _destination(draws: Draws, customers: Customers, orders: Orders) -> dict[str, pa.Array]:
    """Where the customer lived when ordering, or the address of somebody who gets a present."""
    is_present = draws.uniform("present", orders.number) < 0.08
    home = customers.address_version(orders.who, orders.ordered_at)
    version = np.where(is_present, ELSEWHERE + orders.number, home)
    return addresses(draws, orders.customer, customers.country[orders.who], version)


def _changed_at(orders: Orders, now: int) -> Ints:
    """When the order's row last changed; a return in part changes lines only."""
    return latest(
        now,
        orders.ordered_at,
        orders.approved_at,
        orders.processing_at,
        orders.shipped_at,
        orders.delivered_at,
        np.where(orders.is_returned_whole, orders.returned_at, NEVER),
        orders.failed_at,
        orders.deleted_at,
    )
