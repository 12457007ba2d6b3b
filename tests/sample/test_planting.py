"""Faults: which rows get one, what is planted, and what the ledger says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from datamart_kedro.sample.draws import Draws
from datamart_kedro.sample.faults import COUNTRY_SPELLINGS
from datamart_kedro.sample.mistakes import (
    an_hour_before,
    around,
    negated,
    nothing,
    one_of,
    reformatted,
    replaced,
    respelt,
    same,
    swapped_case,
    upper_case,
)
from datamart_kedro.sample.people import COUNTRY_NAMES
from datamart_kedro.sample.planting import Fault, Rows, escaped, faulty, plant
from datamart_kedro.sample.source_tables import FAULTS_OF
from datamart_kedro.sample.tables import KEYS, TABLES
from tests.sample.shops import by_key, shop, tables_of

BAD = Fault("bad name", "name", "rejected", one_of("?"), "name is bad")
TWICE = Fault("exact copy", "", "superseded", same, is_copy=True)
STALE = Fault("older version", "name", "superseded", one_of("old"), is_copy=True)


def planted(names: list[str | None], *faults: Fault, rate: float = 1.0, typed: bool = False) -> tuple[Any, Any]:
    """Names and ledger (key, planted) after faults were planted in rows with keys a, b, c ..."""
    rows = Rows(
        "things",
        {"name": pa.array(names, pa.string()), "note": pa.array([None] * len(names), pa.string())},
        pa.array([chr(ord("a") + number) for number in range(len(names))]),
        np.arange(len(names), dtype=np.int64),
    )
    columns, ledger = plant(rows, faults, rate, Draws(1), typed=typed)
    entries = [
        pair for part in ledger for pair in zip(part["key"].to_pylist(), part["planted"].to_pylist(), strict=True)
    ]
    return columns["name"].to_pylist(), entries


def test_one_row_in_so_many_is_faulty_and_kinds_take_turns():
    assert faulty(np.arange(12, dtype=np.int64), 0.25, 2).tolist() == [-1, -1, -1, 0, -1, -1, -1, 1, -1, -1, -1, 0]


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (0.5, 0.5), (1.0, 1)])
def test_the_rate_is_the_share_of_faulty_rows(rate: float, share: float):
    assert np.mean(faulty(np.arange(1000, dtype=np.int64), rate, 7) >= 0) == share


def test_a_fault_replaces_the_value_and_is_written_down():
    assert planted(["Ann", "Bob"], BAD) == (["?", "?"], [("a", "?"), ("b", "?")])


def test_where_there_is_no_value_nothing_is_planted():
    assert planted([None, "Bob"], BAD) == ([None, "?"], [("b", "?")])


def test_a_fault_that_needs_no_value_is_planted_everywhere():
    fault = Fault("bad name", "name", "rejected", one_of("?"), on_null=True)
    assert planted([None], fault) == (["?"], [("a", "?")])


def test_a_missing_value_is_planted_as_nothing():
    assert planted(["Ann"], Fault("no name", "name", "rejected", nothing)) == ([None], [("a", "")])


def test_a_row_that_would_be_wrong_in_a_second_way_is_left_alone():
    assert planted(["Ann"], Fault("bad name", "name", "rejected", one_of("?"), unless="name")) == (["Ann"], [])
    assert planted(["Ann"], Fault("bad name", "name", "rejected", one_of("?"), unless="note")) == (["?"], [("a", "?")])


def test_a_copy_stands_behind_its_row_and_is_written_down_once():
    assert planted(["Ann", "Bob"], TWICE) == (["Ann", "Ann", "Bob", "Bob"], [("a", None), ("b", None)])


def test_a_worse_copy_leaves_its_row_as_it_was():
    assert planted(["Ann"], STALE) == (["Ann", "old"], [("a", "old")])


def test_what_columns_with_types_cannot_hold_is_not_planted_in_them():
    fault = Fault("bad name", "name", "rejected", one_of("?"), fits_types=False)
    assert planted(["Ann"], fault, typed=True) == (["Ann"], [])


def test_control_characters_are_written_out():
    assert escaped(pa.array(["a\\b\x00\x07\t\r\n"])).to_pylist() == ["a\\\\b\\x00\\x07\\t\\r\\n"]


@pytest.mark.parametrize(
    ("change", "value", "expected"),
    [
        (upper_case, "paid", "PAID"),
        (swapped_case, "united kingdom", "uNITED KINGDOM"),
        (around("  ", "\t"), "Ann", "  Ann\t"),
        (replaced("@", "(at)"), "a@b", "a(at)b"),
        (replaced("@", "(at)"), "a", None),
        (respelt({"paid": ["payed"]}), "paid", "payed"),
        (respelt({"paid": ["payed"]}), "new", None),
        (negated, "2.50", "-2.50"),
        (negated, "-1", None),
        (an_hour_before, "2025-01-01 00:30:00Z", "2024-12-31 23:30:00Z"),
    ],
)
def test_a_mistake_does_to_a_value_what_its_name_says(change, value: str, expected: str | None):
    assert change(pa.array([value]), np.array([0.5])).to_pylist() == [expected]


def test_a_date_comes_in_five_other_formats():
    values = pa.array(["2025-02-03 04:05:06Z"] * 5)
    assert reformatted(values, np.array([0.0, 0.2, 0.4, 0.6, 0.8])).to_pylist() == [
        "03.02.2025 04:05", "03/02/2025", "20250203", "2025-02-03 04:05:06", "2025-02-03T04:05:06+00:00",
    ]  # fmt: skip


def test_every_country_of_the_shop_can_be_misspelt():
    assert set(COUNTRY_SPELLINGS) == set(COUNTRY_NAMES)


@pytest.mark.parametrize("domain", FAULTS_OF)
def test_kinds_of_faults_have_a_name_each_and_lie_in_columns_that_exist(domain: str):
    faults = FAULTS_OF[domain]
    assert len({fault.name for fault in faults}) == len(faults)
    assert {fault.column for fault in faults} - {""} <= TABLES[domain].keys()
    assert [fault.name for fault in faults if (fault.expected == "rejected") != bool(fault.reason)] == []


@pytest.mark.parametrize("dirt", [0.05, 1.0])
def test_dirt_leaves_every_other_row_as_it_is(dirt: float):
    clean, dirty = tables_of(shop(200)), tables_of(shop(200, dirt=dirt))
    for domain, names in KEYS.items():
        faults = {row["key"] for row in dirty["faults"] if row["domain"] == domain}
        expected = {key: row for key, row in by_key(clean[domain], *names).items() if key not in faults}
        rows = ["/".join(row[name] for name in names) for row in dirty[domain]]
        found = {key: row for key, row in zip(rows, dirty[domain], strict=True) if key in expected}
        assert found == expected


def test_a_row_with_a_fault_differs_in_the_column_that_the_ledger_names_and_nowhere_else():
    clean, dirty = tables_of(shop(200)), tables_of(shop(200, dirt=1.0))
    for domain, names in KEYS.items():
        original, found = by_key(clean[domain], *names), dirty[domain]
        faults = [row for row in dirty["faults"] if row["domain"] == domain]
        written = {tuple({**original[row["key"]], **({row["column"]: row["planted"]} if row["column"] else {})}.items())
                   for row in faults}  # fmt: skip
        present = {
            tuple((name, escaped(pa.array([value])).to_pylist()[0]) for name, value in row.items()) for row in found
        }
        assert (len(faults) > 40, written <= present) == (True, True)


def test_a_shop_without_dirt_has_an_empty_ledger():
    assert tables_of(shop(200))["faults"] == []


def test_typed_tables_hold_no_fault_that_types_cannot():
    impossible = {fault.name for faults in FAULTS_OF.values() for fault in faults if not fault.fits_types}
    made = tables_of(shop(200, dirt=1.0), typed=True)
    assert {row["fault"] for row in made["faults"]} & impossible == set()
    assert len(made["faults"]) > 300
