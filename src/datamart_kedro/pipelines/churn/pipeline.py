"""How churn is wired: below the features, with a gate of its own."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, VERIFY, gate_below
from datamart_kedro.pipelines.churn.contract import verify_churn_scores
from datamart_kedro.pipelines.churn.figures import draw_calibration, draw_importance, draw_lift
from datamart_kedro.pipelines.churn.report import describe_model, measure_model
from datamart_kedro.pipelines.churn.rows import choose_customers, name_features
from datamart_kedro.pipelines.churn.scores import score_customers
from datamart_kedro.pipelines.churn.training import train_models

RULES = "params:churn"
TAG = "churn_scores"


def create_pipeline() -> Pipeline:
    """Check, choose, train, measure, score, verify and report."""
    return Pipeline(
        [
            gate_below(TAG, "churn"),
            Node(
                choose_customers,
                inputs=["gate_churn_scores", "ft_customers", "ft_customer_labels", RULES],
                outputs="model_churn",
                name="choose_customers",
                tags=[BUILD, TAG],
            ),
            Node(
                name_features,
                inputs=["ft_catalogue", RULES],
                outputs="features_churn",
                name="name_features_of_churn",
                tags=[BUILD, TAG],
            ),
            Node(
                train_models,
                inputs=["model_churn", "features_churn", RULES],
                outputs=["trained_churn", "trained_churn_baseline", "choice_churn"],
                name="train_churn",
                tags=[TAG],
            ),
            Node(
                measure_model,
                inputs=["model_churn", "trained_churn", "trained_churn_baseline", "choice_churn", RULES],
                outputs="metrics_churn",
                name="measure_churn",
                tags=[TAG],
            ),
            Node(
                score_customers,
                inputs=["model_churn", "trained_churn", "choice_churn", "run_start"],
                outputs="tb_churn_scores",
                name="score_churn",
                tags=[BUILD, TAG],
            ),
            Node(
                verify_churn_scores,
                inputs=["tb_churn_scores", "ft_customers", RULES],
                outputs="contract_churn_scores",
                name="verify_churn_scores",
                tags=[VERIFY, TAG],
            ),
            Node(
                describe_model,
                inputs=["metrics_churn", "choice_churn", RULES],
                outputs="card_churn",
                name="describe_churn",
                tags=[TAG],
            ),
            *(
                Node(draw, inputs="metrics_churn", outputs=f"plot_churn_{name}", name=f"draw_churn_{name}", tags=[TAG])
                for name, draw in (
                    ("calibration", draw_calibration),
                    ("lift", draw_lift),
                    ("importance", draw_importance),
                )
            ),
        ]
    )
