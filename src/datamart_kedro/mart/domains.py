"""What a domain declares, found by the names that all domains share."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from datamart_kedro.columns import PublishedTable, SourceColumn


def published_table(domain: str) -> PublishedTable:
    """The `TABLE` that a domain declares."""
    table = _columns(domain).TABLE
    assert isinstance(table, PublishedTable)
    return table


def published_tables() -> dict[str, PublishedTable]:
    """The published tables of all domains, by domain."""
    from datamart_kedro.pipeline_registry import DOMAINS  # here, since the pipelines read what domains declare

    return {domain: published_table(domain) for domain in DOMAINS}


def source_columns(domain: str) -> Mapping[str, SourceColumn]:
    """The `SOURCE` that a domain declares."""
    found: Mapping[str, SourceColumn] = _columns(domain).SOURCE
    return found


def domain_of(table: str) -> str:
    """The domain in a table's name: ``tmp_orders`` and ``tb_orders`` are of orders."""
    return table.partition("_")[2]


def personal_columns(table: str) -> set[str]:
    """Columns of a table of the mart, published or staged, that hold personal data.

    Rows kept as they came are personal data as a whole, unless their domain has none.
    """
    parts = ("_history", "_duplicates", "_rejected")
    domain = next((domain_of(table).removesuffix(part) for part in parts if table.endswith(part)), domain_of(table))
    tables = published_tables()
    if domain not in tables:
        return {"row"}
    marked = tables[domain].personal.columns
    return {*marked, "came"} if marked else set()


def meanings(domain: str) -> Mapping[str, str]:
    """The `MEANINGS` that a domain declares."""
    found: Mapping[str, str] = _columns(domain).MEANINGS
    return found


def _columns(domain: str) -> ModuleType:
    return import_module(f"datamart_kedro.pipelines.{domain}.columns")
