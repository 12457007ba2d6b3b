"""Nodes of forecasts. What they need of numbers is imported when they run: a run without new data does without it."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import TrainingError
from datamart_kedro.models.card import write_card
from datamart_kedro.models.version import feature_set_hash, model_version
from datamart_kedro.pipelines.forecasts.card import sections_of
from datamart_kedro.pipelines.forecasts.features import FEATURES
from datamart_kedro.pipelines.forecasts.rules import SEASONAL_NAIVE, ForecastRules
from datamart_kedro.pipelines.forecasts.sales import DIGITS, TARGETS, Backtest, Forecast, Sales, Target

logger = logging.getLogger(__name__)


def arrange_sales(gate_forecasts: Decision, ft_sales_daily: ir.Table, forecasts: ForecastRules) -> tuple[Sales, str]:
    """Arrange daily sales by series and day, days that may not have been whole left out.

    Args:
        gate_forecasts: What opened the gate.
        ft_sales_daily: Daily sales, one row per unique_id and ds.
        forecasts: Rules of forecasts.

    Returns:
        The sales, and the version of a model that is made of them.

    Raises:
        TrainingError: There are too few days for the backtest.
    """
    from datamart_kedro.pipelines.forecasts.arrangement import arrange

    t = ft_sales_daily.filter(ft_sales_daily.is_complete)
    whole = {target: (t[target] * 10 ** DIGITS[target]).cast("int64") for target in TARGETS}
    selected = t.select("unique_id", "level", "parent_id", ds=t.ds.cast("timestamp(6)"), **whole)
    rows = selected.order_by("unique_id", "ds").to_pyarrow().to_pandas()
    require_levels(sorted(rows["level"].unique()), forecasts)
    sales = arrange(rows, forecasts.levels) if len(rows) else None
    require_history(sales, forecasts)
    assert sales is not None
    parameters = forecasts.model_dump(mode="json", exclude={"contract"})
    return sales, model_version(rows, parameters, gate_forecasts.code_version)


def require_levels(found: list[str], forecasts: ForecastRules) -> None:
    """Refuse levels of which the mart has no series.

    Raises:
        TrainingError: None of them is there.
    """
    if found and not set(found) & set(forecasts.levels):
        raise TrainingError(
            f"forecasts.levels asks for {', '.join(forecasts.levels)}, but ft_sales_daily has {', '.join(found)}.",
            "Name levels of features.levels.",
        )


def require_history(sales: Sales | None, forecasts: ForecastRules) -> None:
    """Refuse sales that are too short for the backtest.

    Raises:
        TrainingError: Naming the days that there are, and those that are needed.
    """
    days = sales.days if sales else 0
    if days < forecasts.days_needed:
        span = f" ({sales.first_day} to {sales.day(days - 1)})" if sales else ""
        raise TrainingError(
            f"Forecasts need {forecasts.days_needed:,} whole days of sales, but there are {days:,}{span}:"
            f" {forecasts.origins} origins, {forecasts.step_days} days apart, {forecasts.horizon_days} days ahead.",
            "Wait for more, or lower forecasts.origins, forecasts.step_days or forecasts.horizon_days.",
        )


def run_backtest(forecast_sales: Sales, forecasts: ForecastRules) -> Backtest:
    """Stand at past days, forecast with each model from what was known, and keep what came beside it.

    Args:
        forecast_sales: Daily sales by series and day.
        forecasts: Rules of forecasts.
    """
    from datamart_kedro.pipelines.forecasts.backtest import backtest

    return backtest(forecast_sales, forecasts)


def judge_models(forecast_sales: Sales, forecast_backtest: Backtest, forecasts: ForecastRules) -> dict[str, Any]:
    """Measure the models, choose the one that is published, and say so.

    Args:
        forecast_sales: Daily sales by series and day.
        forecast_backtest: The backtest.
        forecasts: Rules of forecasts.

    Returns:
        model (published), best_learnt, beats_seasonal_naive, scores by model, metrics (one row per target, level and
        model), steps (one row per target, level, model and step), coverage of intervals (one row per target and level),
        coverage_by_sold (by how often a series sells, too), and what they were made with.
    """
    from datamart_kedro.pipelines.forecasts import metrics
    from datamart_kedro.pipelines.forecasts.intervals import coverage, coverage_by_sold

    rows = metrics.measure(forecast_backtest)
    scores = metrics.scores(rows)
    chosen, learnt = metrics.choose(scores, forecasts), metrics.best(scores)
    better = metrics.is_better(scores, learnt)
    report = {
        "model": chosen,
        "best_learnt": learnt,
        "beats_seasonal_naive": better,
        "scores": scores,
        "metrics": rows,
        "steps": metrics.measure_steps(forecast_backtest),
        "coverage": coverage(forecast_backtest, chosen, forecasts),
        "coverage_by_sold": coverage_by_sold(forecast_backtest, chosen, forecasts),
        "cutoff_date": str(forecast_sales.day(forecast_sales.days)),
        "first_day": str(forecast_sales.first_day),
        "origins": [str(forecast_sales.day(origin)) for origin in forecast_backtest.origins],
        "horizon_days": forecasts.horizon_days,
        "series": forecast_sales.tree.finest,
    }
    tell(report)
    found: dict[str, Any] = metrics.rounded(report)
    return found


def tell(report: dict[str, Any]) -> None:
    """Log which model is published, and how it fared against seasonal naive."""
    words = ", ".join(
        f"{name} {'unknown' if score is None else f'{score:.3f}'}" for name, score in report["scores"].items()
    )
    if report["beats_seasonal_naive"]:
        logger.info("forecasts: %s is published. WAPE in the backtest: %s", report["model"], words)
    else:
        logger.warning(
            "forecasts: no model beats seasonal naive in the backtest; %s is published. WAPE: %s",
            report["model"],
            words,
        )


def train_forecasts(
    forecast_sales: Sales, metrics_forecasts: dict[str, Any], forecasts: ForecastRules
) -> dict[str, Any]:
    """Train the best learnt model on all days: one for each target; none where none was tried.

    It is trained and kept also where seasonal naive is published.

    Args:
        forecast_sales: Daily sales by series and day.
        metrics_forecasts: What the backtest found.
        forecasts: Rules of forecasts.
    """
    from datamart_kedro.pipelines.forecasts.inputs import before
    from datamart_kedro.pipelines.forecasts.models import examples, learn

    name = metrics_forecasts["best_learnt"]
    if name is None:
        return {}
    pasts = {target: before(forecast_sales, forecast_sales.days, target) for target in TARGETS}
    return {target: learn(name, examples(past, forecasts), forecasts) for target, past in pasts.items()}


def forecast_days(
    forecast_sales: Sales,
    trained_forecasts: dict[str, Any],
    forecast_backtest: Backtest,
    metrics_forecasts: dict[str, Any],
    forecasts: ForecastRules,
) -> Forecast:
    """Forecast the days after the last whole one, with intervals; series sum to the one that they are part of.

    Args:
        forecast_sales: Daily sales by series and day.
        trained_forecasts: By target, the best learnt model.
        forecast_backtest: Whose errors make the intervals.
        metrics_forecasts: Which model is published.
        forecasts: Rules of forecasts.
    """
    from datamart_kedro.pipelines.forecasts.published import forecast_sales as made

    return made(forecast_sales, trained_forecasts, forecast_backtest, metrics_forecasts["model"], forecasts)


def build_forecasts(made_forecast: Forecast, forecast_version: str, run_start: datetime) -> ir.Table:
    """Publish forecasts: one row per unique_id, ds and cutoff_date.

    Args:
        made_forecast: The forecasts.
        forecast_version: Of the model.
        run_start: When the run started.

    Returns:
        - y_units and the ends of its interval: decimal(18, 3), units.
        - y_net_amount and the ends of its interval: decimal(18, 2), order currency.
    """
    from datamart_kedro.pipelines.forecasts.published import ends_of, rows_of

    rows = ibis.memtable(rows_of(made_forecast, forecast_version, feature_set_hash(FEATURES), run_start))
    return rows.mutate(
        **{name: in_digits(rows[name], target) for target in TARGETS for name in ends_of(made_forecast, target)}
    )


def in_digits(whole: ir.IntegerValue, target: Target) -> ir.DecimalValue:
    """A decimal from a whole number of its last digit, exactly."""
    from decimal import Decimal

    digits = DIGITS[target]
    kind = f"decimal(18, {digits})"
    return (whole.cast("decimal(18, 0)") * ibis.literal(Decimal(1).scaleb(-digits), kind)).cast(kind)


def draw_forecasts(forecast_sales: Sales, made_forecast: Forecast) -> Any:
    """Draw the last months and what is forecast, with its interval, for the two coarsest levels above the finest.

    Args:
        forecast_sales: Daily sales by series and day.
        made_forecast: The forecasts.
    """
    from datamart_kedro.pipelines.forecasts.figures import forecast_figure

    return forecast_figure(forecast_sales, made_forecast)


def draw_forecast_errors(metrics_forecasts: dict[str, Any]) -> Any:
    """Draw the errors of the backtest by model and step, for each level.

    Args:
        metrics_forecasts: What the backtest found.
    """
    from datamart_kedro.pipelines.forecasts.figures import errors_figure

    return errors_figure(metrics_forecasts["steps"], SEASONAL_NAIVE)


def describe_forecasts(metrics_forecasts: dict[str, Any], forecast_version: str, forecasts: ForecastRules) -> str:
    """Write the model card.

    Args:
        metrics_forecasts: What the backtest found.
        forecast_version: Of the model.
        forecasts: Rules of forecasts.
    """
    return write_card("Forecasts of daily sales", sections_of(metrics_forecasts, forecast_version, forecasts))
