"""A shop whose rows say when they changed: Parquet files with types, changed at random as a shop changes them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from tests.project import Project

INSTANT = pa.timestamp("us")
SCHEMAS: Mapping[str, Mapping[str, pa.DataType]] = {
    "customers": {
        "customer_id": pa.int64(),
        "full_name": pa.string(),
        "email": pa.string(),
        "country": pa.string(),
        "created_at": INSTANT,
        "updated_at": INSTANT,
        "deleted_at": INSTANT,
    },
    "products": {
        "product_id": pa.int64(),
        "name": pa.string(),
        "category": pa.string(),
        "unit_price": pa.decimal128(12, 2),
        "unit_cost": pa.decimal128(12, 2),
        "stock_quantity": pa.int64(),
        "updated_at": INSTANT,
    },
    "orders": {
        "order_id": pa.int64(),
        "customer_id": pa.int64(),
        "status": pa.string(),
        "ordered_at": INSTANT,
        "ship_country": pa.string(),
        "updated_at": INSTANT,
        "deleted_at": INSTANT,
    },
    "order_items": {
        "order_id": pa.int64(),
        "line_number": pa.int64(),
        "product_id": pa.int64(),
        "quantity": pa.int64(),
        "unit_price": pa.decimal128(12, 2),
        "updated_at": INSTANT,
    },
}
KEYS = {
    "customers": ("customer_id",),
    "products": ("product_id",),
    "orders": ("order_id",),
    "order_items": ("order_id", "line_number"),
}
START = datetime(2026, 1, 1)

Row = dict[str, Any]


@dataclass
class TypedShop:
    """The rows of a shop, by domain; each list may hold several versions of a row, as a log does.

    Attributes:
        clock: The shop's time; each change happens a little later.
        rows: What its tables hold.
    """

    clock: datetime = START
    rows: dict[str, list[Row]] = field(default_factory=lambda: {domain: [] for domain in SCHEMAS})

    def add(self, domain: str, **values: Any) -> Row:
        """Insert a row."""
        row = dict.fromkeys(SCHEMAS[domain]) | {"updated_at": self.tick()} | values
        self.rows[domain].append(row)
        return row

    def tick(self, minutes: float = 1) -> datetime:
        """Let time pass."""
        self.clock += timedelta(minutes=minutes)
        return self.clock

    def change(self, row: Row, **values: Any) -> None:
        """Update a row in place."""
        row.update({"updated_at": self.tick()} | values)

    def write(self, project: Project, domains: tuple[str, ...] = tuple(SCHEMAS)) -> None:
        """Write the files that the project reads."""
        for domain in domains:
            columns = {name: kind for name, kind in SCHEMAS[domain].items() if self._has(domain, name)}
            rows = [{name: row[name] for name in columns} for row in self.rows[domain]]
            table = pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))
            with duckdb.connect() as engine:
                engine.register("new_rows", table)
                path = project.folder / "data" / "01_raw" / f"{domain}.parquet"
                engine.execute(f"COPY new_rows TO '{path}.new' (FORMAT parquet)")
            path.with_name(f"{path.name}.new").rename(path)

    def _has(self, domain: str, name: str) -> bool:
        """Lines without numbers are those of a shop that does not number them."""
        return name != "line_number" or any(row["line_number"] is not None for row in self.rows[domain])


def read_parquet(project: Project) -> None:
    """Have a project read the Parquet files of a typed shop."""
    for domain in SCHEMAS:
        query = project.folder / "conf" / "base" / "sources" / f"{domain}.sql"
        query.unlink()
        query.write_text(f"SELECT * FROM 'data/01_raw/{domain}.parquet'", encoding="utf-8")


def a_typed_shop(chance: random.Random, *, orders: int = 12, numbered: bool = True) -> TypedShop:
    """Customers, products, and orders with lines."""
    shop = TypedShop()
    for number in range(1, 6):
        shop.add("customers", customer_id=number, full_name=f"Customer {number}", country="DE", created_at=START)
        shop.add("products", **a_product(chance, number))
    for number in range(1, orders + 1):
        add_order(shop, chance, number, numbered=numbered)
    return shop


def a_product(chance: random.Random, number: int) -> Row:
    """A product with a price of its own."""
    price = Decimal(chance.randint(100, 9999)) / 100
    return {
        "product_id": number,
        "name": f"Product {number}",
        "category": chance.choice(["Books", "Garden"]),
        "unit_price": price,
        "unit_cost": round(price / 2, 2),
        "stock_quantity": chance.randint(0, 9),
    }


def add_order(shop: TypedShop, chance: random.Random, number: int, *, numbered: bool = True) -> None:
    """An order with up to three lines; some are of customers or products that nobody knows."""
    shop.add(
        "orders",
        order_id=number,
        customer_id=chance.choice([1, 2, 3, 4, 5, 77, None]),
        status=chance.choice(["shipped", "delivered", "cancelled", "never heard of"]),
        ordered_at=shop.clock,
        ship_country=chance.choice(["DE", "FR"]),
    )
    for line in range(1, chance.randint(1, 3) + 1):
        shop.add(
            "order_items",
            order_id=number,
            line_number=line if numbered else None,
            product_id=chance.choice([1, 2, 3, 4, 5, 88]),
            quantity=chance.choice([1, 1, 2, 3, -1, 0]),
            unit_price=Decimal(chance.randint(100, 9999)) / 100,
        )


def change_at_random(shop: TypedShop, chance: random.Random, *, numbered: bool = True) -> None:
    """One of the things that happen in a shop, among them those that make extraction lose rows."""
    domain = chance.choice(list(SCHEMAS))
    rows = shop.rows[domain]
    what = chance.choice(["insert", "update", "update", "delete", "late", "early", "version", "move", "no clock"])
    if what == "insert" or len(rows) < 3:
        number = max(row["order_id"] for row in shop.rows["orders"]) + 1
        add_order(shop, chance, number, numbered=numbered)
    elif what == "delete":  # for good: only its key tells
        rows.remove(chance.choice(rows))
    elif what == "late":  # committed long after its updated_at
        row = chance.choice(rows)
        row.update(_other_values(chance, domain), updated_at=START + timedelta(seconds=chance.randint(1, 500)))
    elif what == "early" and domain == "order_items":  # a line before its order
        number = 1000 + chance.randint(1, 9)
        known = [row["line_number"] or 0 for row in rows if row["order_id"] == number]
        line = max(known, default=0) + 1 if numbered else None
        shop.add(domain, order_id=number, line_number=line, product_id=1, quantity=1, unit_price=Decimal(5))
    elif what == "version" and numbered:  # a log keeps the row as it was, too
        shop.rows[domain].append(chance.choice(rows) | _other_values(chance, domain) | {"updated_at": shop.tick()})
    elif what == "move" and domain == "orders":
        shop.change(chance.choice(rows), customer_id=chance.choice([1, 2, 3, None, 99]))
    elif what == "no clock":
        chance.choice(rows).update(_other_values(chance, domain), updated_at=None)
    else:
        shop.change(chance.choice(rows), **_other_values(chance, domain))


def _other_values(chance: random.Random, domain: str) -> Row:
    if domain == "customers":
        return {"full_name": f"Somebody {chance.randint(1, 99)}", "country": chance.choice(["DE", "FR", "Atlantis"])}
    if domain == "products":
        return {"unit_cost": Decimal(chance.randint(-1, 99)), "category": chance.choice(["Books", "Garden", "Toys"])}
    if domain == "orders":
        deleted_at = chance.choice([None, None, START])
        return {"status": chance.choice(["shipped", "cancelled", "delivered"]), "deleted_at": deleted_at}
    return {"quantity": chance.choice([-2, 0, 1, 5]), "product_id": chance.choice([1, 2, 3, 88])}
