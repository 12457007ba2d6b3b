"""Rules are parameters: what is impossible is refused, with the key and what is allowed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from datamart_kedro.expressions.formats import Formats, Rules
from datamart_kedro.pipelines.customers.rules import CustomerRules
from datamart_kedro.pipelines.order_items.rules import OrderItemRules
from datamart_kedro.pipelines.orders.rules import OrderRules
from datamart_kedro.pipelines.products.rules import ProductRules

BASE = Path(__file__).parents[2] / "conf" / "base"
MODELS: dict[str, type[Rules]] = {
    "formats": Formats,
    "customers": CustomerRules,
    "products": ProductRules,
    "orders": OrderRules,
    "order_items": OrderItemRules,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_default_of_each_rule_is_allowed(name: str):
    model = MODELS[name]
    assert model.model_validate(model().model_dump(mode="json")) == model()


@pytest.mark.parametrize("name", MODELS)
def test_the_parameters_of_the_project_are_allowed(name: str):
    parameters = yaml.safe_load((BASE / f"parameters_{name}.yml").read_text(encoding="utf-8"))
    assert list(parameters) == [name]
    assert isinstance(MODELS[name].model_validate(parameters[name]), MODELS[name])


@pytest.mark.parametrize("name", MODELS)
def test_an_unknown_parameter_is_refused_by_name(name: str):
    with pytest.raises(ValidationError, match=r"max_prize\n.*Extra inputs are not permitted"):
        MODELS[name].model_validate({"max_prize": 1})


ALLOWED: list[tuple[str, str, list[Any]]] = [
    ("customers", "returning_from", [2, 1000]),
    ("products", "low_stock_from", [0, 1_000_000, "0.5"]),
    ("products", "no_sales_days", [1, 36_500, None]),
    ("products", "max_unit_price", ["0.01", 9_999_999_999]),
    ("orders", "default_currency", ["USD"]),
    ("orders", "failed_statuses", [["returned", "unknown"], []]),
    ("orders", "shipping.flat", [0, 100_000, "4.99"]),
    ("orders", "shipping.free_from", [0, 1_000_000, None]),
    ("orders", "shipping.by_country", [{"FR": "9.90"}]),
    ("orders", "delivery.business_days", [0, 365]),
    ("orders", "delivery.by_country", [{"FR": 0}]),
    ("orders", "delivery.by_method", [{"express": 1}]),
    ("order_items", "max_quantity", [1, 99_999]),
    ("order_items", "max_unit_price", ["0.0001", 999_999]),
    ("order_items", "tax.default", [0, 1, "0.055"]),
    ("order_items", "tax.by_country", [{"DE": "0.19"}]),
    ("order_items", "tax.by_category", [{"Books": "0.07"}]),
    ("formats", "time_zone", ["Europe/Paris"]),
    ("formats", "date_formats", [["iso", "month_first"], []]),
    ("formats", "missing_words", [[]]),
    ("formats", "country_names", [{"UK": "GB", "u.k.": "GB"}]),
    ("orders", "contract.severities", [{"a rule": "warn", "another": "off"}]),
    ("orders", "contract.max_lost_share", [0, 1]),
    ("customers", "corrections", [{"7": {"country": "France", "status": None}}]),
    (
        "products",
        "corrections",
        [{"7": {"unit_cost": 12.5, "discontinued": True, "discontinued_at": date(2026, 1, 2)}}],
    ),
    ("orders", "corrections", [{"a/b": {"status": "sent"}}]),
    ("order_items", "corrections", [{"a/b/2": {"quantity": "-1.5"}}]),
]

REFUSED: list[tuple[str, str, list[Any], str]] = [
    ("customers", "corrections", [{"7": {"email": "a@b.example"}}, {"7": {"customer_id": "8"}}], "cannot be corrected"),
    (
        "orders",
        "corrections",
        [{"7": {"customer_id": "8"}}, {"7": {"updated_at": "2026-01-01"}}],
        "cannot be corrected",
    ),
    ("products", "corrections", [{"": {"name": "x"}}], "is no key; write product_id"),
    ("products", "corrections", [{"7": {"unit_cost": "12,5"}}], "must be a number"),
    ("order_items", "corrections", [{"7": {"quantity": "1"}}, {"/2": {"quantity": "1"}}], "write order_id/line_number"),
    ("order_items", "corrections", [{"7/2": {"quantity": None}}], "cannot be empty"),
    ("customers", "returning_from", [1], "greater than or equal to 2"),
    ("customers", "returning_from", [1001], "less than or equal to 1000"),
    ("customers", "returning_from", ["two", 2.5], "valid integer"),
    ("products", "low_stock_from", [-1], "greater than or equal to 0"),
    ("products", "low_stock_from", [1_000_001], "less than or equal to 1000000"),
    ("products", "no_sales_days", [0], "greater than or equal to 1"),
    ("products", "no_sales_days", [36_501], "less than or equal to 36500"),
    ("products", "max_unit_price", [0], "greater than 0"),
    ("products", "max_unit_price", [10**10], "less than 10000000000"),
    ("products", "departments", [{"Books": "A", "BOOKS": "B"}], "'Books' and 'BOOKS' are one text"),
    ("products", "category_aliases", [{"e.books": "A", "EBooks": "B"}], "'e.books' and 'EBooks' are one text"),
    ("orders", "status_map", [{"gone": "vanished"}, {"gone": "unknown"}], "'created', 'approved', 'processing'"),
    ("orders", "status_map", [{"done": "shipped", "Done ": "delivered"}], "'done' and 'Done ' are one text"),
    ("orders", "failed_statuses", [["vanished"]], "'created', 'approved', 'processing'"),
    ("orders", "failure_map", [{"x": "bad luck"}], "'payment_failed', 'out_of_stock', 'fraud_suspected'"),
    ("orders", "default_currency", ["eur", "EURO"], "[A-Z]{3}"),
    ("orders", "shipping.flat", [-0.01], "greater than or equal to 0"),
    ("orders", "shipping.flat", [100_001], "less than or equal to 100000"),
    ("orders", "shipping.flat", ["4.999"], "2 decimal places"),
    ("orders", "shipping.free_from", [-1], "greater than or equal to 0"),
    ("orders", "shipping.free_from", [1_000_001], "less than or equal to 1000000"),
    ("orders", "shipping.by_country", [{"France": 9}], "[A-Z]{2}"),
    ("orders", "delivery.business_days", [-1], "greater than or equal to 0"),
    ("orders", "delivery.business_days", [366], "less than or equal to 365"),
    ("orders", "delivery.by_country", [{"FR": 366}], "less than or equal to 365"),
    ("orders", "delivery.by_method", [{"express": 1, "EXPRESS": 2}], "'express' and 'EXPRESS' are one text"),
    ("order_items", "max_quantity", [0], "greater than or equal to 1"),
    ("order_items", "max_quantity", [1_000_001], "less than or equal to 1000000"),
    ("order_items", "max_unit_price", [0], "greater than 0"),
    ("order_items", "max_unit_price", ["0.00001"], "4 decimal places"),
    ("order_items", "tax.default", [-0.1], "greater than or equal to 0"),
    ("order_items", "tax.default", [19], "less than or equal to 1"),
    ("order_items", "tax.by_country", [{"Germany": 0.19}], "[A-Z]{2}"),
    ("order_items", "tax.by_category", [{"Books": 7}], "less than or equal to 1"),
    ("formats", "time_zone", ["Mars/Olympus"], "not an IANA time zone"),
    ("formats", "date_formats", [["day_first", "month_first"]], "01/02/2026 would be two days"),
    ("formats", "date_formats", [["roman"]], "'iso', 'compact', 'day_first' or 'month_first'"),
    ("formats", "country_names", [{"England": "gb"}], "[A-Z]{2}"),
    ("formats", "country_names", [{"UK": "GB", "uk": "UA"}], "'UK' and 'uk' are one text"),
]
for domain in ("customers", "products", "orders", "order_items"):
    REFUSED += [
        (domain, "contract.severities", [{"a rule": "fatal"}], "'error', 'warn' or 'off'"),
        (domain, "contract.max_rejected_share", [-0.1], "greater than or equal to 0"),
        (domain, "contract.max_rejected_share", [1.1], "less than or equal to 1"),
        (domain, "contract.max_unknown_share", [-0.1], "greater than or equal to 0"),
        (domain, "contract.max_unknown_share", [1.1], "less than or equal to 1"),
        (domain, "contract.max_lost_share", [-0.1], "greater than or equal to 0"),
        (domain, "contract.max_lost_share", [1.1], "less than or equal to 1"),
        (domain, "contract.shares_from_rows", [0], "greater than or equal to 1"),
    ]


def with_value(key: str, value: Any) -> dict[str, Any]:
    """Parameters in which a dotted key has a value."""
    head, _, rest = key.partition(".")
    return {head: with_value(rest, value) if rest else value}


@pytest.mark.parametrize(("name", "key", "values"), ALLOWED, ids=lambda part: str(part)[:30])
def test_values_in_the_range_are_allowed(name: str, key: str, values: list[Any]):
    for value in values:
        MODELS[name].model_validate(with_value(key, value))


@pytest.mark.parametrize(("name", "key", "values", "allowed"), REFUSED, ids=lambda part: str(part)[:30])
def test_values_out_of_range_are_refused_with_the_key_and_the_range(
    name: str, key: str, values: list[Any], allowed: str
):
    for value in values:
        with pytest.raises(ValidationError) as refusal:
            MODELS[name].model_validate(with_value(key, value))
        assert key in str(refusal.value)
        assert allowed in str(refusal.value)


def test_every_rule_has_a_value_that_is_refused():
    def keys(model: type[Rules], path: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            nested = field.annotation
            is_nested = isinstance(nested, type) and issubclass(nested, Rules)
            found += keys(nested, f"{path}{name}.") if is_nested else [path + name]
        return found

    unbounded = {"formats.missing_words"}
    tested = {f"{name}.{key}" for name, key, *_ in REFUSED}
    assert {f"{name}.{key}" for name, model in MODELS.items() for key in keys(model)} - tested == unbounded


def test_quantity_times_price_must_stay_exact():
    OrderItemRules(max_quantity=99_999, max_unit_price=100_000)
    with pytest.raises(ValidationError, match="max_quantity x max_unit_price must stay below 10,000,000,000"):
        OrderItemRules(max_quantity=100_000, max_unit_price=100_000)


@pytest.mark.parametrize("model", MODELS.values())
def test_rules_do_not_change_once_they_are_made(model: type[Rules]):
    name = next(iter(model.model_fields))
    rules = model()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(rules, name, getattr(rules, name))
