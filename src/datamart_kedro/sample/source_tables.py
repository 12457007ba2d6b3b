"""The source data of a shop on a day, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from datamart_kedro.sample.catalogue import make_catalogue
from datamart_kedro.sample.customers import customer_rows, customers_arrived, live, truth_rows
from datamart_kedro.sample.draws import Draws
from datamart_kedro.sample.faults import CUSTOMER_FAULTS, ORDER_FAULTS, ORDER_ITEM_FAULTS, PRODUCT_FAULTS
from datamart_kedro.sample.lines import last_sales, line_rows, make_lines
from datamart_kedro.sample.order_rows import order_rows
from datamart_kedro.sample.orders import place_orders
from datamart_kedro.sample.planting import Fault, Rows, plant, random_turns
from datamart_kedro.sample.product_rows import product_rows
from datamart_kedro.sample.seasons import Season
from datamart_kedro.sample.settings import SampleShop
from datamart_kedro.sample.tables import TABLES
from datamart_kedro.sample.texts import joined, numbers

CHUNK = 20_000
"""Customers that are made at a time, with all of their orders."""
MORE_DIRT = {"customers": 2, "products": 3}
"""Tables with few rows, and how many times the share of faults they have that other tables have."""

Columns = Mapping[str, pa.Array]
Chunk = dict[str, Columns]
"""Some rows of some tables; all columns are text."""


def chunks_of(shop: SampleShop) -> int:
    """How many chunks of customers there are."""
    return -(-customers_arrived(shop) // CHUNK)


def source_tables(shop: SampleShop, *, typed: bool = False, chunks: int | None = None) -> Iterator[Chunk]:
    """The rows of all tables: a chunk of customers with all of theirs after another, and at last the products.

    Args:
        shop: The shop and its day.
        typed: Leave out faults that columns with types cannot hold.
        chunks: How many chunks of customers to make, the last ones empty; as many as there are if absent.
    """
    draws, season = Draws(shop.seed), Season(shop)
    catalogue = make_catalogue(shop, draws)
    last_sold_at = np.zeros(len(catalogue.index), dtype=np.int64)
    for chunk in range(chunks or chunks_of(shop)):
        customers = live(shop, draws, chunk * CHUNK, (chunk + 1) * CHUNK).known_on(shop.now)
        orders = place_orders(shop, draws, season, customers).known_on(shop.now)
        lines = make_lines(draws, catalogue, orders)
        last_sold_at = np.maximum(last_sold_at, last_sales(shop, catalogue, orders, lines))
        columns = customer_rows(shop, draws, customers)
        rows = [Rows("customers", columns, columns["customer_id"], customers.number)]
        columns = order_rows(shop, draws, customers, orders)
        rows.append(Rows("orders", columns, columns["order_id"], random_turns(draws, orders.number)))
        number, line, columns = line_rows(shop, draws, season, catalogue, customers, orders, lines)
        keys = joined(numbers(number), "/", numbers(line))
        rows.append(Rows("order_items", columns, keys, random_turns(draws, number, line)))
        yield {**_planted(shop, draws, rows, typed=typed), "truth": truth_rows(shop, customers)}
    index, columns = product_rows(shop, draws, catalogue, last_sold_at)
    yield _planted(shop, draws, [Rows("products", columns, columns["product_id"], index)], typed=typed)


def _planted(shop: SampleShop, draws: Draws, rows: Sequence[Rows], *, typed: bool) -> Chunk:
    """The rows with their faults, and the ledger of these."""
    tables: Chunk = {}
    ledger: list[Columns] = []
    for table in rows:
        tables[table.domain], entries = plant(
            table, FAULTS_OF[table.domain], dirt_of(shop, table.domain), draws, typed=typed
        )
        ledger += entries
    return {**tables, "faults": {name: _one([entry[name] for entry in ledger]) for name in TABLES["faults"]}}


def dirt_of(shop: SampleShop, domain: str) -> float:
    """Share of a table's rows that get a fault."""
    return min(1.0, shop.dirt * MORE_DIRT.get(domain, 1))


FAULTS_OF: Mapping[str, Sequence[Fault]] = {
    "customers": CUSTOMER_FAULTS,
    "products": PRODUCT_FAULTS,
    "orders": ORDER_FAULTS,
    "order_items": ORDER_ITEM_FAULTS,
}


def _one(parts: Sequence[pa.Array]) -> pa.Array:
    return pa.concat_arrays(parts) if parts else pa.nulls(0, pa.string())
