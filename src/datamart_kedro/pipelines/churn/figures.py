"""Figures of a model of churn, drawn from its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datamart_kedro.models.figures import BLUE, GREY, ORANGE, figure

SHOWN = 15


def draw_calibration(metrics: Mapping[str, Any]) -> Any:
    """What the model said against what happened, in ten parts of the test.

    Args:
        metrics: How the model fared on the test.
    """
    import plotly.graph_objects as go  # type: ignore[import-untyped]

    parts = metrics["calibration"]
    said, happened = [row["predicted"] for row in parts], [row["observed"] for row in parts]
    edge = {"range": [0, 1.02], "tickformat": ".0%"}
    drawn = figure(
        f"Does it happen as often as the model says? Brier score {metrics['test']['brier']:.3f}",
        "said: mean probability of a tenth of the customers",
        "happened: share of them that churned",
        go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="as said", line={"color": GREY, "dash": "dash"}),
        go.Scatter(x=said, y=happened, mode="lines+markers", name=metrics["model_name"], line={"color": BLUE}),
    )
    return drawn.update_layout(xaxis=edge, yaxis=edge)


def draw_lift(metrics: Mapping[str, Any]) -> Any:
    """How many of those who churn are found among the customers with the highest scores.

    Args:
        metrics: How the model fared on the test.
    """
    import plotly.graph_objects as go

    lines = [
        go.Scatter(
            x=[point["share"] for point in metrics["gains"][name]],
            y=[point["found"] for point in metrics["gains"][name]],
            mode="lines",
            name=f"{label} (ROC-AUC {figures['roc_auc']:.3f})",
            line={"color": colour},
        )
        for name, label, figures, colour in (
            ("model", metrics["model_name"], metrics["test"], BLUE),
            ("baseline", metrics["test_baseline"]["model_name"], metrics["test_baseline"], ORANGE),
        )
    ]
    chance = go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="by chance", line={"color": GREY, "dash": "dash"})
    edge = {"range": [0, 1.02], "tickformat": ".0%"}
    drawn = figure(
        f"Whom to speak to first: the highest tenth churns {metrics['test']['lift_at_10']:.2f} times as often as all",
        "share of the customers, highest scores first",
        "share of those who churn among them",
        chance,
        *lines,
    )
    return drawn.update_layout(xaxis=edge, yaxis=edge)


def draw_importance(metrics: Mapping[str, Any]) -> Any:
    """What the model loses without a feature, for those that it leans on most.

    Args:
        metrics: How the model fared on the test.
    """
    import plotly.graph_objects as go

    rows = metrics["importance"][:SHOWN][::-1]
    return figure(
        "What the model leans on",
        "ROC-AUC lost when the feature is shuffled",
        "",
        go.Bar(
            x=[row["loss"] for row in rows],
            y=[row["feature"] for row in rows],
            error_x={"type": "data", "array": [row["spread"] for row in rows]},
            orientation="h",
            marker={"color": BLUE},
        ),
        margin={"l": 180},
    )
