"""The parameters know what the sample shop writes, as far as its ledger of faults says that they do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from datamart_kedro.expressions.lookups import look_up, with_country_code
from datamart_kedro.sample.catalogue import CATEGORIES
from datamart_kedro.sample.faults import CATEGORY_SPELLINGS, COUNTRY_SPELLINGS, STATUS_SPELLINGS
from datamart_kedro.sample.order_rows import REASONS
from datamart_kedro.sample.people import COUNTRY_NAMES, TAX_PERCENT
from tests.sample.expected import COUNTRIES, DEPARTMENTS, STATUSES
from tests.tables import source, values

CONF = Path(__file__).parents[2] / "conf" / "base"


def parameters(domain: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONF / f"parameters_{domain}.yml").read_text(encoding="utf-8"))[domain]
    return found


def meanings(texts: Iterable[str], known: dict[str, str]) -> set[str | None]:
    written = source([{"written": text} for text in texts])
    return set(values(written.select(means=look_up(written.written, known)), "means"))


def countries(texts: Iterable[str]) -> set[str | None]:
    written = source([{"written": text} for text in texts])
    names = parameters("formats")["country_names"]
    return set(values(with_country_code(written, "written", "code", names), "code"))


@pytest.mark.parametrize("name", COUNTRY_NAMES)
def test_a_country_is_known_in_every_spelling_of_the_shop(name: str):
    assert countries([name, *COUNTRY_SPELLINGS[name]]) == {COUNTRIES[name]}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_known_in_every_spelling_of_the_shop(status: str):
    known = parameters("orders")["status_map"]
    assert meanings([status, *STATUS_SPELLINGS[status]], known) == {STATUSES[status]}


@pytest.mark.parametrize("category", [category.name for category in CATEGORIES])
def test_a_category_is_known_in_every_spelling_of_the_shop(category: str):
    products = parameters("products")
    aliases = {name: name for name in products["departments"]} | products["category_aliases"]
    assert meanings([category, *CATEGORY_SPELLINGS[category]], aliases) == {category}
    assert products["departments"][category] == DEPARTMENTS[category]


def test_every_reason_for_which_orders_fail_is_known():
    stated = [reason for reason in REASONS if reason]
    assert None not in meanings([*stated, "declined"], parameters("orders")["failure_map"])


def test_some_countries_are_left_unknown_on_purpose():
    assert countries(["Atlantis", "Freedonia", "Nirgendwo"]) == {None}


def test_some_statuses_are_left_unknown_on_purpose():
    assert meanings(["in limbo", "tbd", "42"], parameters("orders")["status_map"]) == {None}


def test_the_rule_taxes_as_the_shop_does():
    rule = parameters("order_items")["tax"]["by_country"]
    assert {COUNTRIES[name]: percent / 100 for name, percent in zip(COUNTRY_NAMES, TAX_PERCENT, strict=True)} == rule
