"""Every row is usable or set aside, and what is set aside is kept whole, with its reasons."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from datamart_kedro.columns import SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import RowRule, judge
from tests.tables import rows, source, table

COLUMNS = {
    "id": SourceColumn("id", required=True),
    "price": SourceColumn("money", required=True),
    "paid_at": SourceColumn("instant"),
    "is_gift": SourceColumn("flag"),
    "note": SourceColumn("text"),
}
RULES: dict[str, RowRule] = {
    "price is negative": lambda row: row.price < 0,
    "a gift has a price": lambda row: row.is_gift & (row.price > 0),
}


def judged(*came: dict[str, Any], rules: dict[str, RowRule] | None = None, **types: str) -> tuple[Any, Any]:
    """The valid rows, and the reasons of the rejected ones by their id."""
    _, valid, rejected = judge(source(came, **types), COLUMNS, Formats(), RULES if rules is None else rules)
    return rows(valid), {row["came"]["id"]: row["reasons"] for row in rows(rejected)}


def test_a_usable_row_has_typed_columns_and_absent_ones_are_null():
    assert judged({"id": "1", "price": "2.5"}) == (
        [{"id": "1", "price": Decimal("2.5000"), "paid_at": None, "is_gift": None, "note": None, "corrected": None}],
        {},
    )


def test_columns_that_the_domain_does_not_know_are_left_out_of_usable_rows():
    ((row,), _) = judged({"id": "1", "price": "2", "colour": "red"})
    assert list(row) == [*COLUMNS, "corrected"]


def test_a_value_that_is_missing_is_told_from_one_that_cannot_be_read():
    assert judged({"id": "1", "price": ""}, {"id": "2", "price": "two"}, {"id": "3", "price": "1e20"}) == (
        [],
        {"1": "price is missing", "2": "price is not a number", "3": "price is out of range"},
    )


def test_a_row_without_its_key_is_rejected():
    assert judged({"id": " ", "price": "2"}) == ([], {" ": "id is missing"})


def test_an_optional_value_that_cannot_be_read_rejects_the_row():
    assert judged({"id": "1", "price": "2", "paid_at": "soon"}) == ([], {"1": "paid_at is not a date"})


def test_all_reasons_of_a_row_are_told():
    assert judged({"id": "1", "price": "-2", "paid_at": "soon", "is_gift": "perhaps"}) == (
        [],
        {"1": "paid_at is not a date; is_gift is not yes or no; price is negative"},
    )


def test_a_rule_that_cannot_be_decided_is_not_broken():
    ((row,), reasons) = judged({"id": "1", "price": "2", "is_gift": ""})
    assert (row["is_gift"], reasons) == (None, {})


def test_a_rule_sees_several_columns_of_a_row():
    assert judged({"id": "1", "price": "2", "is_gift": "yes"}, {"id": "2", "price": "0", "is_gift": "yes"})[1] == {
        "1": "a gift has a price"
    }


def test_without_rules_the_types_alone_decide():
    assert judged({"id": "1", "price": "-2"}, {"id": "2", "price": "x"}, rules={})[1] == {"2": "price is not a number"}


def test_a_rejected_row_is_kept_whole_as_it_came():
    came = {"id": " 1", "price": "12,50 €", "note": " two\nlines ", "colour": None}
    _, _, rejected = judge(source([came]), COLUMNS, Formats(), {})
    assert rows(rejected) == [{"came": came, "reasons": "price is not a number"}]


def test_a_rejected_row_keeps_the_types_of_its_source():
    came = {"id": 7, "price": Decimal("-1.123456789"), "paid_at": datetime(2026, 1, 2, 3, 4, 5), "is_gift": True}
    types = {"id": "int32", "price": "decimal(20, 9)", "paid_at": "timestamp(6)", "is_gift": "boolean"}
    _, _, rejected = judge(table([came], **types), COLUMNS, Formats(), RULES)
    assert rows(rejected) == [{"came": came, "reasons": "price is negative"}]


@pytest.mark.parametrize(
    "name",
    [
        "reasons",
        "came",
        "REASONS",
        "raw_price",
        "breach_0",
        "price as it came",
        "the row as it came",
        "reasons to reject it",
        "price is missing",
        "price is negative",
        "Unit Price (€)",
        'a "quoted" name',
        "it's",
        "semi;colon",
        "select",
        "_version",
    ],
)
def test_a_column_of_the_source_may_have_any_name(name: str):
    usable, faulty = {"id": "1", "price": "2", name: "kept"}, {"id": "2", "price": "", name: "kept, too"}
    _, valid, rejected = judge(source([usable, faulty]), COLUMNS, Formats(), RULES)
    assert [row["id"] for row in rows(valid)] == ["1"]
    assert rows(rejected) == [{"came": faulty, "reasons": "price is missing"}]


def test_a_column_with_capitals_is_not_the_one_that_the_domain_means_and_is_kept():
    came = {"id": "1", "Price": "2", "NOTE": "loud"}
    _, valid, rejected = judge(source([came]), COLUMNS, Formats(), {})
    assert rows(valid) == []
    assert rows(rejected) == [{"came": came, "reasons": "price is missing"}]
