"""How segments are wired: below the features, with a gate of their own."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, VERIFY, gate_below
from datamart_kedro.pipelines.segments.clusters import find_segments
from datamart_kedro.pipelines.segments.contract import verify_customer_segments
from datamart_kedro.pipelines.segments.figures import draw_choice, draw_profile, draw_sizes
from datamart_kedro.pipelines.segments.report import describe_segments
from datamart_kedro.pipelines.segments.rows import choose_buyers, name_features
from datamart_kedro.pipelines.segments.scores import assign_segments

RULES = "params:segments"
TAG = "customer_segments"


def create_pipeline() -> Pipeline:
    """Check, choose, find, assign, verify and report."""
    return Pipeline(
        [
            gate_below(TAG, "segments"),
            Node(
                choose_buyers,
                inputs=["gate_customer_segments", "ft_customers", RULES],
                outputs="model_segments",
                name="choose_buyers",
                tags=[BUILD, TAG],
            ),
            Node(
                name_features,
                inputs=["ft_catalogue", RULES],
                outputs="features_segments",
                name="name_features_of_segments",
                tags=[BUILD, TAG],
            ),
            Node(
                find_segments,
                inputs=["model_segments", "features_segments", RULES],
                outputs=["trained_segments", "metrics_segments"],
                name="find_segments",
                tags=[TAG],
            ),
            Node(
                assign_segments,
                inputs=["model_segments", "trained_segments", "metrics_segments", "run_start"],
                outputs="tb_customer_segments",
                name="assign_segments",
                tags=[BUILD, TAG],
            ),
            Node(
                verify_customer_segments,
                inputs=["tb_customer_segments", "ft_customers", RULES],
                outputs="contract_customer_segments",
                name="verify_customer_segments",
                tags=[VERIFY, TAG],
            ),
            Node(
                describe_segments,
                inputs=["metrics_segments", RULES],
                outputs="card_segments",
                name="describe_segments",
                tags=[TAG],
            ),
            *(
                Node(
                    draw,
                    inputs="metrics_segments",
                    outputs=f"plot_segments_{name}",
                    name=f"draw_segments_{name}",
                    tags=[TAG],
                )
                for name, draw in (("profile", draw_profile), ("sizes", draw_sizes), ("choice", draw_choice))
            ),
        ]
    )
