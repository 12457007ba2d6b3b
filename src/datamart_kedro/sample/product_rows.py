"""The table of products as it is on a day."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.catalogue import ANNOUNCED_DAYS, CATEGORIES, DATED, FLAGGED, Catalogue
from datamart_kedro.sample.customers import latest
from datamart_kedro.sample.draws import Draws, Flags, Ints, between, exponential, normal, whole
from datamart_kedro.sample.settings import DAY_S, SampleShop
from datamart_kedro.sample.texts import NEVER, instants, joined, kept, money, numbers, padded, words

ADJECTIVES = ("Blue", "Plain", "Großer", "Petite", "Old", "Fjäll", "Classic", "Little", "Sunny", "Señor", "Oak")
SKU_PREFIXES = [category.name[:3].upper() for category in CATEGORIES]

CLEARED_DAYS = 60
"""So long after its end a product is still counted; then nothing of it is left."""


def product_ids(index: Ints) -> pa.Array:
    """Ids such as P00042."""
    return joined("P", pc.utf8_lpad(numbers(index + 1), 5, padding="0"))


def product_rows(
    shop: SampleShop, draws: Draws, catalogue: Catalogue, last_sold_at: Ints
) -> tuple[Ints, dict[str, pa.Array]]:
    """The table of the day: positions in the catalogue, and their columns.

    Args:
        shop: The shop.
        draws: Its draws.
        catalogue: Its products.
        last_sold_at: For each product, the last paid order with it before the day; 0 if there is none.
    """
    now, index = shop.now, catalogue.index
    version = catalogue.price_version(index, now)
    price = catalogue.price_cents(index, version)
    cost = np.round(price * (0.45 + 0.3 * draws.uniform("cost", index))).astype(np.int64)
    stock, counted_at = _stock(draws, catalogue, now)
    told_at, discontinued_at = _ending(catalogue)
    is_told, is_flagged = told_at < now, (catalogue.ending == FLAGGED) & (told_at < now)
    changed_at = catalogue.listed_at + version * catalogue.price_every_s
    updated_at = latest(now, changed_at, counted_at, last_sold_at, told_at, catalogue.deleted_at)
    weight = normal(draws.uniform("weight 1", index), draws.uniform("weight 2", index))
    grams = np.array([category.weight_kg for category in CATEGORIES])[catalogue.category] * 1000 * np.exp(0.4 * weight)
    everything = np.ones(len(index), dtype=bool)
    reorder_level = between(draws.uniform("reorder level", index), 2, 30)
    return index, {
        "product_id": product_ids(index),
        "sku": joined(words(SKU_PREFIXES, catalogue.category), "-", numbers(index + 10_001)),
        "name": _names(draws, catalogue),
        "category": words([category.name for category in CATEGORIES], catalogue.category),
        "unit_price": money(price),
        "unit_cost": money(cost, draws.uniform("has cost", index) < 0.97),
        "stock_quantity": numbers(stock, draws.uniform("has stock", index) < 0.98),
        "reorder_level": numbers(reorder_level, draws.uniform("has reorder level", index) < 0.9),
        "weight_kg": _kilograms(grams.astype(np.int64) + 1, draws.uniform("has weight", index) < 0.95),
        "discontinued": kept(words(["false", "true"], is_flagged.astype(np.int64)), catalogue.ending != DATED),
        "discontinued_at": instants(discontinued_at, is_told),
        "last_sold_at": instants(last_sold_at, last_sold_at > 0),
        "created_at": instants(catalogue.listed_at, everything),
        "updated_at": instants(updated_at, everything),
        "deleted_at": instants(catalogue.deleted_at, catalogue.deleted_at < now),
    }


def _ending(catalogue: Catalogue) -> tuple[Ints, Ints]:
    """When the shop says that a product ends, and from when on: a flag at its end, a date some weeks ahead."""
    ahead = np.where(catalogue.ending == DATED, ANNOUNCED_DAYS * DAY_S, 0)
    is_said = np.isin(catalogue.ending, (FLAGGED, DATED)) & (catalogue.ended_at < NEVER)
    told_at = np.where(is_said, np.maximum(catalogue.ended_at - ahead, catalogue.listed_at + 1), NEVER)
    return told_at, catalogue.ended_at


def _stock(draws: Draws, catalogue: Catalogue, now: int) -> tuple[Ints, Ints]:
    """What the last count before now found, and when it was."""
    index, cleared_at = catalogue.index, np.minimum(catalogue.ended_at + CLEARED_DAYS * DAY_S, NEVER)
    every_s = between(draws.uniform("count every", index), 2 * DAY_S, 9 * DAY_S)
    counts = (np.minimum(now, cleared_at) - catalogue.listed_at - 1) // every_s
    found = (60 * exponential(draws.uniform("stock", index, counts))).astype(np.int64)
    is_gone = (cleared_at < now) | (draws.uniform("sold out", index, counts) < 0.06)
    counted_at = np.where(cleared_at < now, cleared_at, catalogue.listed_at + counts * every_s)
    return np.where(is_gone, 0, found), counted_at


def _names(draws: Draws, catalogue: Catalogue) -> pa.Array:
    things = np.array([category.things.split() for category in CATEGORIES])
    kind = whole(draws.uniform("thing", catalogue.index), things.shape[1])
    thing = words(things.ravel().tolist(), catalogue.category * things.shape[1] + kind)
    adjective = words(ADJECTIVES, whole(draws.uniform("adjective", catalogue.index), len(ADJECTIVES)))
    return joined(adjective, " ", thing, " ", numbers(catalogue.index + 1))


def _kilograms(grams: Ints, shown: Flags) -> pa.Array:
    rest = grams % 1000
    return joined(numbers(grams // 1000, shown), ".", padded(rest, np.full_like(rest, 3)))
