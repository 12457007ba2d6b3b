"""What is true of a sample shop: how people buy, pay and leave."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest

from datamart_kedro.sample.people import COUNTRY_NAMES, TAX_PERCENT
from tests.sample.shops import Row, by_key, instant, shop, tables_of

NOW = datetime(2025, 12, 31, tzinfo=UTC)
CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    made = shop(730, customers=3000)
    assert str(made.day) == "2025-12-31"
    return tables_of(made)


@pytest.fixture(scope="module")
def orders_of(tables) -> dict[str, list[datetime]]:
    found = defaultdict(list)
    for row in tables["orders"]:
        found[row["customer_id"]].append(instant(row["ordered_at"]))
    return dict(found)


def test_keys_are_unique_without_dirt(tables):
    for table, key in {"customers": ["customer_id"], "products": ["product_id"], "orders": ["order_id"],
                       "order_items": ["order_id", "line_number"], "truth": ["customer_id"]}.items():  # fmt: skip
        by_key(tables[table], *key)
    assert tables["faults"] == []


def test_every_row_refers_to_rows_that_exist(tables):
    customers, products, orders = (
        {row[name] for row in tables[table]}
        for table, name in (("customers", "customer_id"), ("products", "product_id"), ("orders", "order_id"))
    )
    assert {row["customer_id"] for row in tables["orders"]} <= customers
    assert {row["order_id"] for row in tables["order_items"]} == orders
    assert {row["product_id"] for row in tables["order_items"]} <= products


def test_some_customers_never_order_and_a_few_order_very_often(tables, orders_of):
    counts = sorted(len(orders_of.get(row["customer_id"], [])) for row in tables["customers"])
    assert 0.2 < counts.count(0) / len(counts) < 0.45
    best = counts[-len(counts) // 10 :]
    assert sum(best) > 0.35 * sum(counts)


def test_nobody_orders_after_dropping_out_or_before_registering(tables, orders_of):
    since = {row["customer_id"]: instant(row["created_at"]) for row in tables["customers"]}
    until = {row["customer_id"]: instant(row["dropped_out_at"]) for row in tables["truth"] if row["dropped_out_at"]}
    assert len(until) > 1000
    assert [who for who, when in orders_of.items() if min(when) < since[who] or max(when) > until.get(who, NOW)] == []


def test_customers_order_as_often_as_the_truth_says(tables, orders_of):
    """Rate times days as a customer, summed over many customers, is the number of orders; nearly, as nobody orders
    twice a day and abandoned orders are erased."""
    since = {row["customer_id"]: instant(row["created_at"]) for row in tables["customers"]}
    expected = sum(
        float(row["purchase_rate_per_day"])
        * (
            (instant(row["dropped_out_at"]) if row["dropped_out_at"] else NOW) - since[row["customer_id"]]
        ).total_seconds()
        / 86_400
        for row in tables["truth"]
    )
    assert sum(map(len, orders_of.values())) == pytest.approx(expected, rel=0.05)


def test_half_of_the_customers_drop_out_within_eight_months(tables):
    early = {
        row["customer_id"]: instant(row["created_at"]) for row in tables["customers"] if row["created_at"] < "2025"
    }
    left = [
        row
        for row in tables["truth"]
        if row["customer_id"] in early
        and row["dropped_out_at"]
        and (instant(row["dropped_out_at"]) - early[row["customer_id"]]).days < 240
    ]
    assert 0.45 < len(left) / len(early) < 0.57


def test_most_orders_come_on_sundays_in_the_evening_and_before_christmas(tables):
    at = [instant(row["ordered_at"]) for row in tables["orders"]]
    weekdays, hours = Counter(when.weekday() for when in at), Counter(when.hour for when in at)
    assert max(weekdays, key=weekdays.__getitem__) == 6
    assert weekdays[6] > 1.3 * weekdays[5]
    assert hours[20] > 5 * hours[4]
    in_2025 = Counter(when.month for when in at if when.year == 2025)
    assert in_2025[12] > 1.2 * in_2025[8]


def test_orders_are_as_old_as_their_ids_say(tables):
    by_time = sorted(tables["orders"], key=lambda row: row["ordered_at"])
    days = [int(row["order_id"]) // 10**8 for row in by_time]
    assert days == sorted(days)
    assert [row["order_id"] for row in by_time if (instant(row["ordered_at"]) - datetime(2023, 12, 31, tzinfo=UTC)).days
            != int(row["order_id"]) // 10**8] == []  # fmt: skip


def test_whoever_buys_a_product_on_one_day_pays_one_of_at_most_two_prices(tables):
    day_of = {row["order_id"]: row["ordered_at"][:10] for row in tables["orders"]}
    prices = defaultdict(set)
    for row in tables["order_items"]:
        prices[row["product_id"], day_of[row["order_id"]]].add(row["unit_price"])
    assert max(map(len, prices.values())) <= 2
    assert sum(len(found) > 1 for found in prices.values()) < 0.01 * len(prices)


def test_the_price_of_a_product_changes_over_time(tables):
    prices = defaultdict(set)
    for row in tables["order_items"]:
        prices[row["product_id"]].add(row["unit_price"])
    assert sum(len(found) > 1 for found in prices.values()) > 0.5 * len(prices)


def test_a_line_of_the_last_day_has_the_price_of_the_catalogue(tables):
    listed = {row["product_id"]: row["unit_price"] for row in tables["products"]}
    today = {row["order_id"] for row in tables["orders"] if row["ordered_at"] >= "2025-12-30"}
    lines = [row for row in tables["order_items"] if row["order_id"] in today]
    same = sum(row["unit_price"] == listed[row["product_id"]] for row in lines)
    assert (len(lines) > 20, same >= len(lines) - 1) == (True, True)


def test_sales_lower_prices_on_their_days(tables):
    day_of = {row["order_id"]: row["ordered_at"][5:10] for row in tables["orders"]}
    rates = defaultdict(Counter)
    for row in tables["order_items"]:
        if not row["discount_amount"]:
            is_sale = "11-22" <= day_of[row["order_id"]] < "12-01"
            rates[is_sale][row["discount_rate"]] += 1
    assert rates[True]["0.20"] > 0.6 * rates[True].total()
    assert rates[False]["0.20"] == 0


def test_amounts_that_the_marketplace_states_are_shares_of_its_lines(tables):
    country = {row["order_id"]: row["customer_id"] for row in tables["orders"]}
    home = {row["customer_id"]: row["country"] for row in tables["customers"]}
    percent = dict(zip(COUNTRY_NAMES, TAX_PERCENT.tolist(), strict=True))
    stated = [row for row in tables["order_items"] if row["tax_amount"]]
    wrong = []
    for row in stated:
        gross = abs(Decimal(row["quantity"])) * Decimal(row["unit_price"])
        net = gross - Decimal(row["discount_amount"] or 0)
        share = Decimal(percent[home[country[row["order_id"]]]]) / 100
        if Decimal(row["tax_amount"]) != (net * share).quantize(CENT, ROUND_HALF_UP):
            wrong.append(row)
    assert (len(stated) > 500, wrong) == (True, [])


def test_units_that_come_back_are_lines_of_their_own(tables):
    lines = by_key(tables["order_items"], "order_id", "line_number")
    back = [row for row in lines.values() if row["quantity"].startswith("-")]
    assert len(back) > 100
    for row in back:
        bought = lines[f"{row['order_id']}/{int(row['line_number']) - 9}"]
        assert row["quantity"] == f"-{bought['quantity']}"
        assert (row["product_id"], row["unit_price"]) == (bought["product_id"], bought["unit_price"])


def test_about_one_order_in_eleven_arrives_after_its_promise(tables):
    promised = [row for row in tables["orders"] if row["promised_at"] and row["delivered_at"]]
    late = [row for row in promised if row["delivered_at"][:10] > row["promised_at"][:10]]
    assert 0.04 < len(late) / len(promised) < 0.2


def test_a_product_is_not_bought_after_the_shop_called_it_discontinued(tables):
    ended = {row["product_id"]: row["discontinued_at"] for row in tables["products"] if row["discontinued_at"]}
    at = {row["order_id"]: row["ordered_at"] for row in tables["orders"]}
    sold = [row for row in tables["order_items"] if row["product_id"] in ended]
    assert len(sold) > 50
    assert [row for row in sold if at[row["order_id"]] > ended[row["product_id"]]] == []


def test_the_last_sale_of_a_product_is_its_last_paid_order(tables):
    paid = {row["order_id"]: row["approved_at"] for row in tables["orders"] if row["approved_at"]}
    last = defaultdict(str)
    for row in tables["order_items"]:
        last[row["product_id"]] = max(last[row["product_id"]], paid.get(row["order_id"], ""))
    told = {row["product_id"]: row["last_sold_at"] for row in tables["products"]}
    differ = [product for product, when in told.items() if when != last[product]]
    assert len(differ) <= 0.02 * len(told)  # a line that was taken out and forgotten counted as a sale


def test_some_products_are_no_longer_bought_though_nobody_says_so(tables):
    silent = [
        row
        for row in tables["products"]
        if row["discontinued"] == "false" and not row["discontinued_at"] and row["last_sold_at"] < "2024-12-31"
    ]
    assert silent


def test_customers_register_at_a_steady_pace(tables):
    at = sorted(instant(row["created_at"]) for row in tables["customers"])
    longest = max((later - earlier).total_seconds() for earlier, later in pairwise(at))
    assert longest < 5 * 730 * 86_400 / 3000
