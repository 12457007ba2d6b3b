"""Of several versions of a key the newest stays, in whatever order they come."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import ibis.expr.types as ir
from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.expressions.duplicates import find_duplicates, keep_newest
from tests.tables import rows, table

Row = dict[str, Any]

TYPES = {"id": "string", "line": "int64", "name": "string", "price": "decimal(18, 2)", "updated_at": "timestamp(6)"}
OLD, NEW = datetime(2026, 1, 1), datetime(2026, 2, 1)


def version(**values: Any) -> Row:
    return {"id": "a", "line": 1, "name": "x", "price": None, "updated_at": OLD} | values


def newest(versions: list[Row], *key: str) -> list[Row]:
    valid = table(versions, **TYPES)
    return rows(keep_newest(valid, key, find_duplicates(valid, key)), *TYPES)


def by_hand(versions: list[Row], *key: str) -> list[Row]:
    """Walk over the versions and keep the greater one of each key; a missing value is smaller than any other."""

    def is_greater(row: Row, other: Row) -> bool:
        for name in ("updated_at", *TYPES):
            if row[name] != other[name]:
                return row[name] is not None and (other[name] is None or row[name] > other[name])
        return False

    kept: dict[tuple[Any, ...], Row] = {}
    for row in versions:
        name = tuple(row[column] for column in key)
        if name not in kept or is_greater(row, kept[name]):
            kept[name] = row
    return sorted(kept.values(), key=lambda row: [repr(row[column]) for column in TYPES])


versions_of_few_keys = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from("ab"),
            "line": st.integers(1, 2),
            "name": st.sampled_from([None, "", "x", "y", "é"]),
            "price": st.one_of(st.none(), st.decimals(-1, 1, places=2)),
            "updated_at": st.sampled_from([None, OLD, NEW]),
        }
    ),
    min_size=1,
    max_size=30,
)


def test_the_newest_version_stays():
    assert newest([version(name="old"), version(name="new", updated_at=NEW)], "id") == [
        version(name="new", updated_at=NEW)
    ]


def test_a_version_without_updated_at_is_the_oldest():
    assert newest([version(name="z", updated_at=None), version(name="a")], "id") == [version(name="a")]


def test_of_versions_of_one_instant_the_one_that_sorts_last_stays():
    assert newest([version(name="y"), version(name="z"), version(name=None)], "id") == [version(name="z")]


def test_versions_that_are_equal_in_everything_leave_one():
    assert newest([version(), version(), version()], "id") == [version()]


def test_keys_that_came_once_stay_as_they_are():
    assert newest([version(id="b"), version(), version()], "id") == [version(), version(id="b")]


def test_the_whole_key_tells_rows_apart():
    assert newest([version(line=1), version(line=2)], "id", "line") == [version(line=1), version(line=2)]


def test_a_column_may_be_called_like_what_ranks_are_called():
    valid = table([{"id": "a", "rank": rank, "copies": 9, "updated_at": OLD} for rank in (1, 2)], **RANKED)
    assert rows(keep_newest(valid, ("id",), find_duplicates(valid, ("id",)))) == [
        {"id": "a", "rank": 2, "copies": 9, "updated_at": OLD}
    ]


RANKED = {"id": "string", "rank": "int64", "copies": "int64", "updated_at": "timestamp(6)"}


def test_duplicates_tell_how_often_a_key_came():
    valid = table([version(), version(), version(), version(id="b")], **TYPES)
    assert rows(find_duplicates(valid, ("id",))) == [{"id": "a", "copies": 3}]


@settings(deadline=None, max_examples=25)
@given(versions=versions_of_few_keys, seed=st.integers(0, 1000))
def test_the_newest_are_those_found_by_walking_whatever_the_order(versions: list[Row], seed: int):
    shuffled = Random(seed).sample(versions, len(versions))
    assert newest(shuffled, "id", "line") == by_hand(versions, "id", "line")


@settings(deadline=None, max_examples=10)
@given(versions=versions_of_few_keys)
def test_every_row_is_kept_or_counted_as_superseded(versions: list[Row]):
    valid = table(versions, **TYPES)
    duplicates = find_duplicates(valid, ("id", "line"))
    kept: ir.Table = keep_newest(valid, ("id", "line"), duplicates)
    superseded = sum(row["copies"] - 1 for row in rows(duplicates))
    assert len(rows(kept)) + superseded == len(versions)
