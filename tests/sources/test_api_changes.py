"""What an API is asked for when little or nothing changed, and what is kept of its answers."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api import lists, store
from datamart_kedro.sources.api.kept import begin_folder
from datamart_kedro.sources.api.page_taker import instant_of
from tests.sources.api_reading import ALL, BY_CURSOR, BY_LINK, BY_OFFSET, read, source
from tests.sources.faulty_api import FaultyApi, serving, status

CHANGES = {"paging": BY_CURSOR, "key": ["id"], "incremental": {"param": "updated_since", "overlap_s": 0}}
NOON = "2026-01-02T12:00:00Z"
LATER = "2026-01-03T12:00:00Z"


def customer(number: int, name: str = "Ann", at: str = NOON) -> dict[str, Any]:
    return {"id": number, "name": name, "updated_at": at}


def names(api: FaultyApi, project: Path, **endpoint: Any) -> dict[str, str]:
    """Name of each customer, by id, as a run gets them."""
    rows = read(source(api, project, **CHANGES | endpoint), "SELECT id, name FROM customers")
    assert len(rows) == len(dict(rows))
    return dict(rows)


def fingerprint(api: FaultyApi, project: Path, query: str = ALL, **endpoint: Any) -> str:
    found = source(api, project, **endpoint)
    try:
        return found.check(query).fingerprint
    finally:
        found.close()


# What tells that there is something new.


def test_the_same_rows_in_another_order_are_nothing_new(tmp_path: Path):
    with serving(customers=[customer(1), customer(2), customer(3)]) as api:
        before = fingerprint(api, tmp_path)
        api.lists["customers"].reverse()
        assert fingerprint(api, tmp_path) == before


@pytest.mark.parametrize(
    "rows",
    [
        [customer(1), customer(2, "Bob")],
        [customer(1)],
        [customer(1), customer(2), customer(3)],
        [customer(1), customer(2), customer(2)],
        [customer(1), customer(2, at=LATER)],
    ],
    ids=["a value", "a row less", "a row more", "a row twice", "an instant"],
)
def test_any_change_is_something_new(tmp_path: Path, rows: list[dict[str, Any]]):
    with serving(customers=[customer(1), customer(2)]) as api:
        before = fingerprint(api, tmp_path)
        api.lists["customers"] = rows
        assert fingerprint(api, tmp_path) != before


def test_a_field_that_the_query_leaves_out_is_nothing_new(tmp_path: Path):
    query = "SELECT id, name FROM customers"
    with serving(customers=[customer(1) | {"served_at": 1}]) as api:
        before = fingerprint(api, tmp_path, query)
        api.lists["customers"] = [customer(1) | {"served_at": 2}]
        assert fingerprint(api, tmp_path, query) == before


def test_a_list_is_asked_for_once_in_a_run(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        found = source(api, tmp_path)
        found.check(ALL)
        found.describe(ALL)
        found.check("SELECT id FROM customers")
        found.close()
    assert len(api.asked) == 1


# What changed alone.


def test_only_what_changed_is_asked_for_the_second_time(tmp_path: Path):
    with serving(customers=[customer(1), customer(2), customer(3)]) as api:
        names(api, tmp_path)
        api.lists["customers"] = [customer(1), customer(2, "Bob", LATER), customer(3), customer(4, "Dan", LATER)]
        assert names(api, tmp_path) == {"1": "Ann", "2": "Bob", "3": "Ann", "4": "Dan"}
    assert api.params("updated_since") == [None, None, NOON, NOON, None]  # two pages, two pages, the total
    assert api.params("limit")[-1] == "1"


def test_the_overlap_goes_back_before_the_newest_change(tmp_path: Path):
    how = {"incremental": {"param": "updated_since", "overlap_s": 3600}}
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path, **how)
        api.lists["customers"].append(customer(2, "Late", "2026-01-02T11:30:00Z"))
        assert names(api, tmp_path, **how) == {"1": "Ann", "2": "Late"}
    assert api.params("updated_since") == [None, "2026-01-02T11:00:00Z", None]


def test_an_api_that_does_not_filter_gives_the_same_rows(tmp_path: Path):
    how = {"incremental": {"param": "since_when"}}
    with serving(customers=[customer(1), customer(2)]) as api:
        names(api, tmp_path, **how)
        api.lists["customers"][0] = customer(1, "Zoe", LATER)
        assert names(api, tmp_path, **how) == {"1": "Zoe", "2": "Ann"}


def test_instants_can_be_asked_for_in_seconds(tmp_path: Path):
    """1767355200 is 2026-01-02 12:00 UTC."""
    how = {"incremental": {"param": "since", "overlap_s": 0, "format": "epoch"}}
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path, **how)
        names(api, tmp_path, **how)
    assert api.params("since") == [None, "1767355200", None]


def test_a_row_that_is_gone_shows_in_the_total_and_all_rows_are_read(tmp_path: Path):
    with serving(customers=[customer(1), customer(2), customer(3)]) as api:
        names(api, tmp_path)
        del api.lists["customers"][0]
        assert names(api, tmp_path) == {"2": "Ann", "3": "Ann"}


def test_without_a_total_all_rows_are_read_after_the_time_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    how = {"total": None, "incremental": {"param": "updated_since", "full_every_h": 24}}
    with serving(customers=[customer(1), customer(2)]) as api:
        names(api, tmp_path, **how)
        del api.lists["customers"][0]
        assert names(api, tmp_path, **how) == {"1": "Ann", "2": "Ann"}
        tomorrow = datetime.now(UTC) + timedelta(hours=25)
        monkeypatch.setattr(lists, "utc_now", lambda: tomorrow)
        assert names(api, tmp_path, **how) == {"2": "Ann"}


def test_a_row_from_the_future_does_not_hide_what_comes_after(tmp_path: Path):
    with serving(customers=[customer(1, at="2999-01-01T00:00:00Z")]) as api:
        names(api, tmp_path)
        now = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        api.lists["customers"].append(customer(2, "New", now))
        assert names(api, tmp_path, total=None) == {"1": "Ann", "2": "New"}


def test_a_row_that_changed_after_its_page_was_read_is_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """While the second page is asked for, a row of the first changes, and later one of the second."""
    first, second = (
        (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ") for seconds in (5, 10)
    )
    with serving(customers=[customer(number) for number in (1, 2, 3, 4)]) as api:

        def change(number: int) -> None:
            if number == 2:
                api.lists["customers"][0] = customer(1, "Zoe", first)
                api.lists["customers"][3] = customer(4, "Dan", second)

        api.before = change
        assert names(api, tmp_path) == {"1": "Ann", "2": "Ann", "3": "Ann", "4": "Dan"}
        later = datetime.now(UTC) + timedelta(seconds=60)
        monkeypatch.setattr(lists, "utc_now", lambda: later)
        assert names(api, tmp_path) == {"1": "Zoe", "2": "Ann", "3": "Ann", "4": "Dan"}


def test_rows_without_a_key_are_not_lost(tmp_path: Path):
    nameless = {"id": None, "name": "X", "updated_at": "2026-01-01T12:00:00Z"}
    with serving(customers=[customer(1), nameless]) as api:
        query = "SELECT id, name FROM customers"
        how = CHANGES | {"total": None}
        read(source(api, tmp_path, **how), query)
        api.lists["customers"] += [customer(2, at=LATER), nameless | {"name": "Y", "updated_at": LATER}]
        assert read(source(api, tmp_path, **how), query) == [("1", "Ann"), ("2", "Ann"), (None, "X"), (None, "Y")]


def test_a_field_that_is_new_is_null_in_rows_of_before(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path)
        api.lists["customers"].append(customer(2, at=LATER) | {"vip": True})
        rows = read(source(api, tmp_path, **CHANGES), "SELECT id, vip FROM customers")
    assert rows == [("1", None), ("2", "true")]


def test_another_way_of_asking_begins_anew(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path)
        names(api, tmp_path, params={"shop": "b"})
    assert api.params("updated_since") == [None, None]


def test_a_clock_that_no_row_has_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    how = {"incremental": {"param": "updated_since", "updated_at": "changed"}}
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path, **how)
        names(api, tmp_path, **how)
    assert api.params("updated_since") == [None, None]
    assert "no row has an instant in changed, so that all rows are asked for each time" in caplog.text


def test_nothing_is_kept_of_a_reading_that_failed(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path)
        api.lists["customers"].append(customer(2, at=LATER))
        api.faults.append(status(404))
        with pytest.raises(SourceError):
            names(api, tmp_path)
        assert names(api, tmp_path) == {"1": "Ann", "2": "Ann"}


def test_a_store_that_was_damaged_is_made_anew(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        names(api, tmp_path)
        (state,) = tmp_path.glob("data/api_pages/store/customers/state.json")
        state.write_text(state.read_text()[:-20])
        assert names(api, tmp_path) == {"1": "Ann"}
    assert api.params("updated_since") == [None, None]


def test_a_key_that_rows_lack_is_refused(tmp_path: Path):
    with serving(customers=[customer(1)]) as api, pytest.raises(SourceError) as caught:
        names(api, tmp_path, key=["customer_no"])
    assert caught.value.happened == (
        f"Rows of {api.url}/customers have no field customer_no; they have id, name, updated_at."
    )


def test_files_of_the_store_that_were_replaced_go_after_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with serving(customers=[customer(1)]) as api:
        for number in (2, 3):
            names(api, tmp_path)
            api.lists["customers"].append(customer(number, at=LATER))
        folder = tmp_path / "data/api_pages/store/customers"
        assert len(list(folder.glob("*.parquet"))) == 2
        monkeypatch.setattr(store, "LEFT_FOR_S", -1)
        assert set(names(api, tmp_path)) == {"1", "2", "3"}
        assert len(list(folder.glob("*.parquet"))) == 1


# The ETag of a list.


def test_a_list_with_the_etag_of_before_is_not_read(tmp_path: Path):
    how = {"paging": BY_LINK, "etag_covers_list": True}
    with serving(customers=[customer(1), customer(2), customer(3)]) as api:
        api.etag = '"v1"'
        before = fingerprint(api, tmp_path, **how)
        assert fingerprint(api, tmp_path, **how) == before
        assert len(api.asked) == 3
        api.lists["customers"][2] = customer(3, "Zoe")
        api.etag = '"v2"'
        assert fingerprint(api, tmp_path, **how) != before


def test_an_api_that_stops_giving_an_etag_is_read(tmp_path: Path):
    how = {"paging": BY_LINK, "etag_covers_list": True}
    with serving(customers=[customer(1)]) as api:
        api.etag = '"v1"'
        before = fingerprint(api, tmp_path, **how)
        api.etag = None
        api.lists["customers"] = [customer(2)]
        assert fingerprint(api, tmp_path, **how) != before
        api.lists["customers"] = [customer(1)]
        assert fingerprint(api, tmp_path, **how) == before


# What is kept.


def test_pages_are_kept_as_they_came(tmp_path: Path):
    with serving(customers=[customer(1), customer(2), customer(3)]) as api:
        read(source(api, tmp_path, paging=BY_OFFSET))
    pages = sorted(tmp_path.glob("data/api_pages/*/customers/reading_1/*"))
    assert [page.name for page in pages] == ["000001.json", "000002.json"]
    assert json.loads(pages[1].read_bytes()) == {"data": [customer(3)], "meta": {"total": 3}}
    assert list(tmp_path.rglob("*.ndjson")) == []


def test_no_page_is_kept_if_none_shall_be(tmp_path: Path):
    with serving(customers=[customer(1)]) as api:
        read(source(api, tmp_path, api_settings={"keep_days": 0}))
    assert list(tmp_path.glob("data/api_pages/*")) == []


def test_pages_go_when_they_are_old_and_nothing_else_does(tmp_path: Path):
    now = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
    for name in ("20260103T120000.000000Z-7", "20260103T115959.999999Z-7", "store", "20250101", "notes.txt"):
        (tmp_path / name).mkdir()
    made = begin_folder(tmp_path, 7, now)
    assert made.name == f"20260110T120000.000000Z-{os.getpid()}"
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {made.name, "20260103T120000.000000Z-7", "store", "20250101", "notes.txt"}


def test_pages_of_a_run_that_may_be_under_way_are_left_alone(tmp_path: Path):
    now = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
    (tmp_path / "20260109T130000.000000Z-7").mkdir()
    begin_folder(tmp_path, 0, now)
    assert (tmp_path / "20260109T130000.000000Z-7").exists()


@pytest.mark.parametrize(
    ("told", "instant"),
    [
        ("2026-01-02T12:00:00Z", datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ("2026-01-02T12:00:00+02:00", datetime(2026, 1, 2, 10, tzinfo=UTC)),
        ("2026-01-02 12:00:00", datetime(2026, 1, 2, 12, tzinfo=UTC)),
        (1767355200, datetime(2026, 1, 2, 12, tzinfo=UTC)),
        ("yesterday", None),
        (True, None),
        (None, None),
        (10**30, None),
    ],
)
def test_an_instant_is_read_as_apis_write_it(told: object, instant: datetime | None):
    assert instant_of(told) == instant


def test_a_reading_of_many_rows_is_quick(tmp_path: Path):
    """20,000 rows in 20 pages, well below the seconds that a row by row insert would take."""
    with serving(customers=[customer(number) for number in range(20_000)]) as api:
        started = time.monotonic()
        rows = read(source(api, tmp_path, paging=BY_CURSOR | {"size": 1000}))
    assert len(rows) == 20_000
    assert time.monotonic() - started < 5
