"""Rows out of JSON: exact to the last digit, in pieces, and never a part of them in silence."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamart_kedro.sources.api import json_rows
from datamart_kedro.sources.api.json_rows import Answer, NoJsonError, NoRowsError, line_of, read_answer
from tests.sources.api_reading import numbered, read, source
from tests.sources.faulty_api import body, serving

MEGABYTE = 1 << 20


def rows_in(
    tmp_path: Path, data: bytes, at: tuple[str, ...] = ("data",), wanted: list[tuple[str, ...]] | None = None
) -> tuple[list[dict[str, Any]], Answer]:
    """Rows of an answer, and what else it says."""
    file = tmp_path / "page.json"
    file.write_bytes(data)
    rows: list[dict[str, Any]] = []
    answer = read_answer(file, at, wanted or [], rows.append, max_row=MEGABYTE)
    assert answer.rows == len(rows)
    return rows, answer


WHOLE = b'{"meta": {"next": "x"}, "data": [{"id": 1, "tags": ["a,\\"]"]}, {"id": 2}], "z": [{"data": 3}]}'


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_an_answer_says_the_same_in_pieces_of_any_size(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_rows, "CHUNK", size)
    rows, answer = rows_in(tmp_path, WHOLE, wanted=[("meta", "next"), ("meta", "total")])
    assert rows == [{"id": 1, "tags": ['a,"]']}, {"id": 2}]
    assert answer.values == {("meta", "next"): "x"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=4),
    around=st.dictionaries(st.text(max_size=3).filter(lambda name: name != "data"), VALUES, max_size=3),
    size=st.integers(1, 60),
    indent=st.sampled_from([None, 1]),
)
def test_rows_are_those_that_the_json_module_finds(
    tmp_path: Path, rows: list[Any], around: dict[str, Any], size: int, indent: int | None
):
    data = json.dumps({**around, "data": rows, "last": 1}, ensure_ascii=False, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "CHUNK", size)
        found, answer = rows_in(tmp_path, data, wanted=[("last",)])
    assert found == rows
    assert answer.values == {("last",): 1}


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_every_beginning_of_an_answer_is_refused(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(json_rows, "CHUNK", size)
    for end in range(len(WHOLE)):
        with pytest.raises(NoJsonError):
            rows_in(tmp_path, WHOLE[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"<html>",
        b'{"data": [{"id": 1},]}',
        b'{"data": [{"id": 1} {"id": 2}]}',
        WHOLE + b"}",
        b"\xff",
        b"",
    ],
)
def test_what_is_not_json_is_refused(tmp_path: Path, data: bytes):
    with pytest.raises(NoJsonError):
        rows_in(tmp_path, data)


@pytest.mark.parametrize(
    ("data", "at", "said"),
    [
        (b'{"items": [], "page": 1}', ("data",), "no list under data; it has items, page"),
        (b'{"data": {"items": 3}}', ("data", "items"), "no list under data.items"),
        (b'{"data": {"other": []}}', ("data", "items"), "no list under data.items; it has data"),
        (b'{"error": "quota"}', (), "no list but one value"),
        (b'{"data": [1, 2]}', ("data",), "rows that are no objects under data"),
        (b"[[1]]", (), "rows that are no objects in its list"),
    ],
)
def test_json_without_rows_is_told_from_a_list_without_rows(
    tmp_path: Path, data: bytes, at: tuple[str, ...], said: str
):
    with pytest.raises(NoRowsError) as caught:
        rows_in(tmp_path, data, at)
    assert str(caught.value) == said


@pytest.mark.parametrize("data", [b'{"data": []}', b'{"data": null}', b'\xef\xbb\xbf{"data": [ ]}\n'])
def test_a_list_may_be_empty(tmp_path: Path, data: bytes):
    assert rows_in(tmp_path, data)[0] == []


def test_rows_may_lie_deep_or_be_the_answer_itself(tmp_path: Path):
    assert rows_in(tmp_path, b'{"a": {"x": [], "b": {"c": [{"id": 1}]}}}', ("a", "b", "c"))[0] == [{"id": 1}]
    assert rows_in(tmp_path, b' [ {"id": 1} ] ', ())[0] == [{"id": 1}]


def test_a_cursor_may_come_after_the_rows(tmp_path: Path):
    _, answer = rows_in(
        tmp_path, b'{"data": [], "paging": {"next": 7}, "total": 3}', wanted=[("paging", "next"), ("total",)]
    )
    assert answer.values == {("paging", "next"): 7, ("total",): 3}


def test_a_number_is_not_cut_where_a_piece_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for size in range(1, 40):
        monkeypatch.setattr(json_rows, "CHUNK", size)
        _, answer = rows_in(tmp_path, b'{"total": 1234567890, "data": []}', wanted=[("total",)])
        assert answer.values == {("total",): 1234567890}


def test_a_row_may_be_larger_than_the_engine_expects(tmp_path: Path):
    """40 MB; it expects 16."""
    with serving(customers=[{"id": 1, "text": "x" * (40 * MEGABYTE)}]) as api:
        found = source(api, tmp_path, api_settings={"max_row_mb": 64})
        assert read(found, "SELECT id, length(text)::text FROM customers") == [("1", str(40 * MEGABYTE))]


def test_a_value_that_is_too_large_is_refused(tmp_path: Path):
    with pytest.raises(NoRowsError, match="a value of more than 1 MB"):
        rows_in(tmp_path, b'{"data": [{"id": "' + b"x" * (40 * MEGABYTE))


def test_memory_does_not_grow_with_the_answer(tmp_path: Path):
    """96 MB of rows, in one answer, in less than a third of that."""
    file = tmp_path / "page.json"
    row = json.dumps({"id": "x" * 1000}).encode()
    with file.open("wb") as stream:
        stream.write(b'{"data": [' + row)
        for _ in range(96):
            stream.write((b"," + row) * 1000)
        stream.write(b"]}")
    tracemalloc.start()
    answer = read_answer(file, ("data",), [], lambda row: None, max_row=MEGABYTE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.rows == 96_001
    assert peak < 32 * MEGABYTE


def test_numbers_keep_every_digit(tmp_path: Path):
    data = b'{"data": [{"id": 12345678901234567890123, "price": 1234567890123456.789123, "fee": 1.10, "n": 100.00}]}'
    with serving() as api:
        api.faults.append(body(data))
        ((number, price, fee, whole),) = read(source(api, tmp_path, paging={"kind": "none"}, total=None))
    assert (number, fee, whole) == ("12345678901234567890123", "1.10", "100.00")
    assert Decimal(price) == Decimal("1234567890123456.789123")


def test_values_arrive_as_texts_and_nothing_as_null(tmp_path: Path):
    row = {"id": "007", "yes": True, "none": None, "empty": "", "at": "2024-01-04 22:50:39Z", "sign": "a\x00b\n\"é'"}
    with serving(customers=[row, {"id": "008"}]) as api:
        first, second = read(source(api, tmp_path))
    assert first == ("007", "true", None, "", "2024-01-04 22:50:39Z", "a\x00b\n\"é'")
    assert second == ("008", None, None, None, None, None)


def test_half_of_a_pair_of_signs_does_not_stop_the_reading():
    assert line_of({"name": "a\ud83d"}).decode().startswith('{"name":"a')


def test_nested_objects_and_lists_are_read_by_the_query(tmp_path: Path):
    orders = [
        {"id": 10, "to": {"city": "Oslo"}, "lines": [{"sku": "A", "price": 1.50}, {"sku": "B", "price": 2}]},
        {"id": 11, "to": None, "lines": []},
    ]
    query = """
        SELECT id AS order_id, "to"->>'$.city' AS city, line->>'$.sku' AS sku, line->>'$.price' AS price
        FROM customers, unnest(from_json(lines, '["JSON"]')) AS l(line)
    """
    with serving(customers=orders) as api:
        assert read(source(api, tmp_path), query) == [("10", "Oslo", "A", "1.5"), ("10", "Oslo", "B", "2")]


def test_a_query_may_join_a_list_with_itself_and_begin_with_with(tmp_path: Path):
    query = "WITH a AS (SELECT * FROM customers) SELECT a.id FROM a JOIN customers AS b ON a.id = b.id"
    with serving(customers=numbered(3)) as api:
        assert read(source(api, tmp_path), query) == [("1",), ("2",), ("3",)]
    assert len(api.asked) == 2
