"""How the products domain is wired."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, STAGE, VERIFY, gate, staged
from datamart_kedro.pipelines.products.columns import SOURCE
from datamart_kedro.pipelines.products.contract import verify_products
from datamart_kedro.pipelines.products.nodes import build_products, stage_products


def create_pipeline() -> Pipeline:
    """Check, stage, build and verify products."""
    return Pipeline(
        [
            gate("products", SOURCE, parameters=["products", "formats"]),
            Node(
                stage_products,
                inputs=["source_products", "gate_products", "params:products", "params:formats"],
                outputs=staged("products"),
                name="stage_products",
                tags=[STAGE],
            ),
            Node(
                build_products,
                inputs=["tmp_products", "params:products"],
                outputs="tb_products",
                name="build_products",
                tags=[BUILD],
            ),
            Node(
                verify_products,
                inputs=["tb_products", "params:products"],
                outputs="contract_products",
                name="verify_products",
                tags=[VERIFY],
            ),
        ],
        tags=["products"],
    )
