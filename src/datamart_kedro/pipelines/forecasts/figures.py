"""Figures: what is forecast, and how far forecasts were off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from plotly.subplots import make_subplots  # type: ignore[import-untyped]

from datamart_kedro.pipelines.forecasts.arrangement import sums
from datamart_kedro.pipelines.forecasts.metrics import ALL
from datamart_kedro.pipelines.forecasts.sales import DIGITS, Floats, Forecast, Sales, Target

SHOWN_DAYS, SHOWN_SERIES = 91, 12
PAST, AHEAD, BAND = "#5b6770", "#1f6fb4", "rgba(31, 111, 180, 0.2)"
COLOURS = ("#5b6770", "#d1791f", "#1f6fb4", "#3a8f5c")
TARGET: Target = "y_net_amount"


def forecast_figure(sales: Sales, made: Forecast) -> Any:
    """Net amount of the last days and of those to come, one panel for each series of the two coarsest levels.

    The finest is left out unless it is the only one: it may have very many series.

    Args:
        sales: Daily sales.
        made: The forecasts.
    """
    levels = list(dict.fromkeys(made.tree.levels))
    coarse = levels[: min(2, max(1, len(levels) - 1))]
    there = [n for level in coarse for n in made.tree.at_level(level) if made.is_there[n]][:SHOWN_SERIES]
    days = sums(sales.tree, sales.values[TARGET])
    start = max(0, sales.days - SHOWN_DAYS)
    past = [sales.day(column) for column in range(start, sales.days)]
    ahead = [sales.day(sales.days + step) for step in range(made.point[TARGET].shape[1])]
    rows = max(len(there), 1)
    figure = make_subplots(
        rows=rows,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.25 / rows,
        subplot_titles=[made.tree.ids[n] for n in there],
    )
    for row, n in enumerate(there, start=1):
        point, lower, upper = (shown(values[TARGET][n]) for values in (made.point, made.lower, made.upper))
        is_first = row == 1
        line = {"legendgroup": "interval", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
        figure.add_scatter(x=ahead, y=upper, showlegend=False, row=row, col=1, **line)
        figure.add_scatter(
            x=ahead,
            y=lower,
            fill="tonexty",
            fillcolor=BAND,
            name="interval",
            showlegend=is_first,
            row=row,
            col=1,
            **line,
        )
        for name, x, y, colour in (("sales", past, shown(days[n, start:]), PAST), ("forecast", ahead, point, AHEAD)):
            figure.add_scatter(
                x=x,
                y=y,
                name=name,
                mode="lines",
                line={"color": colour},
                legendgroup=name,
                showlegend=is_first,
                row=row,
                col=1,
            )
    figure.update_layout(
        title=f"Net amount by day: sales, and {made.model_name} from {made.cutoff_date} on",
        template="plotly_white",
        height=180 * rows + 140,
        legend={"orientation": "h", "y": 1 + 0.12 / rows, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    return figure


def shown(values: Floats) -> list[float | None]:
    """Values in the currency, as a list: what Plotly makes of an array, older readers of its JSON do not understand."""
    return [None if isnan(value) else round(value / 10 ** DIGITS[TARGET], DIGITS[TARGET]) for value in values.tolist()]


def errors_figure(steps: Sequence[Mapping[str, Any]], baseline: str) -> Any:
    """WAPE of net amount by days ahead, one panel for each level and one line for each model.

    Args:
        steps: One row per target, level, model and step.
        baseline: The model that the others are held against, drawn dotted.
    """
    rows = [row for row in steps if row["target"] == TARGET]
    levels = list(dict.fromkeys(row["level"] for row in rows))
    titles = ["all levels" if level == ALL else level for level in levels]
    figure = make_subplots(rows=1, cols=len(levels), subplot_titles=titles, shared_xaxes=True)
    for column, level in enumerate(levels, start=1):
        for colour, model in zip(COLOURS, dict.fromkeys(row["model"] for row in rows), strict=False):
            found = [row for row in rows if row["level"] == level and row["model"] == model]
            figure.add_scatter(
                x=[row["step"] for row in found],
                y=[row["wape"] for row in found],
                name=model,
                mode="lines",
                line={"color": colour, "dash": "dot" if model == baseline else "solid"},
                legendgroup=model,
                showlegend=column == 1,
                row=1,
                col=column,
            )
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(title_text="days ahead")
    figure.update_layout(
        title="Errors of net amount in the backtest: WAPE by days ahead",
        template="plotly_white",
        height=420,
        legend={"orientation": "h", "y": -0.25},
    )
    return figure
