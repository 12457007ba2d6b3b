"""How forecasts are wired."""

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.gate import BUILD, VERIFY, gate_below
from datamart_kedro.pipelines.forecasts import nodes
from datamart_kedro.pipelines.forecasts.contract import verify_forecasts

DOMAIN = "forecasts"
RULES = "params:forecasts"


def create_pipeline() -> Pipeline:
    """Check, backtest, train, forecast, verify, and show."""
    return Pipeline(
        [
            gate_below(DOMAIN, "forecasts"),
            Node(
                nodes.arrange_sales,
                inputs=["gate_forecasts", "ft_sales_daily", RULES],
                outputs=["forecast_sales", "forecast_version"],
                name="arrange_sales",
                tags=[BUILD, DOMAIN],
            ),
            Node(
                nodes.run_backtest,
                inputs=["forecast_sales", RULES],
                outputs="forecast_backtest",
                name="run_backtest",
                tags=[DOMAIN],
            ),
            Node(
                nodes.judge_models,
                inputs=["forecast_sales", "forecast_backtest", RULES],
                outputs="metrics_forecasts",
                name="judge_forecasts",
                tags=[DOMAIN],
            ),
            Node(
                nodes.train_forecasts,
                inputs=["forecast_sales", "metrics_forecasts", RULES],
                outputs="trained_forecasts",
                name="train_forecasts",
                tags=[DOMAIN],
            ),
            Node(
                nodes.forecast_days,
                inputs=["forecast_sales", "trained_forecasts", "forecast_backtest", "metrics_forecasts", RULES],
                outputs="made_forecast",
                name="forecast_days",
                tags=[DOMAIN],
            ),
            Node(
                nodes.build_forecasts,
                inputs=["made_forecast", "forecast_version", "run_start"],
                outputs="tb_forecasts",
                name="build_forecasts",
                tags=[BUILD, DOMAIN],
            ),
            Node(
                verify_forecasts,
                inputs=["tb_forecasts", RULES],
                outputs="contract_forecasts",
                name="verify_forecasts",
                tags=[VERIFY, DOMAIN],
            ),
            Node(
                nodes.draw_forecasts,
                inputs=["forecast_sales", "made_forecast"],
                outputs="plot_forecasts",
                name="draw_forecasts",
                tags=[DOMAIN],
            ),
            Node(
                nodes.draw_forecast_errors,
                inputs="metrics_forecasts",
                outputs="plot_forecast_errors",
                name="draw_forecast_errors",
                tags=[DOMAIN],
            ),
            Node(
                nodes.describe_forecasts,
                inputs=["metrics_forecasts", "forecast_version", RULES],
                outputs="card_forecasts",
                name="describe_forecasts",
                tags=[DOMAIN],
            ),
        ]
    )
