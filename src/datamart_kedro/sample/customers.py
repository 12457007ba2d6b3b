"""Customers: their lives, and the table of a day.

They register at a steady pace, buy at a pace of their own and stop for good one day, unseen: a Pareto/NBD population.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.draws import Draws, Flags, Floats, Ints, exponential, half_gamma
from datamart_kedro.sample.people import addresses, contacts, countries
from datamart_kedro.sample.settings import DAY_S, SampleShop
from datamart_kedro.sample.texts import NEVER, instants, numbers, words

PURCHASES_PER_DAY = 0.02
"""Mean of the purchase rates, which have a gamma distribution of shape 1."""
DROPOUTS_PER_DAY = 0.0125
"""Scale of the drop-out rates, which have a gamma distribution of shape 1/2: half of the customers stay 240 days."""
MOVES = 3
"""A customer moves at most so often, every `MOVE_DAYS` on average."""
MOVE_DAYS = 1_000
THROWAWAY_SHARE = 0.015
"""Share of accounts that are made by machines, never buy, and are erased."""
CLOSING_SHARE = 0.06
BLOCKED_SHARE = 0.008
STATUSES = ("active", "unconfirmed", "blocked", "closed")


@dataclass(frozen=True)
class Customers:
    """One element per customer; instants are seconds since 1970, `NEVER` for what does not happen.

    Attributes:
        number: From 1, in the order in which they register; their id.
        country: Position in `COUNTRIES`.
        arrived_at: Registration.
        rate: Purchases per average day while they are customers.
        dropped_out_at: From then on they never buy again.
        moved_at: One row per customer, one column per move, in order.
        blocked_at: The shop blocks the account.
        closed_at: They close the account: a soft delete.
        purged_at: The shop erases the account: a hard delete.
        is_throwaway: Made by a machine.
    """

    number: Ints
    country: Ints
    arrived_at: Ints
    rate: Floats
    dropped_out_at: Ints
    moved_at: Ints
    blocked_at: Ints
    closed_at: Ints
    purged_at: Ints
    is_throwaway: Flags

    def address_version(self, who: Ints, at: Ints | int) -> Ints:
        """How often the customers at these positions have moved before an instant."""
        return np.asarray((self.moved_at[who] < np.reshape(at, (-1, 1))).sum(axis=1), dtype=np.int64)

    def known_on(self, now: int) -> Customers:
        """Those who have registered before an instant, and are not erased."""
        is_known = (self.arrived_at < now) & (self.purged_at >= now)
        return Customers(**{field.name: getattr(self, field.name)[is_known] for field in fields(self)})


def customers_arrived(shop: SampleShop) -> int:
    """A bound on the number of customers who have registered."""
    return int((shop.now - shop.opened_at) / shop.arrival_every_s) + 1


def live(shop: SampleShop, draws: Draws, start: int, stop: int) -> Customers:
    """The lives of customers number start + 1 to stop, from the first day to the last."""
    index = np.arange(start, stop, dtype=np.int64)
    number = index + 1
    pace = shop.arrival_every_s
    arrived_at = shop.opened_at + ((index + draws.uniform("arrival", number)) * pace).astype(np.int64)
    is_throwaway = draws.uniform("throwaway", number) < THROWAWAY_SHARE
    dropout_rate = DROPOUTS_PER_DAY * half_gamma(draws.uniform("dropout 1", number), draws.uniform("dropout 2", number))
    stay_days = exponential(draws.uniform("stay", number)) / np.maximum(dropout_rate, 1e-9)
    dropped_out_at = np.where(is_throwaway, arrived_at, _later(arrived_at, stay_days))
    moves = [exponential(draws.uniform("move", number, count)) * MOVE_DAYS for count in range(MOVES)]
    closing_days = 1 + 60 * exponential(draws.uniform("closing days", number))
    closes = (draws.uniform("closing", number) < CLOSING_SHARE) & ~is_throwaway
    blocked_days = 300 * exponential(draws.uniform("blocked days", number))
    is_blocked = (draws.uniform("blocked", number) < BLOCKED_SHARE) & ~is_throwaway
    purge_days = 30 + 60 * draws.uniform("purge days", number)
    return Customers(
        number=number,
        country=countries(draws, number),
        arrived_at=arrived_at,
        rate=PURCHASES_PER_DAY * exponential(draws.uniform("rate", number)),
        dropped_out_at=dropped_out_at,
        moved_at=_later(arrived_at[:, None], np.cumsum(np.column_stack(moves), axis=1)),
        blocked_at=np.where(is_blocked, _later(arrived_at, blocked_days), NEVER),
        closed_at=np.where(closes, _later(dropped_out_at, closing_days), NEVER),
        purged_at=np.where(is_throwaway, _later(arrived_at, purge_days), NEVER),
        is_throwaway=is_throwaway,
    )


def customer_rows(shop: SampleShop, draws: Draws, customers: Customers) -> dict[str, pa.Array]:
    """The table of the day: the columns of customers whom the shop knows."""
    number, country, closed_at = customers.number, customers.country, customers.closed_at
    is_closed = closed_at < shop.now
    is_blocked = (customers.blocked_at < shop.now) & (customers.blocked_at < closed_at)
    version = customers.address_version(np.arange(len(number)), np.minimum(closed_at, shop.now))
    status = np.select([is_closed, is_blocked, customers.is_throwaway], [3, 2, 1], 0)
    everyone = np.ones(len(number), dtype=bool)
    return {
        "customer_id": numbers(number),
        **contacts(draws, number, country),
        **addresses(draws, number, country, version),
        "status": words(STATUSES, status),
        "created_at": instants(customers.arrived_at, everyone),
        "updated_at": instants(_changed_at(customers, shop.now), everyone),
        "deleted_at": instants(closed_at, is_closed),
    }


def truth_rows(shop: SampleShop, customers: Customers) -> dict[str, pa.Array]:
    """What nobody in the shop knows: purchase rate, and when a customer dropped out if that is past."""
    millionths = np.round(customers.rate * 1e6).astype(np.int64)
    fraction = pc.utf8_lpad(numbers(millionths % 1_000_000), 6, padding="0")
    return {
        "customer_id": numbers(customers.number),
        "purchase_rate_per_day": pc.binary_join_element_wise(numbers(millionths // 1_000_000), fraction, "."),
        "dropped_out_at": instants(customers.dropped_out_at, customers.dropped_out_at < shop.now),
    }


def _changed_at(customers: Customers, now: int) -> Ints:
    """When what the shop knows of a customer last changed: nothing does after the account is closed."""
    events = [*customers.moved_at.T, customers.blocked_at]
    before_closing = (np.where(event < customers.closed_at, event, NEVER) for event in events)
    return latest(now, customers.arrived_at, customers.closed_at, *before_closing)


def latest(now: int, first: Ints, *events: Ints) -> Ints:
    """The last instant of those before now; the first always is."""
    newest = first
    for event in events:
        newest = np.where(event < now, np.maximum(newest, event), newest)
    return newest


def _later(at: Ints, days: Floats) -> Ints:
    """An instant some days later, `NEVER` beyond the year 9999."""
    return np.asarray(np.minimum(at + np.minimum(days, 4e6) * DAY_S, NEVER), dtype=np.int64)
