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


def register_pipelines() -> dict[str, Pipeline]:
    """One pipeline per domain; `__default__` runs all of them."""
    pipelines = {name: import_module(f"{PIPELINES}.{name}").create_pipeline() for name in DOMAINS}
    return {"__default__": sum(pipelines.values(), Pipeline([])), **pipelines}
