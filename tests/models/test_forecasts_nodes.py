"""Nodes of forecasts: from daily sales to rows, and what they refuse."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pytest

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import TrainingError
from datamart_kedro.pipelines.forecasts import nodes
from datamart_kedro.pipelines.forecasts.contract import verify_forecasts
from datamart_kedro.pipelines.forecasts.rules import ForecastRules
from tests.models.daily_sales import MONDAY, SHORT, Products, daily, random_products, table_rows
from tests.tables import rows, table

OPEN = Decision.by_name("forecasts")
NOON = datetime(2025, 6, 1, 12)
NAIVE = SHORT.model_copy(update={"models": ()})
FT_SALES_DAILY = {
    "unique_id": "string",
    "level": "string",
    "parent_id": "string",
    "ds": "date",
    "y_units": "decimal(18, 3)",
    "y_net_amount": "decimal(18, 2)",
    "is_complete": "boolean",
}
WEEKS = [5, 0, 0, 1, 2, 9, 4] * 8


def ft_sales_daily(frame: pd.DataFrame, *more: dict[str, Any]) -> ir.Table:
    return table([*table_rows(frame), *more], **FT_SALES_DAILY)


def forecast(products: Products, rules: ForecastRules = SHORT) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The report on the models, and the rows that are published."""
    sales, version = nodes.arrange_sales(OPEN, ft_sales_daily(daily(products)), rules)
    backtest = nodes.run_backtest(sales, rules)
    report = nodes.judge_models(sales, backtest, rules)
    trained = nodes.train_forecasts(sales, report, rules)
    made = nodes.forecast_days(sales, trained, backtest, report, rules)
    nodes.draw_forecasts(sales, made)
    nodes.draw_forecast_errors(report)
    assert nodes.describe_forecasts(report, version, rules).startswith("# Forecasts")
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    return report, rows(nodes.build_forecasts(made, version, NOON), "unique_id", "ds")


def of(found: Sequence[dict[str, Any]], unique_id: str, column: str) -> list[Any]:
    return [row[column] for row in found if row["unique_id"] == unique_id]


def test_a_shop_of_one_product_gets_the_days_from_its_last_whole_one_on():
    report, found = forecast({"A": WEEKS}, NAIVE)
    assert report["model"] == "seasonal_naive"
    first = next(row for row in found if row["unique_id"] == "product=A")
    assert {
        name: first[name] for name in ("level", "parent_id", "ds", "cutoff_date", "step", "model_name", "made_at")
    } == {
        "level": "product",
        "parent_id": "category=A",
        "ds": date(2025, 3, 3),
        "cutoff_date": date(2025, 3, 3),
        "step": 1,
        "model_name": "seasonal_naive",
        "made_at": NOON,
    }
    assert of(found, "product=A", "y_units") == [Decimal(units) for units in WEEKS[:7]]
    assert of(found, "total", "y_net_amount") == [Decimal(units) * 2 for units in WEEKS[:7]]
    assert of(found, "product=A", "ds")[-1] == date(2025, 3, 9)
    assert str(first["y_units"].as_tuple().exponent) + str(first["y_net_amount"].as_tuple().exponent) == "-3-2"


def test_the_interval_of_what_seldom_sells_reaches_down_to_0():
    _, found = forecast({"A": [4, 0, 0, 0, 0, 0, 0] * 8, "B": [5, 4, 3, 4, 5, 4, 3] * 8}, NAIVE)
    seldom, often = (
        [of(found, f"product={name}", f"y_units{end}")[0] for end in ("_lower", "", "_upper")] for name in "AB"
    )
    assert (seldom, often) == ([0, 4, 4], [5, 5, 5])


def test_a_day_that_was_not_whole_is_left_out():
    frame = daily({"A": WEEKS})
    partial = table_rows(daily({"A": [400]}, date(2025, 3, 3)))
    sales, _ = nodes.arrange_sales(
        OPEN, ft_sales_daily(frame, *(row | {"is_complete": False} for row in partial)), NAIVE
    )
    assert sales.day(sales.days) == date(2025, 3, 3)


@pytest.mark.parametrize("seed", range(4))
def test_forecasts_of_any_shop_keep_their_contract(seed: int):
    _, found = forecast(random_products(seed))
    assert found
    assert breaches(found) == {}


def breaches(found: Sequence[dict[str, Any]], rules: ForecastRules = SHORT) -> dict[str, int]:
    """Rules of the contract that rows break, with how many do."""
    kinds = {
        **{"unique_id": "string", "level": "string", "parent_id": "string", "ds": "date", "cutoff_date": "date"},
        **{"step": "int32", "model_name": "string", "model_version": "string"},
        **{f"y_units{end}": "decimal(18, 3)" for end in ("", "_lower", "_upper")},
        **{f"y_net_amount{end}": "decimal(18, 2)" for end in ("", "_lower", "_upper")},
    }
    slim = [{name: row[name] for name in kinds} for row in found]
    (counted,) = rows(verify_forecasts(table(slim, **kinds), rules).breaches())
    return {rule: count for rule, count in counted.items() if count}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"y_units": Decimal("1.001")}, "series sum to the one that they are part of"),
        ({"y_net_amount": None}, "y_units and y_net_amount are given"),
        ({"y_units_lower": Decimal(99)}, "a forecast lies within its interval"),
        ({"y_net_amount_upper": Decimal(-1)}, "a forecast lies within its interval"),
        ({"step": 3}, "step counts from cutoff_date on"),
        ({"model_version": None}, "model_name and model_version are given"),
        ({"parent_id": "category=Z"}, "the series that one is part of is forecast, too"),
    ],
)
def test_the_contract_notices_a_row_that_is_wrong(change: dict[str, Any], rule: str):
    _, found = forecast({"A": WEEKS}, NAIVE)
    row = next(row for row in found if row["unique_id"] == "product=A")
    row |= change
    assert breaches(found)[rule] > 0


def test_the_contract_notices_a_step_beyond_the_horizon():
    _, found = forecast({"A": WEEKS}, NAIVE)
    assert set(breaches(found, SHORT.model_copy(update={"horizon_days": 6}))) == {"step lies within the horizon"}


def test_a_shop_that_sold_nothing_gets_zeros_of_seasonal_naive():
    report, found = forecast({"A": [0] * 56})
    assert (report["model"], report["beats_seasonal_naive"]) == ("seasonal_naive", False)
    assert {row["y_units"] for row in found} == {0}
    assert {row["wape"] for row in report["metrics"]} == {None}
    assert breaches(found) == {}


def test_where_nothing_is_better_seasonal_naive_is_published_and_the_log_and_the_card_say_so(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, "datamart_kedro")
    report, found = forecast({"A": WEEKS})
    assert {row["model_name"] for row in found} == {"seasonal_naive"}
    assert report["scores"]["seasonal_naive"] == 0
    (said,) = (record for record in caplog.records if "forecasts" in record.getMessage())
    assert said.levelname == "WARNING"
    assert said.getMessage().startswith("forecasts: no model beats seasonal naive in the backtest; seasonal_naive is")
    card = nodes.describe_forecasts(report, "abc", SHORT)
    assert f"{report['best_learnt']}, the best model, does not beat seasonal naive in the backtest." in card


def test_a_model_that_is_better_is_published_and_the_log_and_the_card_say_so(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "datamart_kedro")
    noisy = random_products(3, days=120, count=8)
    report, found = forecast(noisy)
    assert report["best_learnt"] == report["model"] != "seasonal_naive"
    assert {row["model_name"] for row in found} == {report["model"]}
    (said,) = (record for record in caplog.records if "forecasts" in record.getMessage())
    assert said.levelname == "INFO"
    assert said.getMessage().startswith(
        f"forecasts: {report['model']} is published. WAPE in the backtest: seasonal_naive"
    )
    assert f"{report['model']} beats seasonal naive in the backtest" in nodes.describe_forecasts(report, "abc", SHORT)


def test_a_product_that_has_ended_is_not_forecast_and_one_that_is_young_is():
    _, found = forecast({"A1": WEEKS, "A2": [3] * 50, "A3": [None] * 53 + [4, 8, 6]}, NAIVE)
    assert {row["unique_id"] for row in found} == {"total", "category=A", "product=A1", "product=A3"}
    assert of(found, "product=A3", "y_units") == [6, 6, 6, 6, 4, 8, 6]


def test_a_category_whose_products_have_all_ended_is_forecast_to_sell_nothing():
    _, found = forecast({"A": WEEKS, "B": [3] * 50}, NAIVE)
    assert of(found, "category=B", "y_units") == [0] * 7


def test_intervals_are_null_where_errors_are_too_few_to_tell():
    strict = NAIVE.model_copy(update={"interval": 0.98})
    _, found = forecast({"A": [day * day % 11 for day in range(56)]}, strict)
    assert {row["y_units_lower"] for row in found} == {None}  # 21 errors, of which none has rank 22
    assert breaches(found) == {}


def test_the_same_sales_in_another_order_give_the_same_forecasts_and_version():
    frame = daily(random_products(2))
    shuffled = frame.sample(frac=1, random_state=1)
    (sales, version), (again, same) = (
        nodes.arrange_sales(OPEN, ft_sales_daily(rows_), SHORT) for rows_ in (frame, shuffled)
    )
    assert version == same
    assert sales.values["y_units"].tobytes() == again.values["y_units"].tobytes()
    assert forecast(random_products(2)) == forecast(random_products(2))


def test_other_sales_and_other_rules_give_another_version():
    def version(products: Products, rules: ForecastRules) -> str:
        return nodes.arrange_sales(OPEN, ft_sales_daily(daily(products)), rules)[1]

    first = version({"A": WEEKS}, SHORT)
    assert first != version({"A": [*WEEKS[:-1], 5]}, SHORT)
    assert first != version({"A": WEEKS}, SHORT.model_copy(update={"train_weeks": 3}))


def test_too_few_days_are_refused_with_what_is_missing():
    with pytest.raises(TrainingError) as refusal:
        nodes.arrange_sales(OPEN, ft_sales_daily(daily({"A": WEEKS[:40]})), ForecastRules())
    assert str(refusal.value) == (
        "Forecasts need 224 whole days of sales, but there are 40 (2025-01-06 to 2025-02-14):"
        " 6 origins, 28 days apart, 28 days ahead.\n"
        "  Nothing was published, the mart is as it was. Features that were published stay.\n"
        "  Wait for more, or lower forecasts.origins, forecasts.step_days or forecasts.horizon_days."
    )


def test_no_sales_at_all_are_refused():
    with pytest.raises(TrainingError, match=r"^Forecasts need 56 whole days of sales, but there are 0: 3 origins"):
        nodes.arrange_sales(OPEN, ft_sales_daily(daily({"A": WEEKS}).head(0)), SHORT)


def test_as_many_days_as_are_needed_are_enough():
    assert SHORT.days_needed == 56
    assert MONDAY.isoweekday() == 1
    report, _ = forecast({"A": [n % 5 for n in range(56)]})
    assert report["origins"] == ["2025-02-10", "2025-02-17", "2025-02-24"]


def test_levels_that_the_mart_does_not_have_are_refused():
    with pytest.raises(TrainingError, match=r"asks for department, but ft_sales_daily has category, product, total"):
        nodes.arrange_sales(
            OPEN, ft_sales_daily(daily({"A": WEEKS})), SHORT.model_copy(update={"levels": ("department",)})
        )


def test_rules_that_leave_nothing_to_publish_are_refused():
    with pytest.raises(ValueError, match="must_beat_seasonal_naive is false, and there are no models"):
        ForecastRules(models=(), must_beat_seasonal_naive=False)
