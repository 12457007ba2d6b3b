"""Rows that come in slices are written and compared slice by slice, with the same outcome as in one go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pytest

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.period import Period
from datamart_kedro.mart.mart import Mart, MartSettings, quoted
from datamart_kedro.mart.publication import build
from datamart_kedro.mart.run import begin
from datamart_kedro.mart.slices import Sliced, sliced
from datamart_kedro.pipelines.features.customers import build_ft_customers, trace_customers
from tests.features.shops import CUSTOMERS, ITEMS, OPEN, ORDERS, VERSION, cutoffs

KEY = ("name", "year")
THINGS = PublishedTable("tb_things", KEY, "One row per name and year.", {"name": "", "year": "", "price": ""})
Rows = dict[int, dict[str, int]]
"""Prices by name, by year."""


@pytest.fixture
def mart(tmp_path: Path) -> Iterator[Mart]:
    opened = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "tmp"), str(tmp_path)))
    begin(opened, "first", ["things"])
    yield opened
    opened.close()


def year(mart: Mart, number: int, prices: dict[str, int]) -> ir.Table:
    """One row per name, of one year."""
    rows = ", ".join(f"('{name}', {price})" for name, price in prices.items()) or "('', 0)"
    mart.execute(f"CREATE OR REPLACE TABLE year_{number} AS SELECT * FROM (VALUES {rows}) AS t (name, price)")
    table = mart.table(f"year_{number}")
    return table.filter(table.name != "").select("name", "price", year=ibis.literal(number, "int32"))


def things(mart: Mart, rows: Rows) -> ir.Table:
    """All years, with prices in cents."""
    table = ibis.union(*(year(mart, number, prices) for number, prices in rows.items()))
    return table.select("name", "year", price=table.price * 100)


def in_slices(mart: Mart, table: ir.Table, key: tuple[str, ...] = KEY) -> Sliced | None:
    return sliced(mart, table, key, "slice_things")


def built(mart: Mart, table: ir.Table, *, slices: bool) -> list[tuple[Any, ...]]:
    """What a run would change, and the table as it would be then."""
    found = in_slices(mart, table) if slices else None
    assert bool(found) is slices
    build(mart, THINGS, "things", found.select if found else mart.compile(table), found)
    columns = [name for name in mart.columns("build_things") if name != "_row"]
    changes = mart.execute(f"SELECT {', '.join(map(quoted, columns))} FROM build_things ORDER BY ALL")
    return [*changes, *mart.execute("FROM next_things ORDER BY ALL")]


def publish(mart: Mart, rows: Rows) -> None:
    """Make a table of these rows, as a run before would have published it."""
    built(mart, things(mart, rows), slices=True)
    mart.execute("ALTER TABLE build_things RENAME TO tb_things")


def test_a_new_table_has_the_rows_of_all_slices_with_their_version(mart: Mart):
    found = built(mart, things(mart, {2024: {"a": 1, "b": 2}, 2025: {"a": 3}, 2026: {}}), slices=True)
    assert [row[:4] for row in found[:3]] == [("a", 2024, 100, 1), ("a", 2025, 300, 1), ("b", 2024, 200, 1)]
    assert found[3:] == [("a", 2024, 100), ("a", 2025, 300), ("b", 2024, 200)]


def test_changes_are_found_in_each_slice(mart: Mart):
    publish(mart, {2024: {"a": 1, "b": 2}, 2025: {"a": 1, "b": 2}})
    now = {2024: {"a": 1, "b": 2}, 2025: {"a": 9, "c": 4}}
    found = built(mart, things(mart, now), slices=True)
    assert found[:3] == [("a", 2025, 900, "update"), ("b", 2025, None, "delete"), ("c", 2025, 400, "insert")]
    assert found[3:] == [("a", 2024, 100), ("a", 2025, 900), ("b", 2024, 200), ("c", 2025, 400)]


def test_a_second_build_of_the_same_rows_changes_nothing(mart: Mart):
    rows = {2024: {"a": 1, "b": 2}, 2025: {"a": 1}}
    publish(mart, rows)
    assert built(mart, things(mart, rows), slices=True) == [("a", 2024, 100), ("a", 2025, 100), ("b", 2024, 200)]


def test_rows_of_a_slice_that_is_gone_are_deleted(mart: Mart):
    publish(mart, {2023: {"a": 1}, 2024: {"a": 1}, 2025: {"a": 1}})
    found = built(mart, things(mart, {2024: {"a": 1}, 2026: {"a": 1}}), slices=True)
    assert found[:3] == [("a", 2023, None, "delete"), ("a", 2025, None, "delete"), ("a", 2026, 100, "insert")]


@pytest.mark.parametrize("before", [{2024: {"a": 1, "b": 2}, 2025: {"c": 5}}, {2024: {}, 2025: {}}])
@pytest.mark.parametrize("now", [{2024: {"b": 2}, 2026: {"c": 5}}, {2025: {"c": 6, "d": 7}, 2024: {"a": 1, "b": 3}}])
def test_slices_come_to_what_one_statement_comes_to(mart: Mart, before: Rows, now: Rows):
    publish(mart, before)
    table = things(mart, now)
    assert built(mart, table, slices=True) == built(mart, table, slices=False)


def test_a_slice_that_fails_leaves_nothing_of_the_others(mart: Mart):
    good, bad = year(mart, 2024, {"a": 1}), year(mart, 2025, {"a": 2})
    broken = ibis.union(
        good, bad.mutate(price=bad.name.cast("int32")).select("name", "price", year=ibis.literal(2025, "int32"))
    )
    with pytest.raises(duckdb.ConversionException):
        built(mart, broken.select("name", "year", "price"), slices=True)
    assert not mart.exists("build_things")


def test_a_condition_names_the_published_rows_of_a_slice(mart: Mart):
    found = in_slices(mart, things(mart, {2024: {"a": 1}, 2025: {"a": 1}}))
    assert found is not None
    rows = "FROM (VALUES (2023), (2024), (2025), (NULL)) AS t (year)"
    assert [mart.execute(f"{rows} WHERE {part.rows}") for part in found.slices] == [[(2024,)], [(2025,)]]
    assert mart.execute(f"{rows} WHERE {found.others}") == [(2023,), (None,)]


def test_only_a_constant_of_its_own_in_a_column_of_the_key_makes_a_slice(mart: Mart):
    one, other = year(mart, 2024, {"a": 1}), year(mart, 2025, {"a": 2})
    union = ibis.union(one, other)
    assert in_slices(mart, union) is not None
    assert in_slices(mart, one) is None
    assert in_slices(mart, ibis.union(one, one)) is None
    assert in_slices(mart, ibis.union(one, other, distinct=True)) is None
    assert in_slices(mart, union, key=("name",)) is None
    assert in_slices(mart, ibis.union(one, mart.table("year_2025").mutate(year=ibis.literal(None, "int32")))) is None


def test_a_union_that_is_not_only_selected_from_is_taken_as_one(mart: Mart):
    union = things(mart, {2024: {"a": 1}, 2025: {"a": 1}})
    assert in_slices(mart, union.limit(1)) is None
    assert in_slices(mart, union.mutate(year=union.year + 1)) is None
    assert in_slices(mart, union.select("price", name="name", year=union.price)) is None


def test_features_come_in_a_slice_for_each_cutoff(mart: Mart):
    for name, kinds in {"customers": CUSTOMERS, "orders": ORDERS, "items": ITEMS}.items():
        mart.backend.create_table(name, schema=ibis.schema(kinds))
        mart.backend.create_table(f"{name}_ever", schema=ibis.schema({**kinds, **VERSION}))
    rules, period = cutoffs("2025-01-01", "2025-02-01", "2025-03-01"), Period(None, None, None)
    traced = trace_customers(OPEN, *map(mart.table, ("orders", "items", "orders_ever", "items_ever")), period, rules)
    people = map(mart.table, ("customers", "customers_ever"))
    found = sliced(mart, build_ft_customers(*people, *traced, period, rules), ("customer_id", "cutoff_date"), "seen")
    assert found is not None
    days = "FROM (VALUES (DATE '2025-01-01'), (DATE '2025-02-01'), (DATE '2025-03-01')) AS t (cutoff_date)"
    assert sorted(mart.execute(f"{days} WHERE {part.rows}") for part in found.slices) == [
        [(date(2025, month, 1),)] for month in (1, 2, 3)
    ]
