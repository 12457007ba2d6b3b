"""Rows as CSV."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamart_kedro.sample.csv_text import bytes_of, csv_lines


def text_of(**columns: list[str | None]) -> str:
    return bytes_of(csv_lines({name: pa.array(values, pa.string()) for name, values in columns.items()})).decode()


def test_fields_are_parted_by_commas_and_rows_by_line_breaks():
    assert text_of(a=["1", "2"], b=["x", "y"]) == "1,x\n2,y\n"


def test_no_value_is_written_as_nothing():
    assert text_of(a=[None, "1"], b=["x", None]) == ",x\n1,\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a,b", '"a,b"'), ('a"b', '"a""b"'), ("a\nb", '"a\nb"'), ("a\r", '"a\r"'), ("a b", "a b"), ("\x00", "\x00")],
)
def test_only_what_needs_quotes_gets_them(value: str, written: str):
    assert text_of(a=[value], b=["plain"]) == f"{written},plain\n"


def test_a_slice_of_a_column_is_written_from_where_it_begins():
    assert bytes_of(pa.array(["a", "bc", "d"])[1:2]) == b"bc"


def test_no_rows_are_no_text():
    assert text_of(a=[]) == ""


@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))), min_size=1
    )
)
def test_a_csv_reader_reads_what_was_written(rows: list[tuple[str, str]]):
    first, second = ([*values] for values in zip(*rows, strict=True))
    written = text_of(a=first, b=second)
    assert list(csv.reader(io.StringIO(written, newline=""))) == [list(row) for row in rows]
