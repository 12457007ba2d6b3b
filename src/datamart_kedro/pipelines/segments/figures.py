"""Figures of segments, drawn from what was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datamart_kedro.models.figures import BLUE, ORANGE, figure


def draw_profile(metrics: Mapping[str, Any]) -> Any:
    """What the customers of each segment are like: a heat map of medians, coloured by their place among all customers.

    Args:
        metrics: What was found.
    """
    import plotly.graph_objects as go  # type: ignore[import-untyped]

    rows = metrics["segments"][::-1]
    names = list(rows[0]["medians"])
    return figure(
        "What each segment is like: medians, and where they stand among all customers",
        "",
        "",
        go.Heatmap(
            x=names,
            y=[_label(row) for row in rows],
            z=[[row["places"][name] for name in names] for row in rows],
            text=[[f"{row['medians'][name]:,.0f}" for name in names] for row in rows],
            texttemplate="%{text}",
            colorscale="RdBu",
            reversescale=True,
            zmin=0,
            zmax=1,
            colorbar={"title": {"text": "share of all<br>customers below"}, "tickformat": ".0%"},
        ),
        margin={"l": 260},
    )


def draw_sizes(metrics: Mapping[str, Any]) -> Any:
    """How many of the customers each segment holds, and how much of the last feature's sum.

    Args:
        metrics: What was found.
    """
    import plotly.graph_objects as go

    rows = metrics["segments"][::-1]
    last = list(rows[0]["medians"])[-1]
    labels = [_label(row) for row in rows]
    shares = (
        ("customers", [row["share"] for row in rows], BLUE),
        (last, [row["sum_shares"][last] for row in rows], ORANGE),
    )
    bars = [
        go.Bar(
            x=values,
            y=labels,
            name=name,
            orientation="h",
            marker={"color": colour},
            texttemplate="%{x:.0%}",
            textposition="auto",
        )
        for name, values, colour in shares
    ]
    drawn = figure(f"How large each segment is, in customers and in {last}", "share of all", "", *bars)
    return drawn.update_layout(margin={"l": 260}, xaxis={"tickformat": ".0%"})


def draw_choice(metrics: Mapping[str, Any]) -> Any:
    """Stability and silhouette of each number of segments that was tried.

    Args:
        metrics: What was found.
    """
    import plotly.graph_objects as go

    tried = metrics["tried"]
    counts = [row["segments"] for row in tried]
    lines = [
        go.Scatter(
            x=counts,
            y=[row[name] for row in tried],
            mode="lines+markers",
            name=name,
            line={"color": colour},
            marker={"symbol": ["circle" if row["is_fit"] else "circle-open" for row in tried], "size": 10},
        )
        for name, colour in (("stability", BLUE), ("silhouette", ORANGE))
    ]
    return figure(
        f"How many segments: {metrics['chosen']} (filled: stable, and none too small)", "segments", "", *lines
    )


def _label(row: Mapping[str, Any]) -> str:
    return f"{row['segment_id']}: {row['segment_name']}"
