"""How figures look."""

from __future__ import annotations

from typing import Any

BLUE, ORANGE, GREY = "#1f6f8b", "#d1603d", "#9a9a9a"


def figure(title: str, x: str, y: str, *traces: Any, **layout: Any) -> Any:
    """A Plotly figure of traces, with a title and the names of its axes."""
    import plotly.graph_objects as go  # type: ignore[import-untyped]

    return go.Figure(
        list(traces),
        {
            "template": "plotly_white",
            "title": {"text": title},
            "xaxis": {"title": {"text": x}},
            "yaxis": {"title": {"text": y}},
            **layout,
        },
    )
