"""What the model card of forecasts says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datamart_kedro.models.card import Section
from datamart_kedro.pipelines.forecasts.features import FEATURES
from datamart_kedro.pipelines.forecasts.rules import ForecastRules


def sections_of(report: Mapping[str, Any], version: str, rules: ForecastRules) -> dict[str, Section]:
    """The sections of the card.

    Args:
        report: What the backtest found.
        version: Of the model.
        rules: Rules of forecasts.
    """
    return {
        "Verdict": verdict(report),
        "Model": {
            "model_name": report["model"],
            "model_version": version,
            "cutoff_date": report["cutoff_date"],
            "horizon_days": report["horizon_days"],
            "finest series": report["series"],
            "sales from": report["first_day"],
        },
        "Use": "Daily units and net amount of the days to come, by series. Series sum to the one that they are part of,"
        " exactly; the ends of intervals do not. The finest series are modelled, all together, and the others are their"
        " sums. Products that will be new are not foreseen.",
        "Backtest": f"At each of {', '.join(report['origins'])} the models saw what was known, forecast"
        f" {report['horizon_days']} days, and were held against what came. WAPE is the sum of absolute errors to the"
        " sum of sales. MASE and RMSSE are below 1 where errors are smaller than those of the same weekday before, or"
        " of the day before, were in the past of the series.",
        "Metrics": report["metrics"],
        "Intervals": f"Made to hold {rules.interval:.0%} of the days, of the errors of the backtest by level, week"
        " ahead and how often a series sells, in proportion to how far the days of a series lie from their mean. Where"
        f" nothing is sold on more than {1 - rules.interval:.0%} of the days, they reach down to 0, and what they leave"
        " out lies above them. Coverage is of origins none of whose errors made the intervals: held is the share of"
        " days that they did hold, below and above are those that they missed, idle those on which nothing was sold."
        " An interval that has 0 in it holds no less than idle. So of series that rarely sell more is held than is"
        " wanted; most products are such, and the second table tells them apart. Width is the sum of widths, score the"
        " sum of interval scores, both to the sum of sales; intervals that are wider and hold no more score higher.",
        "Coverage": report["coverage"],
        "Coverage by how often a series sells": report["coverage_by_sold"],
        "Features": [{"name": found["name"], "definition": found["definition"]} for found in FEATURES],
    }


def verdict(report: Mapping[str, Any]) -> str:
    """Is there a model that is better than seasonal naive, and where is it not?"""
    learnt, model = report["best_learnt"], report["model"]
    if learnt is None:
        return "No model was tried beside seasonal naive, which is published."
    if not report["beats_seasonal_naive"]:
        return f"{learnt}, the best model, does not beat seasonal naive in the backtest. {model} is published."
    worse = ", ".join(worse_than_naive(report, learnt)) or "nowhere"
    return f"{learnt} beats seasonal naive in the backtest and is published. It is not better by its WAPE at: {worse}."


def worse_than_naive(report: Mapping[str, Any], model: str) -> list[str]:
    """Targets and levels at which a model has no lower WAPE than seasonal naive."""
    found = {(row["target"], row["level"], row["model"]): row["wape"] for row in report["metrics"]}
    places = dict.fromkeys((target, level) for target, level, _ in found)
    return [
        f"{target} of {level}"
        for target, level in places
        if (naive := found[target, level, "seasonal_naive"]) is None or not found[target, level, model] < naive
    ]
