"""What a sample shop is made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from datamart_kedro.errors import UsageError

FORMAT = 1
"""Counts up when the same settings begin to give other tables."""

DAY_S = 86_400
SPAN_DAYS = 730
"""`customers` is how many register within so many days, of which each has as many."""
MAX_CUSTOMERS = 10_000_000
MAX_DAYS = 7_300
NOTHING_WRITTEN = "Nothing was written."


@dataclass(frozen=True)
class SampleShop:
    """A shop on a day.

    Attributes:
        seed: Another seed, another shop.
        customers: How many register within the first `SPAN_DAYS`; as many per day register later.
        first_day: Day on which it opened.
        day: The shop is as it is when this day begins, UTC.
        dirt: Share of rows with a planted fault, 0 to 1.
    """

    seed: int
    customers: int
    first_day: date
    day: date
    dirt: float

    def __post_init__(self) -> None:
        days = (self.day - self.first_day).days
        _check(0 <= self.seed < 2**63, "seed", self.seed, "0 or more")
        _check(1 <= self.customers <= MAX_CUSTOMERS, "customers", self.customers, f"1 to {MAX_CUSTOMERS:,}")
        _check(1 <= days <= MAX_DAYS, "days", days, f"1 to {MAX_DAYS:,}, counted from the first day")
        _check(0 <= self.dirt <= 1, "dirt", self.dirt, "0 to 1")
        _check(1970 <= self.first_day.year <= 2100, "first-day", self.first_day, "a day from 1970 to 2100")

    @property
    def opened_at(self) -> int:
        """Seconds since 1970, UTC."""
        return _seconds(self.first_day)

    @property
    def now(self) -> int:
        """Seconds since 1970, UTC: what happened before is seen, the rest is not."""
        return _seconds(self.day)

    @property
    def arrival_every_s(self) -> float:
        """Seconds between two customers."""
        return SPAN_DAYS * DAY_S / self.customers

    def advanced(self, days: int) -> SampleShop:
        """The same shop some days later."""
        _check(1 <= days <= MAX_DAYS, "advance", days, f"1 to {MAX_DAYS:,} days")
        return replace(self, day=self.day + timedelta(days=days))

    def to_dict(self) -> dict[str, Any]:
        """As it is written down."""
        return {"format": FORMAT, **asdict(self), "first_day": str(self.first_day), "day": str(self.day)}

    @classmethod
    def from_dict(cls, written: dict[str, Any], place: str) -> SampleShop:
        """Read it again.

        Raises:
            UsageError: It is not the description of a shop, or of one that this version can make.
        """
        try:
            known = written["format"]
            shop = cls(
                seed=int(written["seed"]),
                customers=int(written["customers"]),
                first_day=date.fromisoformat(written["first_day"]),
                day=date.fromisoformat(written["day"]),
                dirt=float(written["dirt"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{place} does not describe a sample shop: {error.__class__.__name__} {error}.",
                "Make a new shop with `kedro mart sample --overwrite`.",
                NOTHING_WRITTEN,
            ) from None
        if known != FORMAT:
            raise UsageError(
                f"{place} is a shop of format {known}; this version makes format {FORMAT}.",
                "Make a new shop with `kedro mart sample --overwrite`.",
                NOTHING_WRITTEN,
            )
        return shop


def read_json(text: str, place: str) -> dict[str, Any]:
    """The object in a JSON text.

    Raises:
        UsageError: It is none.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError(
            f"{place} does not describe a sample shop: it is not a JSON object.",
            "Make a new shop with `kedro mart sample --overwrite`.",
            NOTHING_WRITTEN,
        )
    return found


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _check(holds: bool, option: str, value: object, allowed: str) -> None:
    if not holds:
        raise UsageError(f"--{option} cannot be {value}.", f"It may be {allowed}.", NOTHING_WRITTEN)
