"""How features are wired: each table has a gate of its own, as a domain has."""

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, VERIFY, gate_below
from datamart_kedro.pipelines.features.catalogue import build_ft_catalogue
from datamart_kedro.pipelines.features.contract import (
    verify_ft_catalogue,
    verify_ft_customer_labels,
    verify_ft_customers,
    verify_ft_sales_daily,
)
from datamart_kedro.pipelines.features.customers import build_ft_customers, trace_customers
from datamart_kedro.pipelines.features.labels import build_ft_customer_labels
from datamart_kedro.pipelines.features.model_inputs import content_of, join_labels, whole_days
from datamart_kedro.pipelines.features.sales import build_ft_sales_daily
from datamart_kedro.pipelines.features.settled import (
    find_cutoffs_of_labels,
    find_days_of_customers,
    find_days_of_labels,
    settle_customers,
    settle_labels,
)

RULES = "params:features"


def create_pipeline() -> Pipeline:
    """Check, build, verify and save the feature tables."""
    return Pipeline(
        [
            gate_below("ft_customers", "features"),
            Node(
                find_days_of_customers,
                inputs=[
                    "gate_ft_customers",
                    "last_ft_customers",
                    "tb_customers",
                    "tb_orders",
                    "tb_order_items",
                    "versions_customers",
                    "versions_orders",
                    "versions_order_items",
                    "period",
                    RULES,
                ],
                outputs="changed_days_of_customers",
                name="find_days_of_customers",
                tags=[BUILD, "ft_customers"],
            ),
            Node(
                settle_customers,
                inputs=["last_ft_customers", "changed_days_of_customers", "period", RULES],
                outputs="settled_ft_customers",
                name="settle_customers",
                tags=[BUILD, "ft_customers"],
            ),
            Node(
                trace_customers,
                inputs=[
                    "gate_ft_customers",
                    "tb_orders",
                    "tb_order_items",
                    "versions_orders",
                    "versions_order_items",
                    "period",
                    RULES,
                    "settled_ft_customers",
                ],
                outputs=["traced_others", "traced_service", "traced_purchases"],
                name="trace_customers",
                tags=[BUILD, "ft_customers"],
            ),
            Node(
                build_ft_customers,
                inputs=[
                    "tb_customers",
                    "versions_customers",
                    "traced_others",
                    "traced_service",
                    "traced_purchases",
                    "period",
                    RULES,
                    "settled_ft_customers",
                ],
                outputs="ft_customers",
                name="build_ft_customers",
                tags=[BUILD, "ft_customers"],
            ),
            *after("ft_customers", verify_ft_customers),
            gate_below("ft_customer_labels", "features"),
            Node(
                find_days_of_labels,
                inputs=["gate_ft_customer_labels", "last_ft_customer_labels", "tb_orders", "versions_orders"],
                outputs="changed_days_of_labels",
                name="find_days_of_labels",
                tags=[BUILD, "ft_customer_labels"],
            ),
            Node(
                find_cutoffs_of_labels,
                inputs=["last_ft_customer_labels", "ft_customers", "versions_ft_customers"],
                outputs="changed_cutoffs_of_labels",
                name="find_cutoffs_of_labels",
                tags=[BUILD, "ft_customer_labels"],
            ),
            Node(
                settle_labels,
                inputs=[
                    "last_ft_customer_labels",
                    "changed_days_of_labels",
                    "changed_cutoffs_of_labels",
                    "period",
                    RULES,
                ],
                outputs="settled_ft_customer_labels",
                name="settle_labels",
                tags=[BUILD, "ft_customer_labels"],
            ),
            Node(
                build_ft_customer_labels,
                inputs=[
                    "gate_ft_customer_labels",
                    "ft_customers",
                    "tb_orders",
                    "period",
                    RULES,
                    "settled_ft_customer_labels",
                ],
                outputs="ft_customer_labels",
                name="build_ft_customer_labels",
                tags=[BUILD, "ft_customer_labels"],
            ),
            *after("ft_customer_labels", verify_ft_customer_labels, "ft_customers"),
            Node(
                join_labels,
                inputs=["ft_customers", "ft_customer_labels", RULES],
                outputs="model_customers",
                name="join_labels",
                tags=["ft_customer_labels"],
            ),
            gate_below("ft_sales_daily", "features"),
            Node(
                build_ft_sales_daily,
                inputs=["gate_ft_sales_daily", "tb_orders", "tb_order_items", "tb_products", "period", RULES],
                outputs="ft_sales_daily",
                name="build_ft_sales_daily",
                tags=[BUILD, "ft_sales_daily"],
            ),
            *after("ft_sales_daily", verify_ft_sales_daily),
            Node(
                whole_days,
                inputs="ft_sales_daily",
                outputs="model_sales_daily",
                name="leave_partial_days_out",
                tags=["ft_sales_daily"],
            ),
            gate_below("ft_catalogue", "features"),
            Node(
                build_ft_catalogue,
                inputs="gate_ft_catalogue",
                outputs="ft_catalogue",
                name="build_ft_catalogue",
                tags=[BUILD, "ft_catalogue"],
            ),
            *after("ft_catalogue", verify_ft_catalogue),
        ]
    )


def after(table: str, verify: Callable[..., Any], *more: str) -> list[Node]:
    """The nodes that verify a table, with more tables that this needs, and save it to its file."""
    return [
        Node(
            verify,
            inputs=[table, *more, RULES],
            outputs=f"contract_{table}",
            name=f"verify_{table}",
            tags=[VERIFY, table],
        ),
        Node(content_of, inputs=table, outputs=f"file_{table}", name=f"save_{table}", tags=[table]),
    ]
