"""When people buy: more in the evening, on Sundays and before Christmas."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from datamart_kedro.sample.draws import Floats, Ints
from datamart_kedro.sample.settings import DAY_S, SampleShop

HOUR_S = 3_600
HOURS = (4, 2, 1, 1, 1, 2, 5, 10, 18, 26, 32, 34, 33, 32, 31, 30, 32, 36, 44, 52, 54, 44, 26, 11)
WEEKDAYS = (1.10, 1.00, 0.98, 0.97, 0.90, 0.80, 1.25)
"""From Monday to Sunday."""
MONTHS = (0.85, 0.82, 0.92, 0.95, 1.00, 0.95, 0.90, 0.88, 0.98, 1.05, 1.35, 1.35)
SALES = (((1, 3), (1, 16), 25), ((7, 1), (7, 15), 15), ((11, 22), (12, 1), 20))
"""First day, day after the last, and percent off."""


class Season:
    """The shop's clock, which runs fast when people buy much: one shop day is an average day.

    Purchases are a Poisson process on this clock.

    Args:
        shop: The clock runs from its first day to a day after its last.
    """

    def __init__(self, shop: SampleShop) -> None:
        days = (shop.day - shop.first_day).days + 1
        dates = [shop.first_day + timedelta(days=number) for number in range(days)]
        weights = np.array([WEEKDAYS[day.weekday()] * MONTHS[day.month - 1] for day in dates])
        weights /= np.mean(WEEKDAYS) * np.mean(MONTHS)
        by_hour = np.multiply.outer(weights, np.array(HOURS) / sum(HOURS)).ravel()
        self.opened_at = shop.opened_at
        self._hours = shop.opened_at + np.arange(days * 24 + 1, dtype=np.float64) * HOUR_S
        self._shop_days = np.concatenate([[0.0], np.cumsum(by_hour)])
        self._percent_off = np.array([_percent_off(day.month, day.day) for day in dates], dtype=np.int64)

    def shop_days(self, at: Ints) -> Floats:
        """Shop days from the opening to an instant."""
        return np.asarray(np.interp(at.astype(np.float64), self._hours, self._shop_days))

    def instant(self, shop_days: Floats) -> Ints:
        """The instant at which the shop's clock shows so many days."""
        return np.interp(shop_days, self._shop_days, self._hours).astype(np.int64)

    def percent_off(self, at: Ints) -> Ints:
        """What the sale of the day takes off prices, in percent; 0 when there is none."""
        return np.asarray(self._percent_off[(at - self.opened_at) // DAY_S])


def _percent_off(month: int, day: int) -> int:
    return next((percent for first, end, percent in SALES if first <= (month, day) < end), 0)
