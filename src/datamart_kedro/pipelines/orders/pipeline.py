"""How the orders domain is wired."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, STAGE, VERIFY, gate, staged
from datamart_kedro.pipelines.orders.columns import SOURCE, TABLE
from datamart_kedro.pipelines.orders.contract import verify_orders
from datamart_kedro.pipelines.orders.nodes import build_orders, stage_orders


def create_pipeline() -> Pipeline:
    """Check, stage, build and verify orders."""
    return Pipeline(
        [
            gate("orders", SOURCE, parameters=["orders", "formats"], personal=TABLE.personal_columns),
            Node(
                stage_orders,
                inputs=["source_orders", "gate_orders", "params:orders", "params:formats"],
                outputs=staged("orders"),
                name="stage_orders",
                tags=[STAGE],
            ),
            Node(
                build_orders,
                inputs=["tmp_orders", "tb_order_items", "params:orders", "params:formats"],
                outputs="tb_orders",
                name="build_orders",
                tags=[BUILD],
            ),
            Node(
                verify_orders,
                inputs=["tb_orders", "tb_order_items", "params:orders"],
                outputs="contract_orders",
                name="verify_orders",
                tags=[VERIFY],
            ),
        ],
        tags=["orders"],
    )
