"""How the order items domain is wired."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, STAGE, VERIFY, gate, staged
from datamart_kedro.pipelines.order_items.columns import SOURCE
from datamart_kedro.pipelines.order_items.contract import verify_order_items
from datamart_kedro.pipelines.order_items.nodes import build_order_items, stage_order_items


def create_pipeline() -> Pipeline:
    """Check, stage, build and verify order items."""
    return Pipeline(
        [
            gate("order_items", SOURCE, parameters=["order_items", "formats"]),
            Node(
                stage_order_items,
                inputs=["source_order_items", "gate_order_items", "params:order_items", "params:formats"],
                outputs=staged("order_items"),
                name="stage_order_items",
                tags=[STAGE],
            ),
            Node(
                build_order_items,
                inputs=["tmp_order_items", "tmp_orders", "tb_products", "params:order_items"],
                outputs="tb_order_items",
                name="build_order_items",
                tags=[BUILD],
            ),
            Node(
                verify_order_items,
                inputs=["tb_order_items", "tb_products", "params:order_items"],
                outputs="contract_order_items",
                name="verify_order_items",
                tags=[VERIFY],
            ),
        ],
        tags=["order_items"],
    )
