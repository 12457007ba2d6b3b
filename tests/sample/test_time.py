"""Time in a sample shop: a day shows what happened before it, and letting days pass is the same as coming later."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from datamart_kedro.sample import source_tables as module
from datamart_kedro.sample.folder import read_shop, write_folder
from datamart_kedro.sample.tables import KEYS, TABLES
from tests.sample.shops import FILES, Row, by_key, instant, shop, tables_of

PLANNED = ("promised_at", "discontinued_at")
"""Instants that may lie ahead."""


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


@pytest.mark.parametrize(
    ("seed", "dirt", "days", "first", "second"), [(1, 0.02, 300, 1, 60), (2, 1.0, 1, 30, 200), (3, 0.0, 700, 29, 1)]
)
def test_days_that_pass_one_after_the_other_or_all_at_once_give_the_same_files(
    tmp_path: Path, seed: int, dirt: float, days: int, first: int, second: int
):
    start = shop(days, seed=seed, dirt=dirt)
    write_folder(tmp_path / "steps", start)
    write_folder(tmp_path / "steps", read_shop(tmp_path / "steps").advanced(first))
    write_folder(tmp_path / "steps", read_shop(tmp_path / "steps").advanced(second))
    write_folder(tmp_path / "leap", start.advanced(first + second))
    write_folder(tmp_path / "later", shop(days + first + second, seed=seed, dirt=dirt))
    assert bytes_in(tmp_path / "steps") == bytes_in(tmp_path / "leap") == bytes_in(tmp_path / "later")


def test_the_same_settings_give_the_same_tables_and_another_seed_gives_others():
    assert tables_of(shop(dirt=0.1)) == tables_of(shop(dirt=0.1))
    assert tables_of(shop(dirt=0.1)) != tables_of(shop(dirt=0.1, seed=2))


def test_the_size_of_the_chunks_in_which_rows_are_made_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    whole = tables_of(shop(dirt=0.2))
    monkeypatch.setattr(module, "CHUNK", 37)
    in_chunks = tables_of(shop(dirt=0.2))
    for table in ("customers", "products", "orders", "order_items", "truth"):
        assert in_chunks[table] == whole[table]
    assert sorted(map(str, in_chunks["faults"])) == sorted(map(str, whole["faults"]))


def test_a_day_shows_nothing_that_happens_on_it_or_later():
    made = shop(200)
    now = datetime(made.day.year, made.day.month, made.day.day, tzinfo=UTC)
    late = [
        (table, name, row[name])
        for table, rows in tables_of(made).items()
        for name, kind in TABLES[table].items()
        for row in rows
        if kind == "timestamptz" and name not in PLANNED and row[name] and instant(row[name]) >= now
    ]
    assert late == []


@pytest.fixture(scope="module")
def days() -> tuple[dict[str, dict[str, Row]], dict[str, dict[str, Row]]]:
    """A shop on a day, and sixty days later, by key."""
    before, after = tables_of(shop(300, customers=1200)), tables_of(shop(360, customers=1200))
    keyed = ({table: by_key(found[table], *KEYS[table]) for table in KEYS} for found in (before, after))
    first, second = keyed
    return first, second


@pytest.mark.parametrize("table", KEYS)
def test_a_row_that_changed_says_so_in_its_updated_at(days, table: str):
    before, after = (found[table] for found in days)
    day = datetime(2024, 10, 27, tzinfo=UTC)
    assert day.date() == shop(300).day
    changed = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    assert [key for key in changed if instant(after[key]["updated_at"]) < day] == []
    same = [key for key in before.keys() & after.keys() if before[key] == after[key]]
    assert [key for key in same if instant(after[key]["updated_at"]) >= day] == []


def test_days_that_pass_bring_new_rows_in_every_table(days):
    before, after = days
    assert {table for table in KEYS if after[table].keys() - before[table].keys()} == set(KEYS)


def test_days_that_pass_change_rows(days):
    before, after = days
    changed = {
        table
        for table in KEYS
        for key in before[table].keys() & after[table].keys()
        if before[table][key] != after[table][key]
    }
    assert {"customers", "products", "orders"} <= changed


def test_days_that_pass_delete_rows_for_good(days):
    before, after = days
    assert {table for table in KEYS if before[table].keys() - after[table].keys()} >= {
        "customers",
        "orders",
        "order_items",
    }


def test_days_that_pass_mark_rows_as_deleted(days):
    before, after = days
    marked = {
        table
        for table in KEYS
        for key in before[table].keys() & after[table].keys()
        if after[table][key]["deleted_at"] and not before[table][key]["deleted_at"]
    }
    assert {"customers", "products"} <= marked


def test_lines_of_an_order_that_is_erased_go_with_it(days):
    for found in days:
        assert {row["order_id"] for row in found["order_items"].values()} <= found["orders"].keys()


def test_the_history_of_an_order_only_grows(days):
    before, after = (found["orders"] for found in days)
    steps = ("ordered_at", "approved_at", "shipped_at", "delivered_at")
    assert [
        key
        for key in before.keys() & after.keys()
        for step in steps
        if before[key][step] and before[key][step] != after[key][step]
    ] == []
    assert [
        key
        for key, row in after.items()
        if sorted(filter(None, (row[step] for step in steps))) != [row[step] for step in steps if row[step]]
    ] == []


def test_a_row_keeps_its_fault_as_time_passes():
    before, after = tables_of(shop(300, dirt=0.2)), tables_of(shop(360, dirt=0.2))
    clean = tables_of(shop(360))
    left = {(domain, key) for domain, names in KEYS.items() for key in by_key(clean[domain], *names)}
    still = {(row["domain"], row["key"], row["fault"]) for row in after["faults"]}
    lost = [
        row["fault"]
        for row in before["faults"]
        if (row["domain"], row["key"]) in left and (row["domain"], row["key"], row["fault"]) not in still
    ]
    assert (len(before["faults"]) > 200, lost) == (True, [])


def test_a_shop_may_open_on_a_leap_day():
    assert {row["created_at"][:4] for row in tables_of(shop(30, first_day=date(2024, 2, 29)))["customers"]} == {"2024"}
