"""What customers are called, where they live and how they are reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.draws import Draws, Ints, between, pick, whole
from datamart_kedro.sample.places import COUNTRIES, MAIL_DOMAINS, latin_names
from datamart_kedro.sample.texts import kept, numbers, padded, words

COUNTRY_NAMES = [country.name for country in COUNTRIES]
COUNTRY_WEIGHTS = [country.weight for country in COUNTRIES]
TAX_PERCENT = np.array([country.tax_percent for country in COUNTRIES], dtype=np.int64)

_CITIES = [city for country in COUNTRIES for city in country.cities]
_CITY_DIGITS = np.array([city.digits for city in _CITIES], dtype=np.int64)
_FIRST_NAMES = [name for country in COUNTRIES for name in country.first_names.split()]
_LAST_NAMES = [name for country in COUNTRIES for name in country.last_names.split()]
_LATIN_FIRST = [name for country in COUNTRIES for name in latin_names(country)[0]]
_LATIN_LAST = [name for country in COUNTRIES for name in latin_names(country)[1]]
COMPANY_SHARE = 0.18
FAVOURITE_CITY = 1.6
"""Powers of a draw above 1 prefer the first of a list."""


def _counts(parts: Iterable[Sequence[object]]) -> tuple[Ints, Ints]:
    """Where each country's part of a flattened list begins, and how long it is."""
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    return np.cumsum(lengths) - lengths, lengths


_CITY_FROM, _CITY_COUNT = _counts(country.cities for country in COUNTRIES)
_FIRST_FROM, _FIRST_COUNT = _counts(country.first_names.split() for country in COUNTRIES)
_LAST_FROM, _LAST_COUNT = _counts(country.last_names.split() for country in COUNTRIES)


def countries(draws: Draws, number: Ints) -> Ints:
    """The country of each customer, as a position in `COUNTRIES`; nobody moves to another one."""
    return pick(draws.uniform("country", number), COUNTRY_WEIGHTS)


def addresses(draws: Draws, number: Ints, country: Ints, version: Ints) -> dict[str, pa.Array]:
    """City, region, postal code and country.

    Args:
        draws: The shop's.
        number: The customers' numbers.
        country: Their countries.
        version: Which of a customer's addresses.
    """
    chosen = draws.uniform("city", number, version) ** FAVOURITE_CITY
    city = _CITY_FROM[country] + whole(chosen, _CITY_COUNT[country])
    digits = _CITY_DIGITS[city]
    area = whole(draws.uniform("postal code", number, version), 10**digits)
    prefix, suffix = (words([getattr(place, part) for place in _CITIES], city) for part in ("prefix", "suffix"))
    return {
        "city": words([place.name for place in _CITIES], city),
        "region": words([place.region for place in _CITIES], city),
        "postal_code": pc.binary_join_element_wise(prefix, padded(area, digits), suffix, ""),
        "country": words(COUNTRY_NAMES, country),
    }


def contacts(draws: Draws, number: Ints, country: Ints) -> dict[str, pa.Array]:
    """Names, company, e-mail address and telephone number; some customers leave the last three out."""
    first = _FIRST_FROM[country] + whole(draws.uniform("first name", number), _FIRST_COUNT[country])
    last = _LAST_FROM[country] + whole(draws.uniform("last name", number), _LAST_COUNT[country])
    domain = words(MAIL_DOMAINS, whole(draws.uniform("mail domain", number) ** 2, len(MAIL_DOMAINS)))
    email = pc.binary_join_element_wise(words(_LATIN_FIRST, first), words(_LATIN_LAST, last), ".")
    email = pc.binary_join_element_wise(pc.binary_join_element_wise(email, numbers(number), ""), domain, "@")
    prefix = words([place.phone for place in COUNTRIES], country)
    digits = between(draws.uniform("phone", number), 0, 100)
    phone = pc.binary_join_element_wise(prefix, padded(digits, np.full_like(digits, 2)), "")
    last_name = words(_LAST_NAMES, last)
    return {
        "first_name": words(_FIRST_NAMES, first),
        "last_name": last_name,
        "company": kept(_companies(draws, number, country, last_name), is_company(draws, number)),
        "email": kept(email, draws.uniform("has email", number) < 0.96),
        "phone": kept(phone, draws.uniform("has phone", number) < 0.7),
    }


def is_company(draws: Draws, number: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which customers are companies."""
    return np.asarray(draws.uniform("is company", number) < COMPANY_SHARE)


def _companies(draws: Draws, number: Ints, country: Ints, last_name: pa.Array) -> pa.Array:
    """Names of companies, some with the commas and quotes that files must bear."""
    form = words([place.company for place in COUNTRIES], country)
    before = words(["", "", 'The "Old" '], whole(draws.uniform("company before", number), 3))
    after = words([" ", " & Co., ", " & Sons "], whole(draws.uniform("company after", number), 3))
    return pc.binary_join_element_wise(before, last_name, after, form, "")
