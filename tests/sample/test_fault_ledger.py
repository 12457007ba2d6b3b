"""Every planted fault ends where the ledger says, and no clean row is rejected or changed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from datamart_kedro.sample.tables import KEYS
from tests.sample.conftest import SampleMart
from tests.sample.expected import COUNTRIES, comparable, expected_rows, staged_rows
from tests.sample.shops import Row

DOMAINS = tuple(KEYS)
CENT = Decimal("0.01")
TAX_RATES = {
    "BR": "0.17",
    "DE": "0.19",
    "ES": "0.21",
    "FR": "0.20",
    "GB": "0.20",
    "IT": "0.22",
    "JP": "0.10",
    "PL": "0.23",
    "SE": "0.25",
    "US": "0",
}
"""What the rule adds where the shop does not say, by the country that the order goes to."""


def control(sample: SampleMart, domain: str) -> dict[str, Any]:
    (row,) = sample.rows(f"SELECT * FROM tb_control_data_update WHERE domain = '{domain}'")
    return row


def key_as_it_came(domain: str, fault: Row) -> str:
    """The key of a rejected row: a part of it may be what is missing."""
    parts = dict(zip(KEYS[domain], fault["key"].split("/"), strict=True))
    return "/".join("" if name == fault["column"] else part for name, part in parts.items())


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_rejected_rows_are_those_of_the_ledger_with_its_reasons(sample_mart: SampleMart, domain: str):
    planted = [
        (key_as_it_came(domain, fault), fault["reason"])
        for fault in sample_mart.faults(domain=domain, expected="rejected")
    ]
    rejected = [
        ("/".join(json.loads(row["row"])[name] or "" for name in KEYS[domain]), row["reasons"])
        for row in sample_mart.rows(f"SELECT row, reasons FROM tb_rejected_rows WHERE domain = '{domain}'")
    ]
    assert (len(planted) > 0, Counter(rejected)) == (True, Counter(planted))


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_rejected_row_is_kept_with_the_value_that_was_planted(sample_mart: SampleMart, domain: str):
    planted = Counter((row["column"], row["planted"]) for row in sample_mart.faults(domain=domain, expected="rejected"))
    kept: Counter[tuple[str, str]] = Counter()
    for row in sample_mart.rows(f"SELECT row, reasons FROM tb_rejected_rows WHERE domain = '{domain}'"):
        column = row["reasons"].split()[0]
        kept[column, json.loads(row["row"])[column] or ""] += 1
    assert kept == planted


@pytest.mark.parametrize("domain", DOMAINS)
def test_of_each_row_that_comes_twice_one_is_superseded(sample_mart: SampleMart, domain: str):
    planted = len(sample_mart.faults(domain=domain, expected="superseded"))
    assert (planted > 0, control(sample_mart, domain)["rows_superseded"]) == (True, planted)


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_row_that_was_read_is_staged_rejected_or_superseded(sample_mart: SampleMart, domain: str):
    row = control(sample_mart, domain)
    assert row["rows_read"] == len(sample_mart.sources[domain])
    assert row["rows_staged"] == len(sample_mart.clean[domain]) - row["rows_rejected"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_staged_rows_are_the_clean_ones_and_what_became_of_each_fault(sample_mart: SampleMart, domain: str):
    expected = comparable(list(expected_rows(sample_mart, domain).values()))
    staged = comparable(staged_rows(sample_mart, domain))
    assert [pair for pair in zip(staged, expected, strict=True) if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("domain", "column", "published", "nothing"),
    [
        ("customers", "country", "country_code", None),
        ("products", "category", "department", None),
        ("orders", "ship_country", "ship_country_code", None),
        ("orders", "status", "status", "unknown"),
    ],
)
def test_what_no_map_knows_is_published_as_unknown_and_named_in_the_log(
    sample_mart: SampleMart, domain: str, column: str, published: str, nothing: str | None
):
    faults = sample_mart.faults(domain=domain, column=column, expected="unknown")
    (key,) = KEYS[domain]
    found = {row[key]: row[published] for row in sample_mart.rows(f"SELECT {key}, {published} FROM tb_{domain}")}
    assert {found.get(fault["key"], nothing) for fault in faults} == {nothing}
    assert {fault["key"] for fault in faults} & found.keys()
    missing = [fault["planted"] for fault in faults if repr(fault["planted"]) not in sample_mart.warnings]
    assert missing == []


def test_a_failure_reason_that_no_map_knows_is_named_in_the_log(sample_mart: SampleMart):
    faults = sample_mart.faults(fault="unknown failure reason")
    assert faults
    assert [fault["planted"] for fault in faults if repr(fault["planted"]) not in sample_mart.warnings] == []


def test_the_log_names_no_value_that_was_not_planted(sample_mart: SampleMart):
    lines = [line for line in sample_mart.warnings.splitlines() if "no map knows" in line]
    counted = sum(int(line.split(" rows:")[0].split()[-1]) for line in lines)
    assert counted == len(sample_mart.faults(expected="unknown"))


def test_bad_email_addresses_are_published_and_marked(sample_mart: SampleMart):
    bad = {fault["key"]: fault["planted"].lower() for fault in sample_mart.faults(fault="bad email")}
    found = {
        row["customer_id"]: row["email"]
        for row in sample_mart.rows("SELECT customer_id, email FROM tb_customers WHERE NOT is_email_valid")
    }
    assert found
    assert found == {key: text for key, text in bad.items() if key in found}
    assert {
        row["customer_id"] for row in sample_mart.rows("SELECT customer_id FROM tb_customers")
    } & bad.keys() == found.keys()


def test_lines_are_orphans_where_their_order_is_unknown_or_was_rejected(sample_mart: SampleMart):
    strays = {fault["planted"] for fault in sample_mart.faults(fault="line of an unknown order")}
    refused = {fault["key"] for fault in sample_mart.faults(domain="orders", expected="rejected")}
    found = {row["order_id"] for row in sample_mart.rows("SELECT order_id FROM tb_order_items WHERE is_orphan")}
    assert (strays <= found, found - strays <= refused) == (True, True)


def test_lines_of_unknown_products_are_published_without_a_category(sample_mart: SampleMart):
    strays = {fault["planted"] for fault in sample_mart.faults(fault="line of an unknown product")}
    found = sample_mart.rows("SELECT product_id, category, unit_cost FROM tb_order_items WHERE product_id LIKE 'X%'")
    assert found
    assert {row["product_id"] for row in found} <= strays
    assert {(row["category"], row["unit_cost"]) for row in found} == {(None, None)}


def test_a_negative_quantity_is_a_return(sample_mart: SampleMart):
    planted = {fault["key"]: Decimal(fault["planted"]) for fault in sample_mart.faults(fault="negative quantity")}
    found = {
        f"{row['order_id']}/{row['line_number']}": (row["quantity"], row["is_return"])
        for row in sample_mart.rows("SELECT order_id, line_number, quantity, is_return FROM tb_order_items")
    }
    present = planted.keys() & found.keys()
    assert present
    assert {key: found[key] for key in present} == {key: (planted[key], True) for key in present}


def cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def test_published_amounts_are_those_that_python_computes_from_the_clean_shop(sample_mart: SampleMart):
    lines = {
        f"{row['order_id']}/{row['line_number']}": row for row in expected_rows(sample_mart, "order_items").values()
    }
    country = {row["order_id"]: row["ship_country"] for row in sample_mart.clean["orders"]}
    spoilt = {fault["key"] for fault in sample_mart.faults(domain="orders")}
    wrong = []
    published = sample_mart.rows("SELECT * FROM tb_order_items")
    for row in published:
        line = lines[f"{row['order_id']}/{row['line_number']}"]
        if row["order_id"] in spoilt or row["is_orphan"]:
            continue
        sign = -1 if line["quantity"] < 0 else 1
        gross = cents(line["quantity"] * line["unit_price"])
        by_rate = cents(gross * (line["discount_rate"] or 0))
        discount = by_rate if line["discount_amount"] is None else sign * line["discount_amount"]
        net = gross - discount
        share = (
            line["tax_rate"]
            if line["tax_rate"] is not None
            else Decimal(TAX_RATES[COUNTRIES[country[row["order_id"]]]])
        )
        tax = cents(net * share) if line["tax_amount"] is None else sign * line["tax_amount"]
        expected = (gross, discount, net, tax, net + tax)
        found = tuple(
            row[name] for name in ("gross_amount", "discount_amount", "net_amount", "tax_amount", "total_amount")
        )
        wrong += [(row, expected)] if found != expected else []
    assert (len(published) > 9000, wrong) == (True, [])


def test_orders_are_the_sums_of_their_lines(sample_mart: SampleMart):
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for row in sample_mart.rows("SELECT order_id, net_amount, tax_amount FROM tb_order_items"):
        sums[row["order_id"]][0] += row["net_amount"]
        sums[row["order_id"]][1] += row["tax_amount"]
    orders = sample_mart.rows("SELECT order_id, net_amount, tax_amount, shipping_fee, total_amount FROM tb_orders")
    assert [row for row in orders if [row["net_amount"], row["tax_amount"]] != sums[row["order_id"]]] == []
    assert [
        row for row in orders if row["total_amount"] != row["net_amount"] + row["tax_amount"] + row["shipping_fee"]
    ] == []


def test_a_customers_lifetime_is_the_sum_of_the_orders_that_did_not_fail(sample_mart: SampleMart):
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in sample_mart.rows("SELECT customer_id, net_amount FROM tb_orders WHERE NOT is_failed"):
        sums[row["customer_id"]] += row["net_amount"]
    customers = sample_mart.rows("SELECT customer_id, net_amount_lifetime FROM tb_customers")
    assert [row for row in customers if row["net_amount_lifetime"] != sums[row["customer_id"]]] == []


def test_deleted_rows_are_not_published(sample_mart: SampleMart):
    for domain in ("customers", "orders"):
        deleted = {row[KEYS[domain][0]] for row in sample_mart.clean[domain] if row["deleted_at"]}
        found = {row["key"] for row in sample_mart.rows(f"SELECT {KEYS[domain][0]} AS key FROM tb_{domain}")}
        assert (len(deleted) > 5, deleted & found) == (True, set())
