"""Four domains of a shop full of dirt: nothing is lost, nothing is doubled, and the figures agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.stage import Staged
from datamart_kedro.pipelines.customers.columns import KEY as CUSTOMER_KEY
from datamart_kedro.pipelines.customers.columns import SOURCE as CUSTOMERS
from datamart_kedro.pipelines.customers.nodes import build_customers, stage_customers
from datamart_kedro.pipelines.customers.rules import CustomerRules
from datamart_kedro.pipelines.order_items.columns import KEY as ITEM_KEY
from datamart_kedro.pipelines.order_items.columns import SOURCE as ORDER_ITEMS
from datamart_kedro.pipelines.order_items.nodes import build_order_items, stage_order_items
from datamart_kedro.pipelines.order_items.rules import OrderItemRules, TaxRates
from datamart_kedro.pipelines.orders.columns import KEY as ORDER_KEY
from datamart_kedro.pipelines.orders.columns import SOURCE as ORDERS
from datamart_kedro.pipelines.orders.nodes import build_orders, stage_orders
from datamart_kedro.pipelines.orders.rules import OrderRules, ShippingFees
from datamart_kedro.pipelines.products.columns import KEY as PRODUCT_KEY
from datamart_kedro.pipelines.products.columns import SOURCE as PRODUCTS
from datamart_kedro.pipelines.products.nodes import build_products, stage_products
from datamart_kedro.pipelines.products.rules import ProductRules
from tests.tables import computed, computed_once, rows, source

Row = dict[str, Any]

GATE = Decision.by_name("any")
PARIS = Formats(time_zone="Europe/Paris")
ITEM_RULES = OrderItemRules(tax=TaxRates(default=Decimal("0.19"), by_country={"FR": Decimal("0.2")}))
ORDER_RULES = OrderRules(
    status_map={"done": "delivered", "cancelled": "cancelled"},
    shipping=ShippingFees(free_from=Decimal("50.00")),
)
PRODUCT_RULES = ProductRules(departments={"Books": "Media"}, no_sales_days=30)

JUNK = ["", " ", "n/a", "x", "-1", "0", "1e99", "NaN", "9" * 40, "2025-02-30", "\x00", "0000-01-01", "ßé", "yes;no"]
LIKELY = {
    "id": ["1", "2", " 3", "3", "007", "7", "B", "B"],
    "text": ["done", "cancelled", "Books", "books", "FR", "Germany", "ann@example.com", " two\nlines"],
    "instant": ["2025-01-01", "01/02/2025", "2025-03-01T10:00:00Z", "2025-12-31 23:30"],
    "integer": ["1", "2", "3"],
    "decimal": ["1", "-2", "0.5", "3"],
    "money": ["10", "0.005", "9.99", "0", "12.3456"],
    "rate": ["0.1", "0.19", "0"],
    "flag": ["yes", "no", "0"],
}
RARE = ("deleted_at", "discount_amount", "tax_amount")


class Domain(NamedTuple):
    """How a domain is staged, and what tells its rows apart."""

    columns: Any
    key: tuple[str, ...]
    stage: Callable[[Any], Staged]


DOMAINS = {
    "customers": Domain(CUSTOMERS, CUSTOMER_KEY, lambda came: stage_customers(came, GATE, CustomerRules(), PARIS)),
    "products": Domain(PRODUCTS, PRODUCT_KEY, lambda came: stage_products(came, GATE, PRODUCT_RULES, PARIS)),
    "orders": Domain(ORDERS, ORDER_KEY, lambda came: stage_orders(came, GATE, ORDER_RULES, PARIS)),
    "order_items": Domain(ORDER_ITEMS, ITEM_KEY, lambda came: stage_order_items(came, GATE, ITEM_RULES, PARIS)),
}


def dirty_rows(random: Random, domain: str, count: int, dirt: float) -> list[Row]:
    """Rows of a domain in which a share of the values is junk, and keys come again and again."""

    def value(name: str, kind: str) -> str | None:
        if random.random() < dirt:
            return random.choice([None, *JUNK])
        if name in RARE and random.random() < 0.9:
            return ""
        return random.choice(LIKELY[kind])

    columns = DOMAINS[domain].columns
    return [{name: value(name, column.kind) for name, column in columns.items()} for _ in range(count)]


def parts(staged: Staged) -> list[list[Row]]:
    """Rows that are staged, rejected, and keys that came more than once."""
    return [rows(part) for part in computed_once(staged.judged, staged.rows, staged.rejected, staged.duplicates)]


seeds = st.integers(0, 10_000)


@pytest.mark.parametrize("domain", DOMAINS)
@settings(deadline=None, max_examples=2)
@given(seed=seeds)
def test_each_row_is_staged_rejected_or_superseded_whatever_the_order(domain: str, seed: int):
    random = Random(seed)
    came = dirty_rows(random, domain, count=300, dirt=0.03)
    found = DOMAINS[domain].stage(source(came))
    again = DOMAINS[domain].stage(source(random.sample(came, len(came))))
    staged, rejected, duplicates = parts(found)
    assert len(staged) + len(rejected) + sum(row["copies"] - 1 for row in duplicates) == len(came)
    assert min(len(staged), len(rejected), len(duplicates)) > 0
    assert [staged, rejected, duplicates] == parts(again)


@pytest.mark.parametrize("domain", DOMAINS)
@settings(deadline=None, max_examples=2)
@given(seed=seeds)
def test_rejected_rows_are_rows_of_the_source_whole_and_each_has_a_reason(domain: str, seed: int):
    came = dirty_rows(Random(seed), domain, count=200, dirt=0.1)
    rejected = rows(DOMAINS[domain].stage(source(came)).rejected)
    assert all(row["reasons"] for row in rejected)
    left = Counter(tuple(row.values()) for row in came)
    left.subtract(tuple(row["came"].values()) for row in rejected)
    assert min(left.values()) >= 0


class Mart(NamedTuple):
    """Published rows of the four domains."""

    customers: list[Row]
    products: list[Row]
    orders: list[Row]
    order_items: list[Row]


def publish(random: Random) -> Mart:
    """Stage and build a whole shop."""
    counts = {"customers": 60, "products": 40, "orders": 150, "order_items": 400}
    staged = {
        name: domain.stage(source(dirty_rows(random, name, counts[name], dirt=0.01)))
        for name, domain in DOMAINS.items()
    }
    tmp = {name: computed(*computed_once(found.judged, found.rows)) for name, found in staged.items()}
    products = computed(build_products(tmp["products"], PRODUCT_RULES))
    items = computed(build_order_items(tmp["order_items"], tmp["orders"], products, ITEM_RULES))
    orders = computed(build_orders(tmp["orders"], items, ORDER_RULES, PARIS))
    customers = build_customers(tmp["customers"], orders, CustomerRules(), PARIS)
    return Mart(rows(customers), rows(products), rows(orders), rows(items))


@settings(deadline=None, max_examples=3)
@given(seed=seeds)
def test_figures_of_the_four_tables_agree_and_each_key_has_one_row(seed: int):
    mart = publish(Random(seed))
    for name, published in mart._asdict().items():
        keys = [tuple(row[column] for column in DOMAINS[name].key) for row in published]
        assert published
        assert len(set(keys)) == len(keys)
    by_order: dict[str, list[Row]] = defaultdict(list)
    for item in mart.order_items:
        assert item["net_amount"] == item["gross_amount"] - item["discount_amount"]
        assert item["total_amount"] == item["net_amount"] + item["tax_amount"]
        assert item["is_return"] == (item["quantity"] < 0) == (item["gross_amount"] < 0) or item["gross_amount"] == 0
        by_order[item["order_id"]].append(item)
    known = {order["order_id"] for order in mart.orders}
    assert {order_id for order_id, items in by_order.items() if items[0]["is_orphan"]} == by_order.keys() - known
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for order in mart.orders:
        items = by_order[order["order_id"]]
        for name in ("gross_amount", "discount_amount", "net_amount", "tax_amount"):
            assert order[name] == sum((item[name] for item in items), Decimal(0))
        assert order["items_count"] == len(items)
        assert order["units_count"] == sum((item["quantity"] for item in items), Decimal(0))
        assert order["total_amount"] == order["net_amount"] + order["tax_amount"] + order["shipping_fee"]
        assert (order["failure_reason"] is not None) == order["is_failed"]
        by_customer[order["customer_id"]].append(order)
    for customer in mart.customers:
        kept = [order for order in by_customer[customer["customer_id"]] if not order["is_failed"]]
        assert customer["orders_count"] == len(kept)
        assert customer["failed_orders_count"] == len(by_customer[customer["customer_id"]]) - len(kept)
        assert customer["net_amount_lifetime"] == sum((order["net_amount"] for order in kept), Decimal(0))
        assert customer["first_ordered_at"] == min((order["ordered_at"] for order in kept), default=None)
        assert customer["last_ordered_at"] == max((order["ordered_at"] for order in kept), default=None)
