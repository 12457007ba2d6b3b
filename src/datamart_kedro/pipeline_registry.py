"""The pipelines of the project: one per domain, one for features, one per model, and those of a kind together."""

from __future__ import annotations

from importlib import import_module

from kedro.pipeline import Pipeline

from datamart_kedro.mart.domains import MODELLED

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


MODELS = list(MODELLED)
"""Tables of the model pipelines: each is gated and published as a domain is."""


def register_pipelines() -> dict[str, Pipeline]:
    """One pipeline per domain, one for features and one per model; `models` runs all models, `__default__` all domains.

    Libraries of models are imported when a node of theirs runs, not here.
    """
    models = dict.fromkeys(MODELLED.values())
    pipelines = {
        name: import_module(f"{PIPELINES}.{name}").create_pipeline() for name in [*DOMAINS, "features", *models]
    }
    together = {"__default__": DOMAINS, "models": models}
    sums = {name: sum((pipelines[part] for part in parts), Pipeline([])) for name, parts in together.items()}
    return {**sums, **pipelines}


def everything() -> Pipeline:
    """All pipelines as one: what gates, parameters and tables there are."""
    return sum(register_pipelines().values(), Pipeline([]))
