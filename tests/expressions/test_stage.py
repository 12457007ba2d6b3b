"""Staging loses nothing: each row is staged, rejected or superseded."""

from __future__ import annotations

from random import Random
from typing import Any

import ibis.expr.types as ir
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.columns import SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.stage import Staged, stage
from tests.tables import computed_once, rows, source, values

COLUMNS = {
    "id": SourceColumn("id", required=True),
    "price": SourceColumn("money"),
    "name": SourceColumn("text"),
    "updated_at": SourceColumn("instant"),
}


def staged(*came: dict[str, Any]) -> Staged:
    return stage(source(came), COLUMNS, ("id",), Formats(), {"price is negative": lambda row: row.price < 0})


def test_the_newest_usable_version_is_staged_when_a_newer_one_is_rejected():
    old = {"id": "1", "price": "5", "updated_at": "2026-01-01"}
    new = {"id": "1", "price": "-5", "updated_at": "2026-02-01"}
    found = staged(old, new)
    assert [str(row["price"]) for row in rows(found.rows)] == ["5.0000"]
    assert [row["came"]["price"] for row in rows(found.rejected)] == ["-5"]


def test_ids_that_differ_in_blanks_around_them_are_one_and_leading_zeros_tell_them_apart():
    found = staged({"id": "7"}, {"id": " 7 "}, {"id": "007"})
    assert values(found.rows, "id") == ["007", "7"]
    assert rows(found.duplicates) == [{"id": "7", "copies": 2}]


def test_what_is_left_is_normalised_after_versions_are_compared():
    def in_capitals(table: ir.Table) -> ir.Table:
        return table.mutate(name=table.name.upper())

    came = [{"id": "1", "name": "a"}, {"id": "1", "name": "B"}]
    found = stage(source(came), COLUMNS, ("id",), Formats(), {}, normalise=in_capitals)
    assert values(found.rows, "name") == ["A"]


def test_a_key_that_the_shop_leaves_out_is_completed_before_versions_are_compared():
    def by_name(table: ir.Table) -> ir.Table:
        return table.mutate(id=table.name)

    came = [{"id": "1", "name": "a"}, {"id": "1", "name": "b"}]
    assert values(stage(source(came), COLUMNS, ("id",), Formats(), {}, complete=by_name).rows, "id") == ["a", "b"]


def dirty_row(id: str, price: str, name: str, updated_at: str) -> dict[str, str]:
    return {"id": id, "price": price, "name": name, "updated_at": updated_at}


@settings(deadline=None, max_examples=6)
@given(
    came=st.lists(
        st.builds(
            dirty_row,
            id=st.sampled_from(["", "1", " 1", "2", "n/a"]),
            price=st.sampled_from(["", "1", "-1", "x", "1e99", "0.00005"]),
            name=st.sampled_from(["a", "b"]),
            updated_at=st.sampled_from(["", "2026-01-01", "2026-02-30", "01/02/2026"]),
        ),
        min_size=1,
        max_size=40,
    ),
    seed=st.integers(0, 1000),
)
def test_each_row_is_staged_rejected_or_superseded_whatever_the_order(came: list[dict[str, str]], seed: int):
    found, again = (
        [rows(part) for part in computed_once(*staged(*order))]
        for order in (came, Random(seed).sample(came, len(came)))
    )
    rejected, duplicates, kept = found
    assert len(kept) + len(rejected) + sum(row["copies"] - 1 for row in duplicates) == len(came)
    assert found == again


def test_rows_of_a_judged_table_are_all_rows_of_the_source():
    came = [{"id": "1"}, {"id": "1"}, {"id": ""}, {"id": "2", "price": "x"}]
    assert staged(*came).judged.count().to_pyarrow().as_py() == len(came)
