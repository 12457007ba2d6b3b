"""Orders: when they are made, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from datamart_kedro.sample.customers import Customers
from datamart_kedro.sample.draws import Draws, Flags, Ints, between, exponential, pick
from datamart_kedro.sample.seasons import HOUR_S, Season
from datamart_kedro.sample.settings import DAY_S, SampleShop
from datamart_kedro.sample.texts import NEVER

IDS_PER_DAY = 10**8
"""An order's id is its day, counted from 1, and its customer, who orders at most once a day."""

FATES = ("fulfilled", "payment failed", "fraud", "out of stock", "cancelled", "undeliverable", "abandoned", "test")
FATE_WEIGHTS = (0.913, 0.026, 0.005, 0.010, 0.020, 0.008, 0.015, 0.003)
FULFILLED, PAYMENT_FAILED, FRAUD, OUT_OF_STOCK, CANCELLED, UNDELIVERABLE, ABANDONED, TEST = range(len(FATES))
"""Abandoned orders are never paid, and erased two weeks later; orders made to test the shop are deleted softly."""

CHANNELS = ("web", "marketplace", "phone")
CHANNEL_WEIGHTS = (0.70, 0.15, 0.15)
WEB, MARKETPLACE, PHONE = range(len(CHANNELS))
"""They differ in what they say: see `lines`. Of the three, only the web shop always says what shipping costs."""

METHODS = ("standard", "express", "pickup")
METHOD_WEIGHTS = (0.78, 0.16, 0.06)
STANDARD, EXPRESS, PICKUP = range(len(METHODS))
FEES = np.array([490, 990, 0], dtype=np.int64)
PROMISE_DAYS = np.array([6, 3, 3], dtype=np.int64)
TRANSIT_H = np.array([58.0, 26.0, 20.0])
LATE_SHARE = 0.09
RETURN_SHARE = 0.06
ELSEWHERE = 10**6
"""Versions of addresses from here on are those of people who get presents."""


@dataclass(frozen=True)
class Orders:
    """One element per order; instants are seconds since 1970, `NEVER` for what does not happen.

    Attributes:
        number: The order's id.
        who: Position of its customer in the chunk.
        customer: The customer's number.
        ordered_at: From first to last instant of its history, in the order in which they come.
        approved_at: Paid.
        processing_at: Being packed.
        shipped_at: Left.
        delivered_at: Arrived.
        returned_at: Came back, in part or whole.
        failed_at: Failed, or was cancelled.
        deleted_at: Soft delete.
        purged_at: Hard delete.
        fate: See `FATES`.
        channel: See `CHANNELS`.
        method: See `METHODS`.
        is_returned_whole: If it comes back, do all of its lines?
    """

    number: Ints
    who: Ints
    customer: Ints
    ordered_at: Ints
    approved_at: Ints
    processing_at: Ints
    shipped_at: Ints
    delivered_at: Ints
    returned_at: Ints
    failed_at: Ints
    deleted_at: Ints
    purged_at: Ints
    fate: Ints
    channel: Ints
    method: Ints
    is_returned_whole: Flags

    def known_on(self, now: int) -> Orders:
        """Those that the shop has not erased before an instant."""
        is_known = self.purged_at >= now
        return Orders(**{field.name: getattr(self, field.name)[is_known] for field in fields(self)})


def order_times(shop: SampleShop, draws: Draws, season: Season, customers: Customers) -> tuple[Ints, Ints]:
    """When customers order before the last day, at most once a day.

    Returns:
        Position of the customer, and the instant, by customer and instant.
    """
    until = np.minimum(customers.dropped_out_at, shop.now)
    end = season.shop_days(until)
    clock = season.shop_days(np.minimum(customers.arrived_at, shop.now))
    who = np.flatnonzero(~customers.is_throwaway)
    found_who, found_at = [], []
    count = 0
    while len(who):
        wait = exponential(draws.uniform("wait", customers.number[who], count)) / customers.rate[who]
        clock[who] += wait
        who = who[clock[who] < end[who]]
        found_who.append(who)
        found_at.append(season.instant(clock[who]))
        count += 1
    nobody = np.zeros(0, dtype=np.int64)
    position, at = np.concatenate([nobody, *found_who]), np.concatenate([nobody, *found_at])
    in_time = np.lexsort((at, position))
    position, at = position[in_time], at[in_time]
    day = (at - shop.opened_at) // DAY_S
    is_first = np.ones(len(at), dtype=bool)
    is_first[1:] = (position[1:] != position[:-1]) | (day[1:] != day[:-1])
    is_first &= at < until[position]
    return position[is_first], at[is_first]


def place_orders(shop: SampleShop, draws: Draws, season: Season, customers: Customers) -> Orders:
    """All orders of these customers before the last day, with what will become of them."""
    who, ordered_at = order_times(shop, draws, season, customers)
    customer = customers.number[who]
    number = ((ordered_at - shop.opened_at) // DAY_S + 1) * IDS_PER_DAY + customer
    fate = pick(draws.uniform("fate", number), FATE_WEIGHTS)
    method = pick(draws.uniform("method", number), METHOD_WEIGHTS)
    steps = _steps(draws, number, method, ordered_at)
    approved_at, processing_at, shipped_at, delivered_at = steps
    failed_at = _failures(draws, number, fate, ordered_at, steps)
    returned_at = delivered_at + _hours(draws, "return days", number, 72, 600)
    comes_back = draws.uniform("return", number) < RETURN_SHARE
    is_cancelled_early = (fate == CANCELLED) & (failed_at <= approved_at)
    is_paid = np.isin(fate, (FULFILLED, FRAUD, OUT_OF_STOCK, CANCELLED, UNDELIVERABLE, TEST)) & ~is_cancelled_early
    return Orders(
        number=number,
        who=who,
        customer=customer,
        ordered_at=ordered_at,
        approved_at=np.where(is_paid, approved_at, NEVER),
        processing_at=np.where(np.isin(fate, (FULFILLED, OUT_OF_STOCK, UNDELIVERABLE)), processing_at, NEVER),
        shipped_at=np.where(np.isin(fate, (FULFILLED, UNDELIVERABLE)), shipped_at, NEVER),
        delivered_at=np.where(fate == FULFILLED, delivered_at, NEVER),
        returned_at=np.where((fate == FULFILLED) & comes_back, returned_at, NEVER),
        failed_at=failed_at,
        deleted_at=np.where(fate == TEST, ordered_at + _hours(draws, "test", number, 24, 120), NEVER),
        purged_at=np.where(fate == ABANDONED, ordered_at + 14 * DAY_S, NEVER),
        fate=fate,
        channel=pick(draws.uniform("channel", number), CHANNEL_WEIGHTS),
        method=method,
        is_returned_whole=draws.uniform("return whole", number) < 0.5,
    )


def _steps(draws: Draws, number: Ints, method: Ints, ordered_at: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """When each order is paid, packed, sent and delivered, if nothing comes between."""
    by_transfer = draws.uniform("transfer", number) < 0.1
    transfer = _hours(draws, "transfer hours", number, 20, 70)
    approved_at = ordered_at + np.where(by_transfer, transfer, _wait(draws, "approval", number, 0.3))
    processing_at = approved_at + _hours(draws, "processing", number, 1, 12)
    shipped_at = processing_at + _wait(draws, "packing", number, 9)
    is_late = draws.uniform("late", number) < LATE_SHARE
    transit_s = (TRANSIT_H[method] * (0.6 + 0.8 * draws.uniform("transit", number)) * HOUR_S).astype(np.int64)
    delivered_at = shipped_at + transit_s + np.where(is_late, _wait(draws, "delay", number, 80), 0)
    return approved_at, processing_at, shipped_at, delivered_at


def _failures(draws: Draws, number: Ints, fate: Ints, ordered_at: Ints, steps: tuple[Ints, ...]) -> Ints:
    """When orders fail or are cancelled, `NEVER` for the others."""
    approved_at, processing_at, shipped_at, _ = steps
    return np.select(
        [fate == PAYMENT_FAILED, fate == FRAUD, fate == OUT_OF_STOCK, fate == CANCELLED, fate == UNDELIVERABLE],
        [
            ordered_at + _hours(draws, "declined", number, 0.02, 0.5),
            approved_at + _hours(draws, "fraud", number, 1, 10),
            processing_at + _hours(draws, "out of stock", number, 12, 40),
            ordered_at + _hours(draws, "cancelled", number, 0.5, 20),
            shipped_at + _hours(draws, "undeliverable", number, 120, 360),
        ],
        NEVER,
    )


def _wait(draws: Draws, purpose: str, number: Ints, mean_h: float) -> Ints:
    """Seconds, at least a minute, with an exponential distribution."""
    return (60 + exponential(draws.uniform(purpose, number)) * mean_h * HOUR_S).astype(np.int64)


def _hours(draws: Draws, purpose: str, number: Ints, low_h: float, high_h: float) -> Ints:
    """Seconds, evenly distributed."""
    return between(draws.uniform(purpose, number), low_h * HOUR_S, high_h * HOUR_S)
