"""Maps from what people write to what it means, and the values that no map knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import ibis
import ibis.expr.types as ir
import pycountry
from ibis import _

from datamart_kedro.expressions.text import comparable, comparable_key


def first_match(branches: Sequence[tuple[ir.BooleanValue, ir.Value]], default: ir.Value) -> ir.Value:
    """The value of the first condition that holds, the default where none does; there may be no branches."""
    return ibis.cases(*branches, else_=default) if branches else default


def look_up(text: ir.StringValue, known: Mapping[str, str]) -> ir.StringValue:
    """What a text means by a map, NULL where the map does not know it; case, dots and blanks do not matter."""
    meanings: dict[str, list[str]] = {}
    for written, meaning in known.items():
        meanings.setdefault(meaning, []).append(comparable_key(written))
    plain = comparable(text)
    if not meanings:
        return ibis.null("string")
    return ibis.cases(*((plain.isin(spellings), meaning) for meaning, spellings in meanings.items()))


def with_country_code(table: ir.Table, name: str, code: str, own_names: Mapping[str, str]) -> ir.Table:
    """Add the ISO 3166-1 alpha-2 code of a country's name or code; NULL where it is unknown.

    Args:
        table: Any grain; every row is kept.
        name: Column with the country as the shop writes it.
        code: Column to add.
        own_names: Spellings that the standard does not know, with their code.
    """
    names = _country_names() | {comparable_key(written): meaning for written, meaning in own_names.items()}
    countries = _two_columns(names, "country_key", code)
    joined = table.left_join(countries, comparable(table[name]) == countries.country_key)
    return joined.select(**{column: table[column] for column in table.columns}, **{code: countries[code]})


def _two_columns(known: Mapping[str, str], key: str, value: str) -> ir.Table:
    """A map as a table: one row per key. Written as one text, since a table in memory makes Ibis import pandas."""
    text = "\n".join(f"{name}\t{meaning}" for name, meaning in known.items())
    lines = ibis.literal(text).split("\n").unnest().name("line").as_table()
    parts = lines.line.split("\t")
    return lines.select(**{key: parts[0], value: parts[1]})


def unmapped(table: ir.Table, meanings: Mapping[str, str]) -> ir.Table:
    """Values that a map did not know: one row per column and value, with how many rows have it.

    Args:
        table: Staged rows.
        meanings: For each column with what the shop writes, the column with what it means: NULL if no map knows it.
    """
    if not meanings:
        return table.limit(0).select(column=ibis.null("string"), value=ibis.null("string"), rows=ibis.null("int64"))
    found = [
        table.filter(table[raw].notnull() & table[meaning].isnull())
        .group_by(value=table[raw])
        .agg(rows=_.count())
        .select(column=ibis.literal(raw), value=_.value, rows=_.rows)
        for raw, meaning in meanings.items()
    ]
    return ibis.union(*found) if len(found) > 1 else found[0]


@cache
def _country_names() -> dict[str, str]:
    """English names and codes of ISO 3166-1, from pycountry."""
    names: dict[str, str] = {}
    for country in pycountry.countries:
        written = {country.alpha_2, country.alpha_3, country.name}
        written |= {getattr(country, other) for other in ("common_name", "official_name") if hasattr(country, other)}
        names |= {comparable_key(name): str(country.alpha_2) for name in written}
    return names
