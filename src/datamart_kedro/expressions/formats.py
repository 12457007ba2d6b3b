"""How a shop writes dates, missing values and countries: parameters that all domains share."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from datamart_kedro.expressions.text import comparable_key

DateFormat = Literal["iso", "compact", "day_first", "month_first"]

_TIME = r"(?:[T ] *(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?$"
DATE_PATTERNS: dict[DateFormat, tuple[str, str]] = {
    "iso": (r"^(\d{4})-(\d{1,2})-(\d{1,2})" + _TIME, r"\1-\2-\3 \4"),
    "compact": (r"^(\d{4})(\d{2})(\d{2})" + _TIME, r"\1-\2-\3 \4"),
    "day_first": (r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})" + _TIME, r"\3-\2-\1 \4"),
    "month_first": (r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})" + _TIME, r"\3-\1-\2 \4"),
}
"""For each format: what such a text looks like, and how it is rewritten as ISO 8601."""


class Rules(BaseModel):
    """Typed parameters: an unknown key or an impossible value is refused at start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"{zone!r} is not an IANA time zone such as 'UTC' or 'Europe/Paris'")
    return zone


def _unambiguous(formats: tuple[DateFormat, ...]) -> tuple[DateFormat, ...]:
    if {"day_first", "month_first"} <= set(formats):
        raise ValueError("day_first and month_first cannot both hold: 01/02/2026 would be two days")
    return formats


def distinct_spellings(meanings: dict[str, Any]) -> dict[str, Any]:
    """Refuse a map that gives two meanings to what it takes for one text.

    Raises:
        ValueError: Naming both spellings.
    """
    seen: dict[str, str] = {}
    for written, meaning in meanings.items():
        other = seen.setdefault(comparable_key(written), written)
        if meanings[other] != meaning:
            raise ValueError(f"{other!r} and {written!r} are one text (case, dots and blanks do not matter)")
    return meanings


CountryCode = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class Formats(Rules):
    """How the sources write what every domain has.

    Attributes:
        time_zone: IANA zone of times without an offset, and of days: when one ends decides whether a delivery is late.
        date_formats: Ways in which dates come as text, besides ISO 8601 with an offset, which is always read.
        missing_words: Texts that mean NULL, in any case; the empty text always does.
        country_names: Names and spellings that ISO 3166-1 does not know, with their alpha-2 code.
    """

    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    date_formats: Annotated[tuple[DateFormat, ...], AfterValidator(_unambiguous)] = ("iso", "compact", "day_first")
    missing_words: tuple[str, ...] = ("n/a", "null", "none", "-")
    country_names: Annotated[dict[str, CountryCode], AfterValidator(distinct_spellings)] = Field(default_factory=dict)
