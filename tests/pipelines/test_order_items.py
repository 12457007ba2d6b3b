"""Order lines: exact amounts, what the shop states before what the rules say, and returns below zero."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import ibis.expr.types as ir
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.pipelines.order_items.columns import TABLE
from datamart_kedro.pipelines.order_items.nodes import add_amounts, build_order_items, stage_order_items
from datamart_kedro.pipelines.order_items.rules import OrderItemRules, TaxRates
from tests.shop import item
from tests.tables import rows, source, table

Row = dict[str, Any]

GATE = Decision.by_name("order_items")
NO_TAX = OrderItemRules()
CENT = Decimal("0.01")
LINE_TYPES = {
    "line": "int64",
    "quantity": "decimal(18, 3)",
    "unit_price": "decimal(18, 4)",
    "unit_cost": "decimal(18, 4)",
    "discount_rate": "decimal(18, 6)",
    "discount_amount": "decimal(18, 4)",
    "tax_rate": "decimal(18, 6)",
    "tax_amount": "decimal(18, 4)",
    "category": "string",
    "ship_country_code": "string",
}


def tmp_orders(*orders: Row, key: str = "string") -> ir.Table:
    """Staged orders, with the columns that lines look at."""
    types = {"order_id": key, "ship_country_code": "string", "deleted_at": "timestamp(6)"}
    return table([{"order_id": "10", "ship_country_code": "DE"} | order for order in orders], **types)


def tb_products(*products: Row, key: str = "string") -> ir.Table:
    """Published products, with the columns that lines look at."""
    types = {"product_id": key, "category": "string", "unit_cost": "decimal(18, 4)"}
    return table(
        [{"product_id": "A", "category": "Books", "unit_cost": Decimal(4)} | known for known in products], **types
    )


def publish(
    *came: Row, orders: ir.Table | None = None, products: ir.Table | None = None, rules: OrderItemRules = NO_TAX
) -> list[Row]:
    """The published lines, sorted by order and line."""
    staged = stage_order_items(source(came), GATE, rules, Formats()).rows
    orders = tmp_orders({}) if orders is None else orders
    products = tb_products({}) if products is None else products
    return rows(build_order_items(staged, orders, products, rules), "order_id", "line_number")


def each_line(*variations: Row, **how: Any) -> list[Row]:
    """The published lines of one order that differ in this alone, in the order in which they are given."""
    return publish(*(item(line_number=str(100 + number), **values) for number, values in enumerate(variations)), **how)


def reasons(*variations: Row, rules: OrderItemRules = NO_TAX) -> list[str | None]:
    """Why lines that differ in this alone were rejected, None if they were not, in their order."""
    came = [item(line_number=str(number), **values) for number, values in enumerate(variations)]
    rejected = rows(stage_order_items(source(came), GATE, rules, Formats()).rejected)
    found = {int(row["came"]["line_number"]): row["reasons"] for row in rejected}
    return [found.get(number) for number in range(len(came))]


def amounts(*lines: Row, tax: TaxRates | None = None) -> list[Row]:
    """Lines with their amounts, in the order in which they are given."""
    defaults = {"quantity": Decimal(2), "unit_price": Decimal(10), "unit_cost": Decimal(4)}
    numbered = table([{"line": line} | defaults | values for line, values in enumerate(lines)], **LINE_TYPES)
    return sorted(rows(add_amounts(numbered, tax or TaxRates())), key=lambda row: int(row["line"]))


def test_the_published_columns_are_those_of_the_design():
    assert list(TABLE.columns) == [
        "order_id",
        "line_number",
        "product_id",
        "category",
        "quantity",
        "unit_price",
        "gross_amount",
        "discount_rate",
        "discount_amount",
        "net_amount",
        "tax_rate",
        "tax_amount",
        "total_amount",
        "unit_net_price",
        "shipping_fee",
        "unit_cost",
        "margin_amount",
        "is_return",
        "is_orphan",
        "updated_at",
    ]


def test_a_line_is_published_with_its_amounts():
    came = item(quantity="3", unit_price="3.35", discount_rate="0.1", tax_rate="0.19", shipping_fee="1.005")
    assert publish(came) == [
        {
            "order_id": "10",
            "line_number": 1,
            "product_id": "A",
            "category": "Books",
            "quantity": Decimal("3.000"),
            "unit_price": Decimal("3.3500"),
            "gross_amount": Decimal("10.05"),
            "discount_rate": Decimal("0.100000"),
            "discount_amount": Decimal("1.01"),  # 1.005
            "net_amount": Decimal("9.04"),
            "tax_rate": Decimal("0.190000"),
            "tax_amount": Decimal("1.72"),  # 1.7176
            "total_amount": Decimal("10.76"),
            "unit_net_price": Decimal("3.0133"),
            "shipping_fee": Decimal("1.01"),
            "unit_cost": Decimal("4.0000"),
            "margin_amount": Decimal("-2.96"),
            "is_return": False,
            "is_orphan": False,
            "updated_at": datetime(2025, 2, 3, 10),
        }
    ]


def test_amounts_and_rates_are_decimals():
    staged = stage_order_items(source([item()]), GATE, NO_TAX, Formats()).rows
    types = build_order_items(staged, tmp_orders({}), tb_products({}), NO_TAX).schema()
    amounts_ = [name for name in types if name.endswith(("_amount", "_fee"))]
    assert {str(types[name]).lstrip("!") for name in amounts_} == {"decimal(18, 2)"}
    assert {str(types[name]).lstrip("!") for name in ("discount_rate", "tax_rate")} == {"decimal(18, 6)"}
    assert {str(types[name]).lstrip("!") for name in ("unit_price", "unit_cost", "unit_net_price")} == {
        "decimal(18, 4)"
    }
    assert len(amounts_) == 7


def test_each_amount_is_rounded_once_half_away_from_zero():
    (line, back) = amounts(
        {
            "quantity": Decimal(1),
            "unit_price": Decimal("0.125"),
            "discount_rate": Decimal("0.5"),
            "tax_rate": Decimal("0.5"),
        },
        {
            "quantity": Decimal(-1),
            "unit_price": Decimal("0.125"),
            "discount_rate": Decimal("0.5"),
            "tax_rate": Decimal("0.5"),
        },
    )
    names = ("gross_amount", "discount_amount", "net_amount", "tax_amount", "total_amount")
    assert [line[name] for name in names] == [Decimal(text) for text in ("0.13", "0.07", "0.06", "0.03", "0.09")]
    assert [back[name] for name in names] == [Decimal(text) for text in ("-0.13", "-0.07", "-0.06", "-0.03", "-0.09")]


def test_a_stated_discount_wins_over_a_rate_and_a_rate_over_none():
    found = amounts(
        {"discount_amount": Decimal("3"), "discount_rate": Decimal("0.5")},
        {"discount_amount": Decimal("0"), "discount_rate": Decimal("0.5")},
        {"discount_rate": Decimal("0.5")},
        {"discount_amount": Decimal("3.005")},
        {},
    )
    assert [(line["discount_amount"], line["discount_rate"], line["net_amount"]) for line in found] == [
        (Decimal("3.00"), Decimal("0.500000"), Decimal("17.00")),
        (Decimal("0.00"), Decimal("0.500000"), Decimal("20.00")),
        (Decimal("10.00"), Decimal("0.500000"), Decimal("10.00")),
        (Decimal("3.01"), Decimal("0.150500"), Decimal("16.99")),
        (Decimal("0.00"), Decimal("0.000000"), Decimal("20.00")),
    ]


def test_a_stated_tax_wins_over_a_rate_and_a_rate_over_the_rules():
    found = amounts(
        {"tax_amount": Decimal("3"), "tax_rate": Decimal("0.5")},
        {"tax_amount": Decimal("0"), "tax_rate": Decimal("0.5")},
        {"tax_rate": Decimal("0.5")},
        {"tax_amount": Decimal("1.4")},
        {"tax_rate": Decimal("0")},
        {},
        tax=TaxRates(default=Decimal("0.2")),
    )
    assert [(line["tax_amount"], line["tax_rate"], line["total_amount"]) for line in found] == [
        (Decimal("3.00"), Decimal("0.500000"), Decimal("23.00")),
        (Decimal("0.00"), Decimal("0.500000"), Decimal("20.00")),
        (Decimal("10.00"), Decimal("0.500000"), Decimal("30.00")),
        (Decimal("1.40"), Decimal("0.070000"), Decimal("21.40")),
        (Decimal("0.00"), Decimal("0.000000"), Decimal("20.00")),
        (Decimal("4.00"), Decimal("0.200000"), Decimal("24.00")),
    ]


def test_the_rules_tax_depends_on_the_category_then_the_country():
    tax = TaxRates(default=Decimal("0.2"), by_country={"DE": Decimal("0.19")}, by_category={"books": Decimal("0.07")})
    found = amounts(
        {"category": "Books", "ship_country_code": "DE"},
        {"category": "Toys", "ship_country_code": "DE"},
        {"category": "Books", "ship_country_code": "FR"},
        {"category": "Toys", "ship_country_code": "FR"},
        {},
        tax=tax,
    )
    assert [line["tax_rate"] for line in found] == [Decimal(text) for text in ("0.07", "0.19", "0.07", "0.2", "0.2")]


def test_tax_is_on_what_is_left_after_the_discount():
    (line,) = amounts({"discount_rate": Decimal("0.25"), "tax_rate": Decimal("0.2")})
    assert (line["net_amount"], line["tax_amount"], line["total_amount"]) == (15, 3, 18)


def test_a_return_line_takes_off_what_a_sale_adds_whichever_sign_the_shop_writes():
    stated = {"discount_amount": Decimal(3), "tax_amount": Decimal("1.7")}
    negative = {name: -value for name, value in stated.items()}
    sale, back, written_negative = amounts(
        stated, stated | {"quantity": Decimal(-2)}, negative | {"quantity": Decimal(-2)}
    )
    names = ("gross_amount", "discount_amount", "net_amount", "tax_amount", "total_amount", "margin_amount")
    assert [sale[name] for name in names] == [20, 3, 17, Decimal("1.70"), Decimal("18.70"), 9]
    assert [back[name] for name in names] == [-sale[name] for name in names]
    assert [written_negative[name] for name in names] == [back[name] for name in names]
    same = ("discount_rate", "tax_rate", "unit_net_price")
    assert (
        [back[name] for name in same]
        == [sale[name] for name in same]
        == [Decimal("0.15"), Decimal("0.1"), Decimal("8.5")]
    )


def test_return_lines_are_told_from_sales():
    assert [line["is_return"] for line in each_line({"quantity": "-0.001"}, {"quantity": "0.001"})] == [True, False]


def test_a_gift_has_no_price_and_costs_what_it_costs():
    (line,) = amounts({"unit_price": Decimal(0)}, tax=TaxRates(default=Decimal("0.2")))
    names = ("gross_amount", "discount_amount", "net_amount", "tax_amount", "total_amount", "unit_net_price")
    assert [line[name] for name in names] == [0] * 6
    assert (line["margin_amount"], line["discount_rate"], line["tax_rate"]) == (-8, 0, Decimal("0.2"))


def test_a_tax_on_a_gift_has_no_rate():
    (line,) = amounts({"unit_price": Decimal(0), "tax_amount": Decimal("0.5")})
    assert (line["tax_amount"], line["total_amount"], line["tax_rate"]) == (Decimal("0.50"), Decimal("0.50"), None)


def test_a_line_given_away_by_its_discount_has_no_unit_price_and_no_tax():
    (line,) = amounts({"discount_rate": Decimal(1), "tax_rate": Decimal("0.2")})
    assert (line["net_amount"], line["unit_net_price"], line["tax_amount"]) == (0, 0, 0)


def test_the_margin_is_what_is_left_after_cost_and_unknown_without_one():
    found = amounts({}, {"unit_cost": None}, {"quantity": Decimal("0.5"), "unit_cost": Decimal("4.01")})
    assert [line["margin_amount"] for line in found] == [12, None, Decimal("2.99")]  # 5 - 2.005


def test_impossible_lines_are_rejected():
    rules = OrderItemRules(max_quantity=100, max_unit_price=Decimal(50))
    variations: dict[str | None, list[Row]] = {
        None: [
            {"quantity": "100", "unit_price": "50"},
            {"quantity": "-100"},
            {"unit_price": "0"},
            {"discount_rate": "0", "tax_rate": "1"},
            {"discount_rate": "1"},
            {"discount_amount": "20.004"},
            {"quantity": "-2", "discount_amount": "-20", "tax_amount": "-3"},
            {"tax_amount": "9999999999", "shipping_fee": "9999999999.9999"},
        ],
        "quantity is zero": [{"quantity": "0"}, {"quantity": "0.0004"}, {"quantity": "-0"}],
        "quantity is above 100": [{"quantity": "100.001"}, {"quantity": "-100.001"}],
        "quantity is missing": [{"quantity": ""}],
        "quantity is not a number": [{"quantity": "two"}],
        "unit_price is negative": [{"unit_price": "-0.0001"}],
        "unit_price is above 50": [{"unit_price": "50.0001"}],
        "unit_price is missing": [{"unit_price": "n/a"}],
        "discount_rate is not between 0 and 1": [{"discount_rate": "1.000001"}, {"discount_rate": "-0.1"}],
        "tax_rate is not between 0 and 1": [{"tax_rate": "19"}, {"tax_rate": "-0.19"}],
        "discount_amount is negative": [{"discount_amount": "-1"}],
        "tax_amount is negative": [{"tax_amount": "-0.01"}],
        "shipping_fee is negative": [{"shipping_fee": "-0.01"}, {"quantity": "-2", "shipping_fee": "-0.01"}],
        "discount_amount is above the gross amount": [
            {"discount_amount": "20.005"},
            {"quantity": "-2", "discount_amount": "-20.01"},
        ],
        "tax_amount is not below 10000000000": [
            {"tax_amount": "10000000000"},
            {"quantity": "-2", "tax_amount": "-10000000000"},
        ],
        "shipping_fee is not below 10000000000": [{"shipping_fee": "10000000000"}],
        "line_number is missing": [{"line_number": ""}],
        "line_number is not a whole number": [{"line_number": "1.5"}],
        "order_id is missing": [{"order_id": ""}],
    }
    came = [
        item(line_number=str(number)) | values
        for number, values in enumerate(values for group in variations.values() for values in group)
    ]
    rejected = stage_order_items(
        source([row | {"label": str(n)} for n, row in enumerate(came)]), GATE, rules, Formats()
    ).rejected
    found = {int(row["came"]["label"]): row["reasons"] for row in rows(rejected)}
    assert [found.get(number) for number in range(len(came))] == [
        reason for reason, group in variations.items() for _ in group
    ]


def test_no_stated_amount_however_absurd_stops_the_run():
    absurd = ["99999999999999.9999", "-99999999999999.9999", "0.0001"]
    came = [
        {
            "quantity": quantity,
            "unit_price": price,
            "discount_amount": stated,
            "tax_amount": stated,
            "shipping_fee": stated,
        }
        for stated in absurd
        for quantity in ("0.001", "-0.001", "999999999999999.999", "10000")
        for price in ("0.0001", "99999999999999.9999", "100000")
    ]
    assert len(each_line(*came)) + sum(reason is not None for reason in reasons(*came)) == len(came)


def test_the_largest_line_that_the_rules_allow_is_exact():
    rules = OrderItemRules(max_quantity=1_000_000, max_unit_price=Decimal("9999.9999"))
    products = tb_products({"unit_cost": Decimal("9999999999.9999")})
    came = {"quantity": "1000000", "unit_price": "9999.9999", "tax_rate": "1", "discount_rate": "0.000001"}
    (line,) = each_line(came, products=products, rules=rules)
    assert (line["gross_amount"], line["discount_amount"]) == (Decimal("9999999900.00"), Decimal("10000.00"))
    assert line["total_amount"] == 2 * (Decimal("9999999900.00") - Decimal("10000.00"))
    assert line["margin_amount"] == Decimal("9999989900.00") - Decimal("9999999999999900.00")


def test_category_and_cost_are_those_of_the_product():
    products = tb_products({}, {"product_id": "B", "category": "Toys", "unit_cost": Decimal("1.5")})
    found = each_line({"product_id": "B"}, {"product_id": "C"}, {"product_id": ""}, products=products)
    assert [(line["category"], line["unit_cost"], line["product_id"]) for line in found] == [
        ("Toys", Decimal("1.5000"), "B"),
        (None, None, "C"),
        (None, None, None),
    ]


def test_a_line_of_an_order_that_nobody_knows_is_an_orphan_and_stays():
    published = publish(item(), item(order_id="99"))
    assert [(line["order_id"], line["is_orphan"]) for line in published] == [("10", False), ("99", True)]


def test_a_line_is_no_orphan_where_its_order_tells_no_country():
    (line,) = publish(item(), orders=tmp_orders({"ship_country_code": None}))
    assert not line["is_orphan"]


def test_lines_that_the_shop_deleted_and_lines_of_deleted_orders_are_not_published():
    orders = tmp_orders({}, {"order_id": "11", "deleted_at": datetime(2025, 3, 1)})
    published = publish(item(), item(line_number="2", deleted_at="2025-03-01"), item(order_id="11"), orders=orders)
    assert [(line["order_id"], line["line_number"]) for line in published] == [("10", 1)]


def test_text_ids_of_lines_meet_integer_ids_of_orders_and_products():
    orders = tmp_orders({"order_id": 10}, key="int64")
    products = tb_products({"product_id": 7}, key="int64")
    published = publish(
        item(product_id="7"),
        item(line_number="2", product_id="07"),
        item(order_id="010"),
        orders=orders,
        products=products,
    )
    assert [(line["order_id"], line["category"], line["is_orphan"]) for line in published] == [
        ("010", None, True),
        ("10", "Books", False),
        ("10", None, False),
    ]


def without_number(**values: Any) -> Row:
    return {name: value for name, value in item(**values).items() if name != "line_number"}


def test_lines_without_a_number_are_numbered_within_their_order_and_equal_ones_stay_apart():
    came = [without_number(), without_number(), without_number(quantity="1"), without_number(order_id="11")]
    assert [(line["order_id"], line["line_number"], line["quantity"]) for line in publish(*came)] == [
        ("10", 1, 1),
        ("10", 2, 2),
        ("10", 3, 2),
        ("11", 1, 2),
    ]


def test_lines_are_numbered_by_what_they_mean_and_not_by_how_they_are_written():
    came = [without_number(quantity=quantity) for quantity in ("10", " 9", "2e0")]
    assert [line["quantity"] for line in publish(*came)] == [2, 9, 10]


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 1000))
def test_numbers_do_not_depend_on_the_order_of_rows_or_columns(seed: int):
    came = [
        without_number(order_id=order, product_id=product, quantity=quantity)
        for order in ("10", "11")
        for product in ("A", "B")
        for quantity in ("2", "2", "1")
    ]
    random = Random(seed)
    columns = random.sample(list(came[0]), len(came[0]))
    shuffled = [{name: row[name] for name in columns} for row in random.sample(came, len(came))]
    assert publish(*shuffled) == publish(*came)


def test_a_rejected_line_takes_no_number_and_is_kept_as_it_came():
    came = [without_number(quantity="0"), without_number()]
    staged = stage_order_items(source(came), GATE, NO_TAX, Formats())
    assert [row["line_number"] for row in rows(staged.rows)] == [1]
    assert [row["came"] for row in rows(staged.rejected)] == [came[0]]


def test_of_two_versions_of_a_line_the_newest_is_published():
    came = [item(quantity="5", updated_at="2025-02-04T00:00:00Z"), item(), item(line_number="1.0", quantity="4")]
    assert [line["quantity"] for line in publish(*came)] == [5]


lines_of_all_kinds = st.lists(
    st.fixed_dictionaries(
        {
            "quantity": st.decimals(-100, 100, places=3).filter(bool),
            "unit_price": st.decimals(0, 1000, places=4),
            "unit_cost": st.one_of(st.none(), st.decimals(0, 1000, places=4)),
            "discount_rate": st.one_of(st.none(), st.decimals(0, 1, places=6)),
            "tax_rate": st.one_of(st.none(), st.decimals(0, 1, places=6)),
        }
    ),
    min_size=1,
    max_size=60,
)


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


@settings(deadline=None, max_examples=12)
@given(lines=lines_of_all_kinds)
def test_amounts_are_those_that_decimals_of_python_give(lines: list[Row]):
    default = Decimal("0.19")
    for line, found in zip(lines, amounts(*lines, tax=TaxRates(default=default)), strict=True):
        gross = cents(line["quantity"] * line["unit_price"])
        discount = cents(gross * (line["discount_rate"] or 0))
        net = gross - discount
        tax = cents(net * (default if line["tax_rate"] is None else line["tax_rate"]))
        cost = line["unit_cost"]
        assert found["gross_amount"] == gross
        assert found["discount_amount"] == discount
        assert found["net_amount"] == net
        assert found["tax_amount"] == tax
        assert found["total_amount"] == net + tax
        assert found["margin_amount"] == (None if cost is None else net - cents(line["quantity"] * cost))
        assert found["unit_net_price"] == (net / line["quantity"]).quantize(Decimal("0.0001"), ROUND_HALF_UP)


@settings(deadline=None, max_examples=8)
@given(lines=lines_of_all_kinds)
def test_a_return_is_a_sale_with_the_other_sign(lines: list[Row]):
    returned = [line | {"quantity": -line["quantity"]} for line in lines]
    flipped = ("gross_amount", "discount_amount", "net_amount", "tax_amount", "total_amount")
    for sale, back in zip(amounts(*lines), amounts(*returned), strict=True):
        assert [back[name] for name in flipped] == [-sale[name] for name in flipped]
        assert back["unit_net_price"] == sale["unit_net_price"]
