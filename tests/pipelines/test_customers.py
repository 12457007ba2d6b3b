"""Customers: who they are, and what they ordered."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.pipelines.customers.columns import MEANINGS, TABLE
from datamart_kedro.pipelines.customers.nodes import build_customers, stage_customers
from datamart_kedro.pipelines.customers.rules import CustomerRules
from tests.shop import customer
from tests.tables import rows, source, table

Row = dict[str, Any]

GATE = Decision.by_name("customers")
FORMATS = Formats(country_names={"UK": "GB"})


def stage_rows(*came: Row, formats: Formats = FORMATS) -> ir.Table:
    return stage_customers(source(came), GATE, CustomerRules(), formats).rows


def tb_orders(*orders: Row, key: str = "string") -> ir.Table:
    """Published orders, with the columns that customers look at."""
    defaults = {"customer_id": "1", "is_failed": False, "ordered_at": datetime(2025, 2, 3), "net_amount": Decimal(0)}
    types = {"customer_id": key, "is_failed": "boolean", "ordered_at": "timestamp(6)", "net_amount": "decimal(18, 2)"}
    return table([defaults | order for order in orders], **types)


def publish(
    *came: Row, orders: ir.Table | None = None, returning_from: int = 2, formats: Formats = FORMATS
) -> list[Row]:
    """The published customers, sorted by their id."""
    built = build_customers(
        stage_rows(*came, formats=formats),
        tb_orders() if orders is None else orders,
        CustomerRules(returning_from=returning_from),
        formats,
    )
    return rows(built, "customer_id")


def test_the_published_columns_are_those_of_the_design():
    assert list(TABLE.columns) == [
        "customer_id",
        "full_name",
        "company",
        "is_company",
        "email",
        "email_domain",
        "is_email_valid",
        "phone",
        "city",
        "region",
        "postal_code",
        "country_code",
        "status",
        "created_at",
        "updated_at",
        "signup_month",
        "first_ordered_at",
        "last_ordered_at",
        "orders_count",
        "failed_orders_count",
        "net_amount_lifetime",
        "avg_order_amount",
        "customer_type",
    ]


def test_a_customer_is_published_with_what_the_shop_knows():
    came = customer(
        company="Archer Ltd", phone="+49 30 1", city="Berlin", region="BE", postal_code="01067", status="Active"
    )
    (published,) = publish(came)
    assert published == {
        "customer_id": "1",
        "full_name": "Ann Archer",
        "company": "Archer Ltd",
        "is_company": True,
        "email": "ann@example.com",
        "email_domain": "example.com",
        "is_email_valid": True,
        "phone": "+49 30 1",
        "city": "Berlin",
        "region": "BE",
        "postal_code": "01067",
        "country_code": "DE",
        "status": "active",
        "created_at": datetime(2025, 1, 1),
        "updated_at": datetime(2025, 1, 1),
        "signup_month": date(2025, 1, 1),
        "first_ordered_at": None,
        "last_ordered_at": None,
        "orders_count": 0,
        "failed_orders_count": 0,
        "net_amount_lifetime": Decimal("0.00"),
        "avg_order_amount": None,
        "customer_type": "prospect",
    }


def test_types_are_those_that_readers_rely_on():
    built = build_customers(stage_rows(customer()), tb_orders(), CustomerRules(), FORMATS)
    types = {name: str(dtype).lstrip("!") for name, dtype in built.schema().items()}
    assert {name: types[name] for name in ("net_amount_lifetime", "avg_order_amount")} == {
        "net_amount_lifetime": "decimal(18, 2)",
        "avg_order_amount": "decimal(18, 2)",
    }
    assert (types["signup_month"], types["orders_count"], types["created_at"]) == ("date", "int64", "timestamp(6)")


def test_the_full_name_is_the_shops_or_made_of_its_parts():
    names = {
        ("Ann B. Archer", "Ann", "Other"): "Ann B. Archer",
        ("", "Ann", "Archer"): "Ann Archer",
        ("", "Ann", ""): "Ann",
        ("", "", "Archer"): "Archer",
        ("", "", ""): None,
    }
    came = [
        customer(customer_id=str(number), full_name=full, first_name=first, last_name=last)
        for number, (full, first, last) in enumerate(names)
    ]
    assert [row["full_name"] for row in publish(*came)] == list(names.values())


def test_a_private_customer_names_no_company():
    (published,) = publish(customer(company="n/a"))
    assert (published["company"], published["is_company"]) == (None, False)


def test_addresses_are_judged_and_not_mended():
    addresses = {
        "Ann.O'Neil+shop@Mail.Example.co.UK": ("ann.o'neil+shop@mail.example.co.uk", True, "mail.example.co.uk"),
        "ann@example": ("ann@example", False, None),
        "ann@@example.com": ("ann@@example.com", False, None),
        "@example.com": ("@example.com", False, None),
        "ann@-example.com": ("ann@-example.com", False, None),
        "ann archer@example.com": ("ann archer@example.com", False, None),
        "ann@example.c0m": ("ann@example.c0m", False, None),
        "ann.example.com": ("ann.example.com", False, None),
        "": (None, None, None),
    }
    came = [customer(customer_id=str(number), email=address) for number, address in enumerate(addresses)]
    published = [(row["email"], row["is_email_valid"], row["email_domain"]) for row in publish(*came)]
    assert published == list(addresses.values())


def test_countries_become_codes_and_unknown_ones_are_counted():
    countries = {"Germany": "DE", "FRANCE": "FR", "usa": "US", "uk": "GB", "Atlantis": None, "": None}
    came = [customer(customer_id=str(number), country=name) for number, name in enumerate(countries)]
    assert [row["country_code"] for row in publish(*came)] == list(countries.values())
    assert rows(unmapped(stage_rows(*came), MEANINGS)) == [{"column": "country", "value": "Atlantis", "rows": 1}]


def test_the_month_of_signing_up_is_one_in_the_zone_of_the_shop():
    came = [
        customer(customer_id="day", created_at="2025-07-01"),
        customer(customer_id="instant", created_at="2025-07-31T22:30:00Z"),
        customer(customer_id="unknown", created_at=""),
    ]
    months = [row["signup_month"] for row in publish(*came, formats=Formats(time_zone="Europe/Paris"))]
    assert months == [date(2025, 7, 1), date(2025, 8, 1), None]
    assert publish(came[1])[0]["signup_month"] == date(2025, 7, 1)


def test_orders_are_counted_and_summed_and_failed_ones_only_counted():
    orders = tb_orders(
        {"ordered_at": datetime(2025, 3, 1), "net_amount": Decimal("10.00")},
        {"ordered_at": datetime(2025, 2, 1), "net_amount": Decimal("0.01")},
        {"ordered_at": datetime(2025, 4, 1), "net_amount": Decimal("99.00"), "is_failed": True},
        {"ordered_at": datetime(2025, 1, 1), "net_amount": Decimal("99.00"), "is_failed": True},
        {"customer_id": "2", "net_amount": Decimal("7.00")},
        {"customer_id": None, "net_amount": Decimal("7.00")},
    )
    (published,) = publish(customer(), orders=orders)
    assert {name: published[name] for name in list(TABLE.columns)[-7:]} == {
        "first_ordered_at": datetime(2025, 2, 1),
        "last_ordered_at": datetime(2025, 3, 1),
        "orders_count": 2,
        "failed_orders_count": 2,
        "net_amount_lifetime": Decimal("10.01"),
        "avg_order_amount": Decimal("5.01"),  # 5.005, half away from zero
        "customer_type": "returning",
    }


def test_a_customer_whose_orders_all_failed_is_a_prospect():
    (published,) = publish(customer(), orders=tb_orders({"is_failed": True, "net_amount": Decimal("5.00")}))
    assert (published["orders_count"], published["failed_orders_count"], published["customer_type"]) == (
        0,
        1,
        "prospect",
    )
    assert (published["net_amount_lifetime"], published["avg_order_amount"]) == (Decimal("0.00"), None)
    assert (published["first_ordered_at"], published["last_ordered_at"]) == (None, None)


def test_from_how_many_orders_a_customer_returns_is_a_rule():
    orders = tb_orders({}, {}, {"customer_id": "2"}, {"customer_id": "2"}, {"customer_id": "2"})
    published = publish(customer(), customer(customer_id="2"), orders=orders, returning_from=3)
    assert [row["customer_type"] for row in published] == ["new", "returning"]


def test_a_customer_that_the_shop_deleted_is_not_published():
    published = publish(
        customer(), customer(customer_id="2", deleted_at="2025-03-01"), orders=tb_orders({"customer_id": "2"})
    )
    assert [row["customer_id"] for row in published] == ["1"]


def test_a_customer_has_one_row_however_many_orders():
    published = publish(customer(), customer(customer_id="2"), orders=tb_orders({}, {}, {}))
    assert [(row["customer_id"], row["orders_count"]) for row in published] == [("1", 3), ("2", 0)]


def test_text_ids_of_customers_meet_integer_ids_of_orders():
    orders = tb_orders({"customer_id": 7}, {"customer_id": 7}, key="int64")
    published = publish(customer(customer_id="007"), customer(customer_id="7"), orders=orders)
    assert [(row["customer_id"], row["orders_count"]) for row in published] == [("007", 0), ("7", 2)]


def test_a_row_without_its_id_is_rejected():
    staged = stage_customers(source([customer(customer_id=" ")]), GATE, CustomerRules(), FORMATS)
    assert [row["reasons"] for row in rows(staged.rejected)] == ["customer_id is missing"]
