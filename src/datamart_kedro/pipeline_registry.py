"""The pipelines of the project: one per domain, and all of them together."""

from __future__ import annotations

from importlib import import_module

from kedro.pipeline import Pipeline

PIPELINES = "datamart_kedro.pipelines"

DOMAINS = [
    "customers",
    "orders",
    "products",
    "order_items",
]
"""Register a domain here: the name of its folder below `pipelines`."""

FEATURES = [
    "ft_customers",
    "ft_customer_labels",
    "ft_sales_daily",
    "ft_catalogue",
]
"""Tables of the pipeline ``features``: each is gated and published as a domain is."""


def register_pipelines() -> dict[str, Pipeline]:
    """One pipeline per domain, and one for features; `__default__` runs all domains."""
    pipelines = {name: import_module(f"{PIPELINES}.{name}").create_pipeline() for name in [*DOMAINS, "features"]}
    return {"__default__": sum((pipelines[name] for name in DOMAINS), Pipeline([])), **pipelines}


def everything() -> Pipeline:
    """All pipelines as one: what gates, parameters and tables there are."""
    return sum(register_pipelines().values(), Pipeline([]))
