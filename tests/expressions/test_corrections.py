"""Single values that people correct: the right rows, the right values, and what the shop says kept beside them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from datamart_kedro.columns import PersonalData, PublishedTable, SourceColumn
from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.corrections import Corrections, correctable, correctable_columns
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.stage import stage
from tests.tables import rows, source, table

KEY = ("order_id", "line_number")
COLUMNS = {
    "order_id": SourceColumn("id", required=True),
    "line_number": SourceColumn("integer", required=True),
    "name": SourceColumn("text"),
    "email": SourceColumn("text"),
    "count": SourceColumn("integer"),
    "price": SourceColumn("money", required=True),
    "rate": SourceColumn("rate"),
    "is_gift": SourceColumn("flag"),
    "paid_at": SourceColumn("instant"),
    "updated_at": SourceColumn("instant"),
}
TABLE = PublishedTable("tb_lines", KEY, "One row per line.", personal=PersonalData("order_id", ("email",)))


def line(number: str = "1", order: str = "7", **values: Any) -> dict[str, Any]:
    return {"order_id": order, "line_number": number, "price": "5", "updated_at": "2026-01-01", **values}


def staged(came: list[dict[str, Any]], corrections: Corrections, formats: Formats | None = None, **types: str) -> Any:
    rules = {"price is negative": lambda row: row.price < 0}
    return stage(source(came, **types), COLUMNS, KEY, formats or Formats(), rules, corrections=corrections)


def test_a_value_is_corrected_in_its_row_alone_and_what_the_shop_says_is_kept():
    came = [line("1", name="Boks"), line("2", name="Boks"), line("1", "8", name="Boks")]
    found = rows(staged(came, {"7/1": {"name": "Books"}}).rows, "order_id", "line_number")
    assert [(row["name"], row["corrected"]) for row in found] == [
        ("Books", "name came as 'Boks'"),
        ("Boks", None),
        ("Boks", None),
    ]


def test_each_key_gets_its_own_value_and_each_column_its_own_note():
    came = [line("1", name="a", rate="0.1"), line("2", name="b"), line("3")]
    corrections: Corrections = {"7/1": {"name": "x", "rate": "0.2"}, "7/2": {"name": "y"}, "7/3": {"name": "z"}}
    found = rows(staged(came, corrections).rows, "line_number")
    assert [(row["name"], row["rate"], row["corrected"]) for row in found] == [
        ("x", Decimal("0.200000"), "name came as 'a'; rate came as '0.1'"),
        ("y", None, "name came as 'b'"),
        ("z", None, "name came as NULL"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("count", "12", 12),
        ("price", "12.3456", Decimal("12.3456")),
        ("is_gift", "true", True),
        ("is_gift", "false", False),
        ("paid_at", "2026-07-01", datetime(2026, 6, 30, 22)),
        ("paid_at", "2026-07-01T12:00Z", datetime(2026, 7, 1, 12)),
        ("paid_at", "2026-07-01 12:00:00.5+01:00", datetime(2026, 7, 1, 11, 0, 0, 500_000)),
        ("name", None, None),
        ("count", None, None),
    ],
)
@pytest.mark.parametrize("came", ["", "nonsense"])
def test_a_value_is_of_its_columns_kind_whatever_came(column: str, value: str | None, read: object, came: str):
    found = staged([line(**{column: came})], {"7/1": {column: value}}, Formats(time_zone="Europe/Paris"))
    assert [row[column] for row in rows(found.rows)] == [read]
    assert rows(found.rejected) == []


def test_a_value_of_a_typed_source_is_corrected():
    types = {"order_id": "int64", "line_number": "int64", "name": "string", "price": "decimal(10, 2)"}
    came = table([{"order_id": 7, "line_number": 1, "name": "a", "price": Decimal("1.00")}], **types)
    found = stage(came, COLUMNS, KEY, Formats(), {}, corrections={"7/1": {"price": "2.5", "is_gift": "true"}})
    (row,) = rows(found.rows)
    assert (row["order_id"], row["price"], row["is_gift"]) == (7, Decimal("2.5000"), True)
    assert row["corrected"] == "is_gift came as NULL; price came as '1.00'"


def test_a_corrected_value_is_judged_and_a_rejected_row_stays_as_it_came():
    found = staged([line(price="5")], {"7/1": {"price": "-1"}})
    (rejected,) = rows(found.rejected)
    assert (rejected["came"]["price"], rejected["reasons"]) == ("5", "price is negative")


def test_a_correction_leaves_the_other_faults_of_its_row():
    found = staged([line(price="x", count="y")], {"7/1": {"price": "1"}})
    assert [row["reasons"] for row in rows(found.rejected)] == ["count is not a number"]


def test_all_versions_of_a_row_are_corrected():
    came = [line(name="old", updated_at="2026-01-01"), line(name="new", updated_at="2026-02-01")]
    found = rows(staged(came, {"7/1": {"name": "right"}}).rows)
    assert [(row["name"], row["corrected"]) for row in found] == [("right", "name came as 'new'")]


def test_a_correction_without_its_row_changes_nothing():
    came = [line(name="a")]
    assert rows(staged(came, {"9/1": {"name": "x"}}).rows) == rows(staged(came, {}).rows)


def test_keys_columns_and_personal_data_cannot_be_corrected():
    assert correctable_columns(COLUMNS, TABLE) == ["name", "count", "price", "rate", "is_gift", "paid_at"]


def checked(corrections: Any) -> Corrections:
    valid: Corrections = TypeAdapter(Annotated[Corrections, correctable(COLUMNS, TABLE)]).validate_python(corrections)
    return valid


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", ""),
        ("name", " x"),
        ("name", "two  blanks"),
        ("name", "a\nb"),
        ("count", "1.5"),
        ("count", "1_000"),
        ("count", str(2**63)),
        ("price", "1.23456"),
        ("price", "1" + "0" * 14),
        ("price", "NaN"),
        ("price", None),
        ("is_gift", "yes"),
        ("paid_at", "2026-02-30"),
        ("paid_at", "01/02/2026"),
        ("paid_at", "2026-W01-1"),
        ("paid_at", "9999-12-31T23:59-05:00"),
        ("count", "1e99"),
        ("name", False),
        ("name", 1.1),
        ("is_gift", "NO"),
        ("email", "a@b.example"),
        ("order_id", "8"),
        ("nme", "x"),
    ],
)
def test_a_value_that_would_be_misread_is_refused(column: str, value: object):
    with pytest.raises(ValidationError, match=f"{column}|quotes"):
        checked({"7/1": {column: value}})


@pytest.mark.parametrize(
    "given", [{15: {"name": "x"}}, {"7": {"name": "x"}}, {"/1": {"name": "x"}}, {"7/1": "x"}, ["7/1"]]
)
def test_what_names_no_row_is_refused(given: object):
    with pytest.raises(ValidationError):
        checked(given)


@pytest.mark.parametrize("text", ["P17", "0017", "1.0", "9" * 19])
def test_what_an_integer_column_of_the_source_cannot_hold_is_refused_by_row_and_value(text: str):
    kinds = {**COLUMNS, "product_id": SourceColumn("id")}
    came = table(
        [{"order_id": "7", "line_number": 1, "product_id": 3}],
        order_id="string",
        line_number="int64",
        product_id="int64",
    )
    with pytest.raises(ParameterError, match=f"product_id of 7/1 is corrected to '{text}'"):
        stage(came, kinds, KEY, Formats(), {}, corrections={"7/1": {"product_id": text}})


def test_thousands_of_corrections_are_one_look_up():
    came = [line(str(number), name="a") for number in range(3000)]
    found = rows(staged(came, {f"7/{number}": {"name": str(number)} for number in range(0, 3000, 2)}).rows)
    assert {row["name"] == ("a" if row["line_number"] % 2 else str(row["line_number"])) for row in found} == {True}


def test_what_yaml_makes_of_values_is_the_text_that_was_written():
    given = {"7/1": {"count": 12, "price": 12.5, "is_gift": True, "paid_at": datetime(2026, 1, 2).date()}}
    assert checked(given) == {"7/1": {"count": "12", "price": "12.5", "is_gift": "true", "paid_at": "2026-01-02"}}
