"""How the customers domain is wired."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, STAGE, VERIFY, gate, staged
from datamart_kedro.pipelines.customers.columns import SOURCE, TABLE
from datamart_kedro.pipelines.customers.contract import verify_customers
from datamart_kedro.pipelines.customers.nodes import build_customers, stage_customers


def create_pipeline() -> Pipeline:
    """Check, stage, build and verify customers."""
    return Pipeline(
        [
            gate("customers", SOURCE, parameters=["customers", "formats"], personal=TABLE.personal_columns),
            Node(
                stage_customers,
                inputs=["source_customers", "gate_customers", "params:customers", "params:formats"],
                outputs=staged("customers"),
                name="stage_customers",
                tags=[STAGE],
            ),
            Node(
                build_customers,
                inputs=["tmp_customers", "tb_orders", "params:customers", "params:formats"],
                outputs="tb_customers",
                name="build_customers",
                tags=[BUILD],
            ),
            Node(
                verify_customers,
                inputs=["tb_customers", "tmp_customers", "tb_orders", "params:customers"],
                outputs="contract_customers",
                name="verify_customers",
                tags=[VERIFY],
            ),
        ],
        tags=["customers"],
    )
