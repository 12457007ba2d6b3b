"""What a domain declares, found by the names that all domains share."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

from datamart_kedro.columns import PublishedTable, SourceColumn

FEATURE = "ft_"
"""How the names of feature tables begin; each is a domain of its own, with the name of its table."""

MODELLED: Mapping[str, str] = {
    "churn_scores": "churn",
    "customer_segments": "segments",
    "forecasts": "forecasts",
}
"""What models write back: a domain each, with the pipeline that makes it. Register a model's table here."""


def published_table(domain: str) -> PublishedTable:
    """The `TABLE` that a domain declares."""
    columns = _columns(domain)
    table = columns.TABLES[domain] if domain.startswith(FEATURE) else columns.TABLE
    assert isinstance(table, PublishedTable)
    return table


def published_tables() -> dict[str, PublishedTable]:
    """The published tables of all domains, features and models, by domain."""
    from datamart_kedro.pipeline_registry import (
        DOMAINS,
        FEATURES,
        MODELS,
    )  # here, since the pipelines read what domains declare

    return {domain: published_table(domain) for domain in [*DOMAINS, *FEATURES, *MODELS]}


def table_name(domain: str) -> str:
    """The name of a domain's published table."""
    return domain if domain.startswith(FEATURE) else f"tb_{domain}"


def pipeline_of(domain: str) -> str:
    """The pipeline that makes a domain: its folder, its parameters."""
    return "features" if domain.startswith(FEATURE) else MODELLED.get(domain, domain)


def source_columns(domain: str) -> Mapping[str, SourceColumn]:
    """The `SOURCE` that a domain declares."""
    found: Mapping[str, SourceColumn] = _columns(domain).SOURCE
    return found


def domain_of(table: str) -> str:
    """The domain in a table's name: ``tmp_orders`` and ``tb_orders`` are of orders, ``ft_customers`` is its own."""
    return table if table.startswith(FEATURE) else table.partition("_")[2]


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


def touched_by(domain: str) -> dict[str, tuple[str, ...]]:
    """The `TOUCHED_BY` that a domain declares; empty if any row of an input may touch every row of it."""
    return dict(getattr(_columns(domain), "TOUCHED_BY", {}))


def _columns(domain: str) -> ModuleType:
    return import_module(f"datamart_kedro.pipelines.{pipeline_of(domain)}.columns")
