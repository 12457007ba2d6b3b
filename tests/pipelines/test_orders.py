"""Orders: what became of them, what they are worth, and whether they came in time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.pipelines.orders.columns import MEANINGS, TABLE
from datamart_kedro.pipelines.orders.nodes import build_orders, stage_orders
from datamart_kedro.pipelines.orders.rules import DeliveryTimes, OrderRules, ShippingFees
from tests.shop import order
from tests.tables import rows, source, table

Row = dict[str, Any]

GATE = Decision.by_name("orders")
RULES = OrderRules(
    status_map={
        "new": "created",
        "paid": "approved",
        "picking": "processing",
        "shipped": "shipped",
        "delivered": "delivered",
        "cancelled": "cancelled",
        "refunded": "returned",
        "failed": "failed",
    },
    failure_map={"card declined": "payment_failed", "sold out": "out_of_stock", "changed mind": "customer_cancelled"},
    shipping=ShippingFees(flat=Decimal("4.90")),
)
ITEM = {
    "order_id": "10",
    "quantity": Decimal(1),
    "gross_amount": Decimal("12.00"),
    "discount_amount": Decimal("2.00"),
    "net_amount": Decimal("10.00"),
    "tax_amount": Decimal("1.90"),
    "shipping_fee": None,
}


def tb_order_items(*items: Row, key: str = "string") -> ir.Table:
    """Published items, with the columns that orders look at."""
    amounts = dict.fromkeys(
        ("gross_amount", "discount_amount", "net_amount", "tax_amount", "shipping_fee"), "decimal(18, 2)"
    )
    return table([ITEM | item for item in items], **{"order_id": key, "quantity": "decimal(18, 3)", **amounts})


def stage_rows(*came: Row, formats: Formats | None = None) -> ir.Table:
    return stage_orders(source(came), GATE, RULES, formats or Formats()).rows


def publish(
    *came: Row, items: ir.Table | None = None, rules: OrderRules = RULES, formats: Formats | None = None
) -> list[Row]:
    """The published orders, sorted by their id."""
    formats = formats or Formats()
    staged = stage_orders(source(came), GATE, rules, formats).rows
    return rows(build_orders(staged, tb_order_items({}) if items is None else items, rules, formats), "order_id")


def each_order(*variations: Row, **how: Any) -> list[Row]:
    """The published orders of a shop whose orders differ in this alone, in the order in which they are given."""
    came = [order(order_id=f"{number:03}", **values) for number, values in enumerate(variations)]
    items = tb_order_items(*({"order_id": row["order_id"]} for row in came))
    return publish(*came, **{"items": items, **how})


def with_rules(**changed: Any) -> OrderRules:
    return RULES.model_copy(update=changed)


def test_the_published_columns_are_those_of_the_design():
    assert list(TABLE.columns) == [
        "order_id",
        "customer_id",
        "status",
        "source_status",
        "is_failed",
        "failure_reason",
        "ordered_at",
        "approved_at",
        "shipped_at",
        "delivered_at",
        "estimated_delivery_at",
        "delivery_estimate_source",
        "delivery_days",
        "is_late",
        "items_count",
        "units_count",
        "gross_amount",
        "discount_amount",
        "net_amount",
        "tax_amount",
        "shipping_fee",
        "shipping_fee_source",
        "total_amount",
        "currency",
        "ship_city",
        "ship_region",
        "ship_postal_code",
        "ship_country_code",
        "updated_at",
    ]


def test_an_order_is_published_with_what_the_shop_and_its_items_know():
    came = order(
        status="Shipped",
        approved_at="2025-02-03 11:00:00",
        shipped_at="2025-02-04 12:00:00",
        delivered_at="2025-02-06 13:00:00",
        promised_at="2025-02-07",
        shipping_fee="3.5",
        currency="usd",
        ship_city="Leipzig",
        ship_region="SN",
        ship_postal_code="04109",
    )
    (published,) = publish(came, items=tb_order_items({}, {"quantity": Decimal("2.5")}))
    assert published == {
        "order_id": "10",
        "customer_id": "1",
        "status": "shipped",
        "source_status": "Shipped",
        "is_failed": False,
        "failure_reason": None,
        "ordered_at": datetime(2025, 2, 3, 10),
        "approved_at": datetime(2025, 2, 3, 11),
        "shipped_at": datetime(2025, 2, 4, 12),
        "delivered_at": datetime(2025, 2, 6, 13),
        "estimated_delivery_at": datetime(2025, 2, 7),
        "delivery_estimate_source": "source",
        "delivery_days": 3,
        "is_late": False,
        "items_count": 2,
        "units_count": Decimal("3.500"),
        "gross_amount": Decimal("24.00"),
        "discount_amount": Decimal("4.00"),
        "net_amount": Decimal("20.00"),
        "tax_amount": Decimal("3.80"),
        "shipping_fee": Decimal("3.50"),
        "shipping_fee_source": "source",
        "total_amount": Decimal("27.30"),
        "currency": "USD",
        "ship_city": "Leipzig",
        "ship_region": "SN",
        "ship_postal_code": "04109",
        "ship_country_code": "DE",
        "updated_at": datetime(2025, 2, 3, 10),
    }


def test_amounts_are_decimals_and_counts_are_integers():
    types = build_orders(stage_rows(order()), tb_order_items({}), RULES, Formats()).schema()
    amounts = [name for name in types if name.endswith(("_amount", "_fee"))]
    assert {str(types[name]).lstrip("!") for name in amounts} == {"decimal(18, 2)"}
    assert (len(amounts), str(types["items_count"]).lstrip("!")) == (6, "int64")
    assert (str(types["units_count"]).lstrip("!"), str(types["delivery_days"]).lstrip("!")) == (
        "decimal(18, 3)",
        "int64",
    )


def test_statuses_mean_what_the_map_says_and_others_are_unknown():
    statuses = {
        "NEW": "created",
        "paid": "approved",
        "Picking": "processing",
        "shipped": "shipped",
        "delivered.": "delivered",
        "cancelled": "cancelled",
        "refunded": "returned",
        "failed": "failed",
        "lost": "unknown",
        "": "unknown",
    }
    published = each_order(*({"status": status} for status in statuses))
    assert [row["status"] for row in published] == list(statuses.values())
    assert [row["source_status"] for row in published] == [status or None for status in statuses]


def test_values_that_no_map_knows_are_counted_by_column():
    staged = stage_rows(
        order(order_id="1", status="lost"),
        order(order_id="2", status="lost", ship_country="Atlantis"),
        order(order_id="3", status="", ship_country=""),
        order(order_id="4", status="failed", failure_reason="alien abduction"),
        order(order_id="5", status="failed", failure_reason="sold out"),
    )
    assert rows(unmapped(staged, MEANINGS)) == [
        {"column": "ship_country", "value": "Atlantis", "rows": 1},
        {"column": "source_failure_reason", "value": "alien abduction", "rows": 1},
        {"column": "source_status", "value": "lost", "rows": 2},
    ]


def test_failed_and_cancelled_orders_failed_and_refunded_ones_did_not():
    statuses = ["failed", "cancelled", "refunded", "delivered", "lost"]
    published = each_order(*({"status": status} for status in statuses))
    assert [row["is_failed"] for row in published] == [True, True, False, False, False]


def test_which_statuses_are_failures_is_a_rule():
    rules = with_rules(failed_statuses=("returned", "unknown"))
    published = each_order({"status": "refunded"}, {"status": "lost"}, {"status": "failed"}, rules=rules)
    assert [row["is_failed"] for row in published] == [True, True, False]


def test_a_failed_order_has_a_reason_and_no_other_order_has():
    published = each_order(
        {"status": "failed", "failure_reason": "Sold out"},
        {"status": "failed", "failure_reason": "alien abduction"},
        {"status": "failed", "failure_reason": ""},
        {"status": "cancelled", "failure_reason": "changed mind", "payment_status": "card declined"},
        {"status": "cancelled", "failure_reason": "", "payment_status": "Card declined"},
        {"status": "cancelled", "failure_reason": "", "payment_status": "paid"},
        {"status": "delivered", "failure_reason": "sold out"},
        {"status": "delivered", "payment_status": "card declined"},
        {"status": "refunded", "payment_status": "card declined"},
    )
    assert [row["failure_reason"] for row in published] == [
        "out_of_stock",
        "other",
        "other",
        "customer_cancelled",
        "payment_failed",
        "other",
        None,
        None,
        None,
    ]


def test_totals_are_the_sums_of_the_items_of_the_order_and_returns_take_off():
    items = tb_order_items(
        {"gross_amount": Decimal("0.10"), "net_amount": Decimal("0.08")},
        {"gross_amount": Decimal("0.20"), "net_amount": Decimal("0.18")},
        {
            "quantity": Decimal(-2),
            "gross_amount": Decimal("-0.30"),
            "discount_amount": Decimal("-0.10"),
            "net_amount": Decimal("-0.20"),
            "tax_amount": Decimal("-0.04"),
        },
        {"order_id": "11", "gross_amount": Decimal("99.00")},
    )
    (published,) = publish(order(), items=items)
    assert [published[name] for name in list(TABLE.columns)[14:20]] == [
        3,
        Decimal("0.000"),
        Decimal("0.00"),
        Decimal("3.90"),
        Decimal("0.06"),
        Decimal("3.76"),
    ]


def test_an_order_without_items_has_totals_of_zero_and_nothing_to_ship():
    (published,) = publish(order(), items=tb_order_items({"order_id": "11"}))
    assert [published[name] for name in list(TABLE.columns)[14:20]] == [0] + [Decimal(0)] * 5
    assert (published["shipping_fee"], published["total_amount"]) == (Decimal("0.00"), Decimal("0.00"))


def test_the_shipping_fee_is_the_orders_then_that_of_its_items_then_the_rules():
    items = tb_order_items(
        {"shipping_fee": Decimal("1.25")},
        {"shipping_fee": Decimal("1.30")},
        {"shipping_fee": None},
        {"order_id": "11", "shipping_fee": None},
    )
    published = (
        publish(order(shipping_fee="3.005"), items=items)
        + publish(order(shipping_fee="0"), items=items)
        + publish(order(), order(order_id="11"), items=items)
    )
    assert [(row["shipping_fee"], row["shipping_fee_source"]) for row in published] == [
        (Decimal("3.01"), "source"),
        (Decimal("0.00"), "source"),
        (Decimal("2.55"), "items"),
        (Decimal("4.90"), "rule"),
    ]


def test_the_total_is_net_and_tax_and_shipping():
    (published,) = publish(order(), items=tb_order_items({}))
    assert published["total_amount"] == Decimal("10.00") + Decimal("1.90") + Decimal("4.90")


def test_the_rules_fee_depends_on_the_country_and_is_none_from_the_free_amount():
    rules = with_rules(
        shipping=ShippingFees(flat=Decimal("4.90"), by_country={"FR": Decimal("9.00")}, free_from=Decimal("100.00"))
    )
    came = [order(order_id=name, ship_country=name[:2]) for name in ("DE", "FR", "DE free", "FR free", "DE just not")]
    nets = {"DE free": "100.00", "FR free": "100.01", "DE just not": "99.99"}
    items = tb_order_items(
        *({"order_id": row["order_id"], "net_amount": Decimal(nets.get(row["order_id"], "10.00"))} for row in came)
    )
    published = publish(*came, items=items, rules=rules)
    assert {row["order_id"]: row["shipping_fee"] for row in published} == {
        "DE": Decimal("4.90"),
        "FR": Decimal("9.00"),
        "DE free": Decimal("0.00"),
        "FR free": Decimal("0.00"),
        "DE just not": Decimal("4.90"),
    }


def test_shipping_is_never_free_unless_the_rules_say_from_when():
    (published,) = publish(order(), items=tb_order_items({"net_amount": Decimal("99999.00")}))
    assert published["shipping_fee"] == Decimal("4.90")


def test_the_rule_charges_nothing_for_what_failed_or_only_came_back():
    came = [order(status="failed"), order(order_id="11", status="refunded"), order(order_id="12")]
    items = tb_order_items({}, {"order_id": "11", "quantity": Decimal(-1)}, {"order_id": "12"})
    assert [row["shipping_fee"] for row in publish(*came, items=items)] == [
        Decimal("0.00"),
        Decimal("0.00"),
        Decimal("4.90"),
    ]


def test_a_failed_order_keeps_the_fee_that_the_shop_states():
    (published,) = publish(order(status="failed", shipping_fee="4"))
    assert (published["shipping_fee"], published["shipping_fee_source"]) == (Decimal("4.00"), "source")


def test_an_estimate_is_the_shops_promise_or_business_days_after_the_order():
    monday_of_the_week_after = datetime(2025, 2, 10)
    published = each_order({"promised_at": "2025-02-20 18:00:00"}, {"promised_at": ""})
    assert [(row["estimated_delivery_at"], row["delivery_estimate_source"]) for row in published] == [
        (datetime(2025, 2, 20, 18), "source"),
        (monday_of_the_week_after, "rule"),
    ]


def test_business_days_depend_on_the_method_then_the_country():
    rules = with_rules(
        delivery=DeliveryTimes(business_days=5, by_country={"FR": 6}, by_method={"Express Air": 1, "pick up": 0})
    )
    published = each_order(
        {"shipping_method": "express air", "ship_country": "FR"},
        {"shipping_method": "Pick Up"},
        {"shipping_method": "slow boat", "ship_country": "France"},
        {"shipping_method": "", "ship_country": ""},
        rules=rules,
    )
    assert [row["estimated_delivery_at"] for row in published] == [
        datetime(2025, 2, 4),
        datetime(2025, 2, 3),
        datetime(2025, 2, 11),
        datetime(2025, 2, 10),
    ]


def test_an_order_is_late_from_the_day_after_its_estimate():
    promised = {"promised_at": "2025-02-07 12:00:00"}
    published = each_order(
        promised | {"delivered_at": "2025-02-06"},
        promised | {"delivered_at": "2025-02-07 23:59:59"},
        promised | {"delivered_at": "2025-02-08 00:00:00"},
        promised | {"shipped_at": "2025-02-07 23:59:59"},
        promised | {"shipped_at": "2025-02-08"},
        promised | {"shipped_at": "2025-02-09", "delivered_at": "2025-02-07"},
        promised,
        {"delivered_at": "2025-02-11"},
    )
    assert [row["is_late"] for row in published] == [False, False, True, None, True, False, None, True]


def test_days_are_counted_from_the_day_of_the_order_to_that_of_the_delivery():
    published = each_order(
        {"ordered_at": "2025-02-03 23:59:59", "delivered_at": "2025-02-04 00:00:00"},
        {"ordered_at": "2025-02-03 00:00:00", "delivered_at": "2025-02-03 23:59:59"},
        {"delivered_at": ""},
    )
    assert [row["delivery_days"] for row in published] == [1, 0, None]


def test_days_begin_and_end_in_the_zone_of_the_shop():
    evening = {"promised_at": "2025-07-01", "ordered_at": "2025-06-26 20:30", "delivered_at": "2025-07-01 22:30"}
    published = [
        each_order(evening, evening | {"promised_at": ""}, formats=Formats(time_zone=zone))
        for zone in ("America/New_York", "Europe/Paris", "Asia/Kolkata")
    ]
    assert [[row["is_late"] for row in rows_] for rows_ in published] == [[False, False]] * 3
    assert [[row["delivery_days"] for row in rows_] for rows_ in published] == [[5, 5]] * 3
    # Thursday and five business days: the next Thursday, which begins at 4 o'clock, at 22 and at 18:30 UTC
    assert [rows_[1]["estimated_delivery_at"] for rows_ in published] == [
        datetime(2025, 7, 3, 4),
        datetime(2025, 7, 2, 22),
        datetime(2025, 7, 2, 18, 30),
    ]


def test_an_order_that_names_no_currency_has_the_default_one():
    published = each_order({"currency": ""}, {"currency": " chf "}, rules=with_rules(default_currency="SEK"))
    assert [row["currency"] for row in published] == ["SEK", "CHF"]


def test_an_order_that_the_shop_deleted_is_not_published():
    published = publish(order(), order(order_id="11", deleted_at="2025-03-01"))
    assert [row["order_id"] for row in published] == ["10"]


def test_an_order_has_one_row_however_many_items():
    assert [row["items_count"] for row in publish(order(), items=tb_order_items({}, {}, {}))] == [3]


def test_text_ids_of_orders_meet_integer_ids_of_items():
    items = tb_order_items({"order_id": 7}, {"order_id": 7}, key="int64")
    published = publish(order(order_id="007"), order(order_id=" 7 "), items=items)
    assert [(row["order_id"], row["items_count"]) for row in published] == [("007", 0), ("7", 2)]


def test_impossible_orders_are_rejected():
    came = [
        order(order_id="1", shipping_fee="-0.01"),
        order(order_id="2", shipping_fee="10000000000"),
        order(order_id="3", ordered_at=""),
        order(order_id="4", ordered_at="2025-02-30"),
        order(order_id="5", shipping_fee="0", customer_id=""),
    ]
    staged = stage_orders(source(came), GATE, RULES, Formats())
    assert {row["came"]["order_id"]: row["reasons"] for row in rows(staged.rejected)} == {
        "1": "shipping_fee is negative",
        "2": "shipping_fee is not below 10000000000",
        "3": "ordered_at is missing",
        "4": "ordered_at is not a date",
    }
