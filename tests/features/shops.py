"""Small shops as published tables, and the features of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from datamart_kedro.control.decision import Decision
from datamart_kedro.control.period import Period
from datamart_kedro.pipelines.features.customers import build_ft_customers, trace_customers
from datamart_kedro.pipelines.features.cutoffs import cutoffs_of
from datamart_kedro.pipelines.features.labels import build_ft_customer_labels
from datamart_kedro.pipelines.features.rules import FeatureRules
from datamart_kedro.pipelines.features.sales import build_ft_sales_daily

Row = dict[str, Any]
OPEN = Decision.by_name("features")
"""What opened the gates."""
LOADED = datetime(2030, 1, 1)
"""When the mart first saw its rows, where a test does not say otherwise: after everything that happened."""

CUSTOMERS = {"customer_id": "string", "created_at": "timestamp(6)", "signup_month": "date", "country_code": "string"}
ORDERS = {
    "order_id": "string",
    "customer_id": "string",
    "status": "string",
    "is_failed": "boolean",
    "ordered_at": "timestamp(6)",
    "delivered_at": "timestamp(6)",
    "is_late": "boolean",
    "items_count": "int64",
    "units_count": "decimal(18, 3)",
    "net_amount": "decimal(18, 2)",
    "discount_amount": "decimal(18, 2)",
}
ITEMS = {
    "order_id": "string",
    "line_number": "int64",
    "product_id": "string",
    "category": "string",
    "quantity": "decimal(18, 3)",
    "net_amount": "decimal(18, 2)",
    "is_return": "boolean",
}
PRODUCTS = {
    "product_id": "string",
    "category": "string",
    "department": "string",
    "is_discontinued": "boolean",
    "discontinued_at": "timestamp(6)",
}
VERSION = {"_valid_from": "timestamp(6)", "_valid_to": "timestamp(6)"}


def customer(customer_id: str = "ann", **values: Any) -> Row:
    """A customer who registered before everything."""
    created_at = values.get("created_at", datetime(2024, 1, 1))
    month = created_at and date(created_at.year, created_at.month, 1)
    return {"customer_id": customer_id, "created_at": created_at, "signup_month": month, "country_code": "DE"} | values


def order(order_id: str, ordered_at: datetime | str, customer_id: str | None = "ann", **values: Any) -> Row:
    """An order of one unit at 10.00."""
    at = datetime.fromisoformat(ordered_at) if isinstance(ordered_at, str) else ordered_at
    status = values.get("status", "delivered")
    return {
        "order_id": order_id,
        "customer_id": customer_id,
        "status": status,
        "is_failed": status in ("cancelled", "failed"),
        "ordered_at": at,
        "delivered_at": None,
        "is_late": None,
        "items_count": 1,
        "units_count": Decimal("1.000"),
        "net_amount": Decimal("10.00"),
        "discount_amount": Decimal("0.00"),
    } | values


def item(order_id: str, product_id: str | None = "A", category: str | None = "Books", **values: Any) -> Row:
    """A line of one unit at 10.00."""
    quantity = values.get("quantity", Decimal("1.000"))
    return {
        "order_id": order_id,
        "line_number": 1,
        "product_id": product_id,
        "category": category,
        "quantity": quantity,
        "net_amount": Decimal("10.00"),
        "is_return": quantity < 0,
    } | values


def product(product_id: str, category: str | None = "Books", department: str | None = "Media", **values: Any) -> Row:
    """A product that is still sold."""
    return {
        "product_id": product_id,
        "category": category,
        "department": department,
        "is_discontinued": False,
        "discontinued_at": None,
    } | values


@dataclass(frozen=True)
class SmallShop:
    """Rows of the published tables; `past` are superseded rows, by table, with the period in which they held."""

    customers: Sequence[Row] = field(default_factory=lambda: [customer()])
    orders: Sequence[Row] = ()
    items: Sequence[Row] = ()
    products: Sequence[Row] = ()
    past: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def with_(self, **tables: Sequence[Row]) -> SmallShop:
        """The same shop with other rows."""
        return replace(self, **tables)  # type: ignore[arg-type]

    def ever(self, name: str) -> list[Row]:
        """Every version of the rows of a table."""
        now = [{"_valid_from": LOADED, "_valid_to": None} | row for row in getattr(self, name)]
        return [*now, *self.past.get(name, ())]

    def period(self, known_since: datetime | None = None) -> Period:
        """The days that its orders cover."""
        days = [row["ordered_at"].date() for row in self.orders]
        return Period(min(days, default=None), max(days, default=None), known_since)


def cutoffs(*days: str, **values: Any) -> FeatureRules:
    """Rules with these cutoffs."""
    return FeatureRules(cutoffs=tuple(sorted(date.fromisoformat(day) for day in days)), **values)


TABLES = {"customers": CUSTOMERS, "orders": ORDERS, "items": ITEMS, "products": PRODUCTS}


class Engine:
    """Published tables in an engine of their own. What is asked of them is compiled once, and run for many shops."""

    def __init__(self, **types: Mapping[str, str]) -> None:
        self._types = TABLES | types
        self._backend = ibis.duckdb.connect()
        self._backend.raw_sql("SET TimeZone = 'UTC'")
        self._known: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for name, kinds in self._types.items():
            self._backend.create_table(name, schema=ibis.schema(kinds))
            self._backend.create_table(f"{name}_ever", schema=ibis.schema({**kinds, **VERSION}))

    def __getitem__(self, name: str) -> ir.Table:
        return self._backend.table(name)

    def load(self, shop: SmallShop) -> None:
        """Put a shop in place of the one before."""
        for name, kinds in self._types.items():
            self._fill(name, [{key: row[key] for key in kinds} for row in getattr(shop, name)], kinds)
            if name != "products":
                self._fill(f"{name}_ever", shop.ever(name), {**kinds, **VERSION})

    def run(self, shop: SmallShop, key: Sequence[str], *steps: Callable[[], Mapping[str, ir.Table]]) -> list[Row]:
        """Load a shop, make the tables of each step, and give the rows of the last one.

        Args:
            shop: The shop.
            key: What the steps depend on besides the shop: they are compiled once for each key.
            steps: Expressions by the name of the table that is made of them.
        """
        self.load(shop)
        if tuple(key) not in self._known:
            done = []
            for step in steps:
                for name, expression in step().items():
                    done.append((name, str(self._backend.compile(expression))))
                    self._backend.con.execute(f"CREATE OR REPLACE TABLE {name} AS {done[-1][1]}")
            self._known[tuple(key)] = done
        for name, sql in self._known[tuple(key)]:
            self._backend.con.execute(f"CREATE OR REPLACE TABLE {name} AS {sql}")
        return self._backend.con.execute(f"FROM {name} ORDER BY ALL").to_arrow_table().to_pylist()  # type: ignore[no-any-return]

    def customers(self, rules: FeatureRules, period: Period) -> tuple[Callable[[], Mapping[str, ir.Table]], ...]:
        """The steps that make `ft_customers`."""

        def trace() -> Mapping[str, ir.Table]:
            orders, items, before, lines = (self[n] for n in ("orders", "items", "orders_ever", "items_ever"))
            traced = trace_customers(OPEN, orders, items, before, lines, period, rules)
            return dict(zip(("others", "service", "purchases"), traced, strict=True))

        def build() -> Mapping[str, ir.Table]:
            parts = (self[n] for n in ("customers", "customers_ever", "others", "service", "purchases"))
            return {"ft_customers": build_ft_customers(*parts, period, rules)}

        return trace, build

    def _fill(self, name: str, rows: Sequence[Row], kinds: Mapping[str, str]) -> None:
        self._backend.con.execute(f"DELETE FROM {name}")
        if rows:
            given = pa.Table.from_pylist(list(rows), schema=ibis.schema(kinds).to_pyarrow())
            self._backend.con.register("given", given)
            self._backend.con.execute(f"INSERT INTO {name} FROM given")


@cache
def engine() -> Engine:
    """The engine of this process."""
    return Engine()


def features(shop: SmallShop, rules: FeatureRules, period: Period | None = None, on: Engine | None = None) -> list[Row]:
    """Rows of `ft_customers`, sorted by key."""
    seen, place = period or shop.period(), on or engine()
    key = ("customers", rules.model_dump_json(), repr(cutoffs_of(rules, seen)))
    return place.run(shop, key, *place.customers(rules, seen))


def feature(shop: SmallShop, cutoff: str, **rules: Any) -> Row:
    """The one row of a shop with one customer."""
    (row,) = features(shop, cutoffs(cutoff, **rules))
    return row


def labels(shop: SmallShop, rules: FeatureRules, period: Period | None = None) -> list[Row]:
    """Rows of `ft_customer_labels`, sorted by key."""
    seen, place = replace(period or shop.period(), first_day=None), engine()

    def build() -> Mapping[str, ir.Table]:
        return {"labels": build_ft_customer_labels(OPEN, place["ft_customers"], place["orders"], seen, rules)}

    key = ("labels", rules.model_dump_json(), repr(seen))
    return place.run(shop, key, *place.customers(rules, seen), build)


def label(shop: SmallShop, cutoff: str, **rules: Any) -> Row:
    """The one label of a shop with one customer."""
    (row,) = labels(shop, cutoffs(cutoff, **{"horizons": (30,), "model_horizon_days": 30} | rules))
    return row


def sales(shop: SmallShop, rules: FeatureRules | None = None) -> list[Row]:
    """Rows of `ft_sales_daily`, sorted by key."""
    asked, place = rules or FeatureRules(), engine()

    def build() -> Mapping[str, ir.Table]:
        tables = (place[name] for name in ("orders", "items", "products"))
        return {"sales": build_ft_sales_daily(OPEN, *tables, shop.period(), asked)}

    return place.run(shop, ("sales", asked.model_dump_json(), repr(shop.period())), build)


CATEGORIES = {"A": "Books", "B": "Books", "C": "Games", "D": "Äpfel", "E": None}
DEPARTMENTS = {"Books": "Media", "Games": "Media", "Äpfel": "Food", None: None}
STATUSES = ("delivered", "delivered", "shipped", "returned", "cancelled", "failed")


def random_shop(seed: int, *, days: int = 700, orders: int = 40, people: int = 6) -> SmallShop:
    """A shop of a few customers, some of whom never bought; instants gather at midnight, where mistakes are made."""
    draw = Random(seed)
    known = [customer(f"c{n}", created_at=draw.choice([None, instant(draw, days)])) for n in range(people)]
    buyers = ["c0", "c0", "guest", None, *(row["customer_id"] for row in known[: people - 1])]
    bought, lines = [], []
    for n in range(draw.randint(0, orders)):
        quantities = [Decimal(draw.choice(["1", "2", "0.5", "-1"])) for _ in range(draw.randint(0, 4))]
        amounts = [Decimal(draw.randint(0, 3000)).scaleb(-2) * (1 if q > 0 else -1) for q in quantities]
        at = instant(draw, days)
        bought.append(
            order(
                f"o{n}",
                at,
                draw.choice(buyers),
                status=draw.choice(STATUSES),
                delivered_at=draw.choice([None, at + timedelta(days=draw.randint(0, 40))]),
                is_late=draw.choice([None, True, False]),
                items_count=len(quantities),
                units_count=sum(quantities, Decimal(0)),
                net_amount=sum(amounts, Decimal("0.00")),
                discount_amount=Decimal(draw.randint(0, 300)).scaleb(-2),
            )
        )
        for number, (quantity, amount) in enumerate(zip(quantities, amounts, strict=True), start=1):
            sold = draw.choice([*CATEGORIES, None])
            category = CATEGORIES.get(sold) if sold else None
            lines.append(item(f"o{n}", sold, category, line_number=number, quantity=quantity, net_amount=amount))
    products = [product(name, category, DEPARTMENTS[category]) for name, category in CATEGORIES.items()]
    return SmallShop(known, bought, lines, products)


def instant(draw: Random, days: int) -> datetime:
    """An instant in the days from 2025 on; often midnight, or a microsecond before."""
    day = datetime(2025, 1, 1) + timedelta(days=draw.randint(0, days))
    return day + draw.choice(
        [timedelta(0), timedelta(microseconds=-1), timedelta(seconds=draw.randint(0, 86_399), microseconds=7)]
    )


def later(rows_: Sequence[Row], change: Callable[[Row], Row | None], cutoff: datetime) -> list[Row]:
    """Rows with those from the cutoff on changed, or left out where the change gives None."""
    return [new for row in rows_ if (new := row if row["ordered_at"] < cutoff else change(row)) is not None]
