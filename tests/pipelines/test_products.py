"""Products: what they bring, whether they can be had, and whether they are still sold."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.pipelines.products.columns import MEANINGS, TABLE
from datamart_kedro.pipelines.products.nodes import build_products, stage_products
from datamart_kedro.pipelines.products.rules import ProductRules
from tests.shop import product
from tests.tables import rows, source

Row = dict[str, Any]

GATE = Decision.by_name("products")
RULES = ProductRules(
    departments={"Books": "Media", "USB Sticks": "Technology"},
    category_aliases={"paperbacks": "Books", "odds": "Odds & Ends"},
)


def stage_rows(*came: Row, rules: ProductRules = RULES) -> ir.Table:
    return stage_products(source(came), GATE, rules, Formats()).rows


def publish(*came: Row, rules: ProductRules = RULES) -> list[Row]:
    """The published products, sorted by their id."""
    return rows(build_products(stage_rows(*came, rules=rules), rules), "product_id")


def reasons(*came: Row, rules: ProductRules = RULES) -> dict[str, str]:
    """Why products were rejected, by their id."""
    rejected = stage_products(source(came), GATE, rules, Formats()).rejected
    return {row["came"]["product_id"]: row["reasons"] for row in rows(rejected)}


def discontinued(*came: Row, no_sales_days: int | None = None) -> list[tuple[bool, str | None]]:
    """Whether products are discontinued, and how we know, in the order in which they are given."""
    numbered = [row | {"product_id": f"{number:03}"} for number, row in enumerate(came)]
    published = publish(*numbered, rules=ProductRules(no_sales_days=no_sales_days))
    return [(row["is_discontinued"], row["discontinued_reason"]) for row in published]


def test_the_published_columns_are_those_of_the_design():
    assert list(TABLE.columns) == [
        "product_id",
        "sku",
        "name",
        "category",
        "department",
        "unit_price",
        "unit_cost",
        "margin_rate",
        "stock_quantity",
        "reorder_level",
        "weight_kg",
        "availability",
        "is_discontinued",
        "discontinued_at",
        "discontinued_reason",
        "created_at",
        "updated_at",
    ]


def test_a_product_is_published_with_what_the_shop_knows():
    (published,) = publish(product(sku="00-7", weight_kg="0.25", unit_price="12.3456"))
    assert published == {
        "product_id": "A",
        "sku": "00-7",
        "name": "Lamp",
        "category": "Books",
        "department": "Media",
        "unit_price": Decimal("12.3456"),
        "unit_cost": Decimal("4.0000"),
        "margin_rate": Decimal("0.675998"),  # 8.3456 / 12.3456 = 0.67599792...
        "stock_quantity": Decimal("7.000"),
        "reorder_level": Decimal("2.000"),
        "weight_kg": Decimal("0.250"),
        "availability": "in_stock",
        "is_discontinued": False,
        "discontinued_at": None,
        "discontinued_reason": None,
        "created_at": datetime(2025, 1, 1),
        "updated_at": datetime(2025, 1, 1),
    }


def test_prices_costs_and_margins_are_decimals():
    types = build_products(stage_rows(product()), RULES).schema()
    assert [str(types[name]).lstrip("!") for name in ("unit_price", "unit_cost", "margin_rate")] == [
        "decimal(18, 4)",
        "decimal(18, 4)",
        "decimal(18, 6)",
    ]


def test_the_margin_is_the_share_of_the_price_that_is_not_cost():
    margins = {
        ("10", "4"): Decimal("0.6"),
        ("10", "0"): Decimal(1),
        ("10", "15"): Decimal("-0.5"),
        ("3", "2"): Decimal("0.333333"),
        ("3", "1"): Decimal("0.666667"),
        ("0", "4"): None,
        ("", "4"): None,
        ("10", ""): None,
    }
    came = [
        product(product_id=str(number), unit_price=price, unit_cost=cost)
        for number, (price, cost) in enumerate(margins)
    ]
    assert [row["margin_rate"] for row in publish(*came)] == list(margins.values())


def test_a_category_has_one_spelling_and_its_department():
    written = {
        "books": ("Books", "Media"),
        "BOOKS": ("Books", "Media"),
        "Paperbacks": ("Books", "Media"),
        "usb sticks": ("USB Sticks", "Technology"),
        "odds": ("Odds & Ends", None),
        "garden TOOLS": ("Garden tools", None),
        "": (None, None),
    }
    came = [product(product_id=str(number), category=category) for number, category in enumerate(written)]
    assert [(row["category"], row["department"]) for row in publish(*came)] == list(written.values())


def test_categories_without_a_department_are_counted():
    came = [
        product(product_id=str(number), category=category)
        for number, category in enumerate(["toys", "Toys", "Books", ""])
    ]
    assert rows(unmapped(stage_rows(*came), MEANINGS)) == [{"column": "category", "value": "Toys", "rows": 2}]


def test_availability_follows_from_the_stock():
    expected = {
        ("3", "2"): "in_stock",
        ("2", "2"): "low_stock",
        ("0.5", "2"): "low_stock",
        ("0", "2"): "out_of_stock",
        ("-1", "2"): "out_of_stock",
        ("", "2"): "unknown",
        ("5", ""): "low_stock",
        ("6", ""): "in_stock",
    }
    came = [
        product(product_id=str(number), stock_quantity=stock, reorder_level=level)
        for number, (stock, level) in enumerate(expected)
    ]
    published = publish(*came, rules=ProductRules(low_stock_from=Decimal(5)))
    assert [row["availability"] for row in published] == list(expected.values())


def test_a_discontinued_product_is_neither_in_stock_nor_out_of_it():
    came = [product(product_id=stock, stock_quantity=stock, discontinued="yes") for stock in ("7", "0", "-1")]
    assert {row["availability"] for row in publish(*came)} == {"discontinued"}


def test_the_flag_of_the_shop_discontinues_a_product_and_comes_before_a_date():
    assert discontinued(
        product(discontinued="1", discontinued_at="2024-12-31"), product(discontinued="0"), product(discontinued="")
    ) == [(True, "flag"), (False, None), (False, None)]


def test_a_date_discontinues_a_product_once_it_has_passed_by_the_clock_of_the_data():
    assert discontinued(
        product(discontinued_at="2025-06-01", updated_at="2025-01-01"),
        product(discontinued_at="2025-06-02", updated_at="2025-01-01"),
        product(discontinued_at="2025-06-03", updated_at="2025-01-01"),
        product(updated_at="2025-06-02"),
    ) == [(True, "date"), (True, "date"), (False, None), (False, None)]


def test_the_clock_of_the_data_is_the_newest_change_listing_or_sale():
    dated = product(discontinued_at="2025-06-02", updated_at="2025-01-01")
    clocks = [{"updated_at": "2025-06-02"}, {"created_at": "2025-06-02"}, {"last_sold_at": "2025-06-02"}, {}]
    assert [discontinued(dated, product(**clock))[0] for clock in clocks] == [(True, "date")] * 3 + [(False, None)]


def test_without_any_clock_a_date_has_passed():
    assert discontinued(product(discontinued_at="2025-06-02", updated_at="", created_at="")) == [(True, "date")]


def test_a_product_that_the_shop_deleted_stays_and_is_discontinued_since_then():
    (published,) = publish(product(deleted_at="2030-01-01", updated_at="2025-01-01"))
    assert (published["is_discontinued"], published["discontinued_reason"], published["discontinued_at"]) == (
        True,
        "date",
        datetime(2030, 1, 1),
    )


def test_the_date_that_the_shop_names_wins_over_the_deletion():
    (published,) = publish(product(deleted_at="2025-03-01", discontinued_at="2025-02-01"))
    assert published["discontinued_at"] == datetime(2025, 2, 1)


def test_a_product_without_sales_for_too_long_is_discontinued_counted_from_the_newest_sale():
    assert discontinued(
        product(last_sold_at="2025-12-31", updated_at="2027-01-01"),
        product(last_sold_at="2025-12-01"),
        product(last_sold_at="2025-11-30T23:59:59Z"),
        no_sales_days=30,
    ) == [(False, None), (False, None), (True, "no_sales")]


def test_a_product_that_never_sold_counts_from_its_listing():
    assert discontinued(
        product(last_sold_at="2025-12-31"),
        product(last_sold_at="", created_at="2025-11-30"),
        product(last_sold_at="", created_at="2025-12-02"),
        product(last_sold_at="", created_at=""),
        no_sales_days=30,
    ) == [(False, None), (True, "no_sales"), (False, None), (False, None)]


def test_a_source_that_tells_no_sales_discontinues_nothing_for_want_of_them():
    assert discontinued(
        product(created_at="2010-01-01"), product(created_at="2025-01-01", updated_at="2025-12-31"), no_sales_days=30
    ) == [(False, None), (False, None)]


def test_nothing_is_discontinued_for_want_of_sales_unless_the_rules_say_so():
    assert discontinued(product(last_sold_at="2010-01-01"), product(last_sold_at="2025-12-31")) == [(False, None)] * 2


def test_impossible_prices_and_costs_are_rejected():
    assert reasons(
        product(product_id="1", unit_price="-0.01"),
        product(product_id="2", unit_cost="-0.01"),
        product(product_id="3", unit_price="100.01"),
        product(product_id="4", unit_cost="100.01"),
        product(product_id="5", unit_price="100", unit_cost="0"),
        product(product_id="6", unit_price="", unit_cost=""),
        rules=ProductRules(max_unit_price=Decimal(100)),
    ) == {
        "1": "unit_price is negative",
        "2": "unit_cost is negative",
        "3": "unit_price is above 100",
        "4": "unit_cost is above 100",
    }


def test_a_cost_a_thousand_million_times_the_price_breaks_nothing():
    dear = product(unit_price="0.0001", unit_cost="9999999999")
    assert publish(dear, rules=ProductRules(max_unit_price=Decimal("9999999999")))[0]["margin_rate"] is None
