"""What the staged tables must hold, by another path: the shop without faults, parsed by Python, with each fault's
outcome as the ledger states it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from datamart_kedro.sample.tables import KEYS, TABLES
from tests.sample.conftest import SampleMart, plain
from tests.sample.shops import Row, by_key, instant

STATUSES = {
    "new": "created",
    "paid": "approved",
    "processing": "processing",
    "shipped": "shipped",
    "delivered": "delivered",
    "returned": "returned",
    "failed": "failed",
    "cancelled": "cancelled",
}
COUNTRIES = {
    "Germany": "DE",
    "France": "FR",
    "United Kingdom": "GB",
    "Spain": "ES",
    "Italy": "IT",
    "Poland": "PL",
    "Sweden": "SE",
    "United States": "US",
    "Brazil": "BR",
    "Japan": "JP",
}
DEPARTMENTS = {
    "Computers": "Technology",
    "Phones": "Technology",
    "Electronics": "Technology",
    "Books": "Media",
    "Games": "Media",
    "Music": "Media",
    "Furniture": "Home",
    "Kitchen": "Home",
    "Garden": "Home",
    "Clothing": "Fashion",
    "Shoes": "Fashion",
    "Cycling": "Outdoor",
}
DATE_FORMATS = ("%d.%m.%Y %H:%M", "%d/%m/%Y", "%Y%m%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S+00:00")
RENAMED = {"orders": {"status": "source_status", "failure_reason": "source_failure_reason"}}
"""Columns that staging gives another name, since theirs gets the meaning."""
MEANINGS = {
    "customers": {"country": ("country_code", COUNTRIES)},
    "products": {"category": ("department", DEPARTMENTS)},
    "orders": {"ship_country": ("ship_country_code", COUNTRIES), "status": ("status", STATUSES)},
    "order_items": {},
}
RESPELT = ("source_status", "country", "ship_country")
"""Columns that staging keeps in the shop's spelling; what they mean stands beside them."""


def expected_rows(sample: SampleMart, domain: str) -> dict[str, dict[str, Any]]:
    """The staged rows of a domain, by the key that they have in the shop without faults."""
    rows = {key: _parsed(domain, row) for key, row in by_key(sample.clean[domain], *KEYS[domain]).items()}
    for fault in sample.faults(domain=domain):
        _apply(rows, fault)
    return rows


def staged_rows(sample: SampleMart, domain: str) -> list[dict[str, Any]]:
    """What a run staged, in the columns that are compared."""
    compared = _parsed(domain, sample.clean[domain][0])
    columns = ", ".join(f'"{name}"' for name in compared)
    return sample.rows(f"SELECT {columns} FROM tmp_{domain}")


def comparable(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in one order, without the spellings that staging keeps."""
    kept = [{name: value for name, value in row.items() if name not in RESPELT} for row in rows]
    return sorted(kept, key=lambda row: [str(value) for value in row.values()])


def _parsed(domain: str, row: Row) -> dict[str, Any]:
    renamed = RENAMED.get(domain, {})
    parsed = {renamed.get(name, name): value_of(text, TABLES[domain][name]) for name, text in row.items()}
    for name, (meaning, known) in MEANINGS[domain].items():
        parsed[meaning] = known[row[name]]
    if domain == "customers":
        parsed["full_name"] = f"{row['first_name']} {row['last_name']}"
    if domain == "orders":
        parsed["currency"] = row["currency"] or "EUR"
    return parsed


def value_of(text: str, kind: str) -> Any:
    """A value as its type says; ids are text."""
    if not text:
        return None
    if kind == "timestamptz":
        return instant(text).replace(tzinfo=None)
    if kind == "boolean":
        return text == "true"
    return plain(Decimal(text)) if kind.startswith("numeric") or kind == "integer" else text


def _apply(rows: dict[str, dict[str, Any]], fault: Row) -> None:
    """Do to a clean row what the ledger says that becomes of its fault."""
    domain, key, column, planted = (fault[name] for name in ("domain", "key", "column", "planted"))
    if fault["expected"] == "rejected":
        del rows[key]
    elif column in ("created_at", "updated_at", "ordered_at", "shipped_at") and fault["expected"] == "normalised":
        rows[key][column] = date_of(planted)
    elif fault["fault"] == "phone in a word for none":
        rows[key][column] = None
    elif fault["expected"] == "unknown":
        rows[key][RENAMED.get(domain, {}).get(column, column)] = (
            planted if column != "category" else planted.capitalize()
        )
        if meaning := MEANINGS[domain].get(column):
            rows[key][meaning[0]] = None
    elif fault["expected"] == "kept":
        value = value_of(planted, TABLES[domain][column])
        rows[key][column] = value.lower() if column == "email" else value


def date_of(text: str) -> datetime:
    """An instant in one of the formats that are planted."""
    for pattern in DATE_FORMATS:
        try:
            return datetime.strptime(text, pattern)
        except ValueError:
            continue
    raise AssertionError(text)
