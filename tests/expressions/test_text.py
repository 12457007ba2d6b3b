"""Texts are put in order, and compared as people mean them."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from datamart_kedro.expressions.text import clean_text, comparable, comparable_key, lower_case
from tests.tables import each

SPACE = re.compile("[\x00-\x20\x7f\x85\xa0\u2028\u2029]+")


def clean(*texts: str | None) -> list[str | None]:
    return each([{"text": text} for text in texts], lambda row: clean_text(row.text), text="string")


def test_blanks_at_the_ends_go_and_runs_of_them_become_one():
    assert clean("  Ann", "Ann  ", "Ann   Archer", "Ann Archer", "Bob") == ["Ann", "Ann", *["Ann Archer"] * 2, "Bob"]


def test_line_breaks_tabs_and_control_characters_are_blanks():
    assert clean("12\nMain\r\n\tStreet", "a\x00b", "c\x7fd", "e\xa0f\u2028g") == [
        "12 Main Street",
        "a b",
        "c d",
        "e f g",
    ]


def test_no_text_stays_no_text():
    assert clean(None, "", " \t") == [None, "", ""]


def test_letters_of_any_script_are_left_alone():
    assert clean("Łódź Ōsaka 東京 Ελλάς 👋🏽") == ["Łódź Ōsaka 東京 Ελλάς 👋🏽"]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.text(st.one_of(st.sampled_from(" \t\n\x00\xa0\x85ab"), st.characters(codec="utf-8"))), min_size=1))
def test_cleaning_is_what_a_regular_expression_of_python_does(texts: list[str]):
    assert clean(*texts) == [SPACE.sub(" ", text).strip(" ") for text in texts]


@settings(deadline=None, max_examples=10)
@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1))
def test_cleaning_twice_changes_nothing(texts: list[str]):
    once = clean(*texts)
    assert clean(*once) == once


def test_case_dots_and_blanks_do_not_matter_when_texts_are_compared():
    texts = ["U.S.A.", "usa", "Usa"]
    assert set(each([{"text": text} for text in texts], lambda row: comparable(row.text), text="string")) == {
        comparable_key(" u.S.a ")
    }


def test_letters_get_the_lower_case_that_the_engine_gives_them():
    letters = [chr(code) for code in range(1, 0x30000) if not 0xD800 <= code < 0xE000]
    lowered = each([{"letter": letter} for letter in letters], lambda row: row.letter.lower(), letter="string")
    assert [lower_case(letter) for letter in letters] == lowered


def test_a_greek_word_is_the_same_in_capitals_and_in_small_letters():
    written = ["ΕΛΛΑΣ", "Ελλας", "ελλασ"]
    assert {comparable_key(text) for text in written} == set(
        each([{"text": text} for text in written], lambda row: comparable(row.text), text="string")
    )
    assert len({comparable_key(text) for text in written}) == 1
