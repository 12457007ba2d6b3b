"""A join to one row keeps every row, and doubles none."""

from __future__ import annotations

from typing import Any

import pytest

from datamart_kedro.expressions.joins import join_none, join_one
from tests.tables import rows, table, values

LINES = [
    {"order_id": "1", "line": 1},
    {"order_id": "1", "line": 2},
    {"order_id": "9", "line": 1},
    {"order_id": None, "line": 1},
]
ORDERS = [{"order_id": "1", "country": "DE"}, {"order_id": "2", "country": "FR"}]


def lines(*keys: Any, dtype: str) -> Any:
    return table([{"order_id": key} for key in keys], order_id=dtype)


def orders(*keys: Any, dtype: str) -> Any:
    return table([{"order_id": key, "country": f"of {key}"} for key in keys], order_id=dtype, country="string")


def test_every_row_is_kept_and_gets_what_the_other_table_knows():
    joined = join_one(
        table(LINES, order_id="string", line="int64"),
        table(ORDERS, order_id="string", country="string"),
        "order_id",
        ["country"],
    )
    assert rows(joined, "line", "order_id") == [
        {"order_id": "1", "line": 1, "country": "DE"},
        {"order_id": "9", "line": 1, "country": None},
        {"order_id": None, "line": 1, "country": None},
        {"order_id": "1", "line": 2, "country": "DE"},
    ]


def test_it_can_tell_whether_there_is_such_a_row_even_if_all_it_knows_is_null():
    known = table([{"order_id": "1", "country": None}], order_id="string", country="string")
    joined = join_one(lines("1", "9", dtype="string"), known, "order_id", ["country"], found="has_order")
    assert [(row["order_id"], row["has_order"]) for row in rows(joined)] == [("1", True), ("9", False)]


@pytest.mark.parametrize(("left", "right"), [("string", "int64"), ("int64", "string")])
def test_ids_of_different_types_are_compared_as_text(left: str, right: str):
    keys = {"string": ["7", "8"], "int64": [7, 9]}
    joined = join_one(lines(*keys[left], dtype=left), orders(*keys[right], dtype=right), "order_id", ["country"])
    assert [(str(row["order_id"]), row["country"]) for row in rows(joined)] == [
        ("7", "of 7"),
        (str(keys[left][1]), None),
    ]


def test_a_text_with_leading_zeros_is_not_the_number():
    joined = join_one(lines("007", dtype="string"), orders(7, dtype="int64"), "order_id", ["country"])
    assert rows(joined) == [{"order_id": "007", "country": None}]


def test_rows_without_a_match_are_found_whatever_the_types_of_the_ids():
    same = join_none(lines("1", "2", "2", dtype="string"), orders("1", "3", dtype="string"), "order_id")
    mixed = join_none(lines("007", "7", "B", dtype="string"), orders(7, dtype="int64"), "order_id")
    numbers = join_none(lines(7, 8, dtype="int64"), orders("007", "8", "B", dtype="string"), "order_id")
    assert [values(found, "order_id") for found in (same, mixed, numbers)] == [["2", "2"], ["007", "B"], [7]]
