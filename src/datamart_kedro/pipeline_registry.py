"""The pipelines of the project: one per domain, and all of them together."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from datamart_kedro.pipelines import customers, order_items, orders, products

DOMAINS = {
    "products": products,
    "order_items": order_items,
    "orders": orders,
    "customers": customers,
}
"""Register a domain here: its name, and its package below `pipelines`."""


def register_pipelines() -> dict[str, Pipeline]:
    """One pipeline per domain; `__default__` runs all of them."""
    pipelines = {name: domain.create_pipeline() for name, domain in DOMAINS.items()}
    return {"__default__": sum(pipelines.values(), Pipeline([])), **pipelines}
