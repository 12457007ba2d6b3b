"""Products: their lives, what they cost on a day, and which of them somebody picks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from datamart_kedro.sample.draws import Draws, Floats, Ints, between, exponential, normal, pick, whole
from datamart_kedro.sample.settings import DAY_S, SPAN_DAYS, SampleShop
from datamart_kedro.sample.texts import NEVER


@dataclass(frozen=True)
class Category:
    """What the shop sells, in a department.

    Attributes:
        name: As the shop writes it.
        department: As the category map says.
        weight: Share of the products.
        price: Median price.
        weight_kg: Median weight.
        things: What products are called, in one text.
    """

    name: str
    department: str
    weight: float
    price: float
    weight_kg: float
    things: str


CATEGORIES = (
    Category("Computers", "Technology", 6, 420, 2.5, "Laptop Monitor Keyboard Dock"),
    Category("Phones", "Technology", 5, 260, 0.3, "Phone Charger Case Tablet"),
    Category("Electronics", "Technology", 8, 65, 0.9, "Headphones Speaker Radio Camera"),
    Category("Books", "Media", 16, 14, 0.4, "Novel Cookbook Atlas Reader"),
    Category("Games", "Media", 7, 32, 0.7, "Puzzle Quiz Cards Strategy"),
    Category("Music", "Media", 6, 19, 0.2, "Album Single Score Songbook"),
    Category("Furniture", "Home", 7, 150, 14, "Chair Shelf Table Stool"),
    Category("Kitchen", "Home", 12, 28, 1.3, "Pan Knife Bowl Kettle"),
    Category("Garden", "Home", 8, 24, 2.1, "Spade Planter Hose Lantern"),
    Category("Clothing", "Fashion", 13, 36, 0.5, "Shirt Coat Scarf Trousers"),
    Category("Shoes", "Fashion", 6, 72, 1.1, "Boots Sandals Trainers Slippers"),
    Category("Cycling", "Outdoor", 6, 58, 1.8, "Helmet Lamp Saddle Pump"),
)
DEPARTMENTS = sorted({category.department for category in CATEGORIES})
_DEPARTMENT = np.array([DEPARTMENTS.index(category.department) for category in CATEGORIES], dtype=np.int64)

FLAGGED, DATED, SILENT = range(3)
"""How the shop says that a product is no longer sold: a flag, a date some weeks ahead, or not at all."""
ENDING_WEIGHTS = (0.5, 0.25, 0.25)
ANNOUNCED_DAYS = 30
LIFE_DAYS = 1_400
FAVOURITE_SHARE = 0.65
"""How often a pick outside a customer's favourite department is thought over."""
PICKS = 6


@dataclass(frozen=True)
class Catalogue:
    """One element per product that was listed before the last day, in the order of listing.

    Attributes:
        draws: The shop's.
        now: The catalogue holds what was listed before.
        index: From 0.
        category: Position in `CATEGORIES`.
        listed_at: Seconds since 1970, UTC.
        ended_at: Nobody can buy it from then on.
        ending: How the shop says so: `FLAGGED`, `DATED` or `SILENT`.
        deleted_at: Soft delete.
        price_every_s: Seconds between two prices.
        base_price: Median price when it was listed.
    """

    draws: Draws
    now: int
    index: Ints
    category: Ints
    listed_at: Ints
    ended_at: Ints
    ending: Ints
    deleted_at: Ints
    price_every_s: Ints
    base_price: Floats

    @cached_property
    def department(self) -> Ints:
        """Position in `DEPARTMENTS`."""
        return np.asarray(_DEPARTMENT[self.category])

    @cached_property
    def popularity_up_to(self) -> Floats:
        """Sum of the popularities of the products up to each: a few sell most."""
        return np.cumsum((1 - self.draws.uniform("popularity", self.index)) ** -0.6)

    def price_version(self, product: Ints, at: Ints | int) -> Ints:
        """How often the price of these products has changed before an instant."""
        until = np.minimum(at, self.ended_at[product])
        return np.asarray((until - self.listed_at[product] - 1) // self.price_every_s[product])

    def price_cents(self, product: Ints, version: Ints) -> Ints:
        """Price of these products in one of their versions, cents."""
        return np.asarray(self._prices[product, version])

    @cached_property
    def _prices(self) -> Ints:
        """Price by product and version: each is the one before, some percent up or down, in round figures."""
        versions = np.arange(int(self.price_version(self.index, self.now).max()) + 1)
        index = self.index[:, None]
        step = normal(self.draws.uniform("step 1", index, versions), self.draws.uniform("step 2", index, versions))
        drift = np.cumsum(0.005 + 0.07 * np.where(versions == 0, 0, step), axis=1)
        return np.asarray(np.maximum(np.round(self.base_price[:, None] * np.exp(drift)).astype(np.int64) * 100 - 1, 99))

    def choose(self, key: tuple[Ints, ...], customer: Ints, at: Ints) -> Ints:
        """What somebody buys: popular products more often, mostly of the favourite department, only what is sold.

        Args:
            key: What the choice is for, such as order and line.
            customer: Number of the customer.
            at: Instant of the order.
        """
        favourite = whole(self.draws.uniform("favourite", customer), len(DEPARTMENTS))
        listed = np.searchsorted(self.listed_at, at)
        chosen = np.zeros(len(at), dtype=np.int64)
        open_ = np.arange(len(at))
        for attempt in range(PICKS):
            keys = tuple(part[open_] for part in key)
            upto = self.popularity_up_to[listed[open_] - 1]
            product = np.searchsorted(self.popularity_up_to, self.draws.uniform("product", *keys, attempt) * upto)
            is_sold = self.ended_at[product] > at[open_]
            is_liked = self.department[product] == favourite[open_]
            is_liked |= self.draws.uniform("thought over", *keys, attempt) > FAVOURITE_SHARE
            chosen[open_] = np.where(is_sold & (is_liked | (chosen[open_] == 0)), product, chosen[open_])
            open_ = open_[~(is_sold & is_liked)]
        return chosen


def make_catalogue(shop: SampleShop, draws: Draws) -> Catalogue:
    """The products that were listed before the last day; the first of them is never discontinued."""
    count = int(np.clip(shop.customers * 3 // 10, 60, 20_000))
    at_first = count * 17 // 20
    later_every_s = SPAN_DAYS * DAY_S / (count - at_first)
    listed_later = int((shop.now - shop.opened_at) / later_every_s) + 1
    index = np.arange(at_first + listed_later, dtype=np.int64)
    before_s = (at_first - index - draws.uniform("listed", index)) * (2 * SPAN_DAYS * DAY_S / at_first)
    after_s = (index - at_first + draws.uniform("listed", index)) * later_every_s
    listed_at = shop.opened_at + np.where(index < at_first, -before_s, after_s).astype(np.int64)
    index, listed_at = index[listed_at < shop.now], listed_at[listed_at < shop.now]
    category = pick(draws.uniform("category", index), [category.weight for category in CATEGORIES])
    life_s = ((120 + LIFE_DAYS * exponential(draws.uniform("life", index))) * DAY_S).astype(np.int64)
    ended_at = np.maximum(listed_at + life_s, shop.opened_at + 30 * DAY_S)
    ended_at[0] = NEVER
    is_deleted = draws.uniform("deleted", index) < 0.12
    deleted_at = ended_at + between(draws.uniform("deleted after", index), 30 * DAY_S, 200 * DAY_S)
    median = np.array([category.price for category in CATEGORIES])[category]
    spread = normal(draws.uniform("price 1", index), draws.uniform("price 2", index))
    return Catalogue(
        draws=draws,
        now=shop.now,
        index=index,
        category=category,
        listed_at=listed_at,
        ended_at=ended_at,
        ending=pick(draws.uniform("ending", index), ENDING_WEIGHTS),
        deleted_at=np.where(is_deleted & (index > 0), deleted_at, NEVER),
        price_every_s=between(draws.uniform("price every", index), 90 * DAY_S, 240 * DAY_S),
        base_price=median * np.exp(0.5 * spread),
    )
