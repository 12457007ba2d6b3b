"""Maps know what they are told, whatever the case; the rest stays unknown, and is counted."""

from __future__ import annotations

import pycountry

from datamart_kedro.expressions.lookups import first_match, look_up, unmapped, with_country_code
from tests.tables import each, rows, table

STATUSES = {"shipped": "sent", "On its way": "sent", "done": "arrived"}
OWN_NAMES = {"UK": "GB", "Deutschland": "DE", "Ελλάς": "GR"}


def meanings(*texts: str | None) -> list[str | None]:
    return each([{"text": text} for text in texts], lambda row: look_up(row.text, STATUSES), text="string")


def country_codes(*names: str | None) -> list[str | None]:
    numbered = table([{"row": row, "country": name} for row, name in enumerate(names)], row="int64", country="string")
    found = with_country_code(numbered, "country", "country_code", OWN_NAMES).to_pyarrow().to_pylist()
    return [row["country_code"] for row in sorted(found, key=lambda row: row["row"])]


def test_a_map_is_looked_up_whatever_the_case_and_the_dots():
    assert meanings("shipped", "SHIPPED", "on its way", "Done.") == ["sent", "sent", "sent", "arrived"]


def test_what_a_map_does_not_know_is_null():
    assert meanings("lost", "ship", "", None) == [None, None, None, None]


def test_an_empty_map_knows_nothing():
    assert each([{"text": "a"}], lambda row: look_up(row.text, {}), text="string") == [None]


def test_the_first_condition_that_holds_decides():
    inputs = [{"size": size} for size in (1, 5, 9)]
    found = each(
        inputs,
        lambda row: first_match([(row["size"] > 8, "large"), (row["size"] > 3, "middle")], "small"),
        size="int64",
    )
    assert found == ["small", "middle", "large"]


def test_without_conditions_the_default_holds():
    assert each([{"size": 1}], lambda row: first_match([], row["size"]), size="int64") == [1]


def test_countries_are_known_by_name_and_by_either_code():
    assert country_codes("Germany", "germany", "DEU", "de", "Viet Nam", "Vietnam", "Côte d'Ivoire", "U.S.A.") == [
        "DE",
        "DE",
        "DE",
        "DE",
        "VN",
        "VN",
        "CI",
        "US",
    ]


def test_every_country_of_the_standard_is_known_by_all_its_names():
    written = [(country.name, country.alpha_2) for country in pycountry.countries]
    written += [
        (country.official_name, country.alpha_2) for country in pycountry.countries if "official_name" in dir(country)
    ]
    assert country_codes(*(name for name, _ in written)) == [code for _, code in written]


def test_spellings_of_the_shop_are_known_too():
    assert country_codes("uk", "DEUTSCHLAND", "ΕΛΛΆΣ") == ["GB", "DE", "GR"]


def test_an_unknown_country_is_null_and_its_row_is_kept():
    assert country_codes("Atlantis", None, "") == [None, None, None]


def test_a_table_may_have_columns_called_like_those_of_the_map():
    named = table([{"country": "Peru", "country_key": "kept"}], country="string", country_key="string")
    assert rows(with_country_code(named, "country", "country_code", {})) == [
        {"country": "Peru", "country_key": "kept", "country_code": "PE"}
    ]


def test_values_that_no_map_knows_are_counted():
    staged = table(
        [
            {"raw": "x", "meaning": None},
            {"raw": "x", "meaning": None},
            {"raw": "y", "meaning": None},
            {"raw": "z", "meaning": "known"},
            {"raw": None, "meaning": None},
        ],
        raw="string",
        meaning="string",
    )
    assert rows(unmapped(staged, {"raw": "meaning"})) == [
        {"column": "raw", "value": "x", "rows": 2},
        {"column": "raw", "value": "y", "rows": 1},
    ]


def test_values_of_several_columns_are_told_apart():
    staged = table(
        [{"a": "x", "b": "x", "means_a": None, "means_b": None}],
        a="string",
        b="string",
        means_a="string",
        means_b="string",
    )
    assert rows(unmapped(staged, {"a": "means_a", "b": "means_b"})) == [
        {"column": "a", "value": "x", "rows": 1},
        {"column": "b", "value": "x", "rows": 1},
    ]


def test_a_domain_without_maps_has_no_unknown_values():
    assert rows(unmapped(table([{"a": "x"}], a="string"), {})) == []
