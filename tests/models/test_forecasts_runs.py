"""Forecasts as runs make them: gated below daily sales, and published with what they are made of."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.errors import ContractError, TrainingError
from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project
from tests.project import Project
from tests.shop import item, order

WEEKS = (5, 0, 1, 1, 2, 9, 4)
RULES: dict[str, Any] = {
    "features": {"cutoffs": ["2025-02-04"], "horizons": [30], "model_horizon_days": 30},
    "forecasts": {"horizon_days": 7, "origins": 3, "step_days": 7, "train_weeks": 4},
}
FILES = {
    "06_models/forecasts.md",
    "06_models/forecasts.skops",
    "08_reporting/metrics_forecasts.json",
    "08_reporting/plot_forecast_errors.json",
    "08_reporting/plot_forecasts.json",
}
CUTOFF = date(2025, 3, 4)
"""The day after the last whole one: the first of 58 days has an order, and so has the newest."""


def sell(project: Project, days: int) -> None:
    """Write a shop that sells two products, so many days in a row; each last line is of another amount."""
    orders, items = [], []
    for n in range(days):
        day = date(2025, 1, 6) + timedelta(days=n)
        orders.append(order(order_id=str(n), ordered_at=f"{day} 10:00:00", updated_at=f"{day}T10:00:00Z"))
        for line, (product, units) in enumerate((("A", WEEKS[n % 7]), ("B", n % 3)), start=1):
            if units:
                items.append(
                    item(
                        order_id=str(n),
                        line_number=str(line),
                        product_id=product,
                        quantity=str(units),
                        unit_price="3.33" if n % 4 else "10.00",
                        updated_at=f"{day}T10:00:00Z",
                    )
                )
    project.write_source("orders", orders)
    project.write_source("order_items", items)


@pytest.fixture(scope="session")
def with_forecasts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of data: a shop, its features and its forecasts, as two versions."""
    made = copy_of_project(tmp_path_factory.mktemp("forecasts") / "project")
    sell(made, 58)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run("__default__", "features", params=RULES)
        made.run("forecasts", params=RULES)
        close_marts()
    return made.folder / "data"


@pytest.fixture
def forecast(project: Project, with_forecasts: Path) -> Iterator[Project]:
    """A project whose sales have been forecast once."""
    shutil.copytree(with_forecasts, project.folder / "data", dirs_exist_ok=True)
    yield project


def digests(project: Project) -> dict[str, str]:
    """What is in the files, but for the model, in which skops notes when it was written."""
    data = project.folder / "data"
    files = [path for name in FILES if (path := data / name).suffix != ".skops"]
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def last(project: Project, what: str) -> Any:
    """Status or reason of forecasts in the last run that looked at them."""
    newest = f"SELECT arg_max({what}, started_at) FROM tb_control_data_update WHERE domain = 'forecasts'"
    return project.query(newest)[0][0]


def test_a_run_publishes_forecasts_with_their_files_and_only_for_a_reason(forecast: Project):
    span = "SELECT count(*), count(DISTINCT unique_id), min(ds), max(ds), any_value(_version) FROM tb_forecasts"
    assert forecast.query(span) == [(35, 5, CUTOFF, CUTOFF + timedelta(days=6), 2)]
    assert last(forecast, "reason") == "tb_forecasts does not exist yet"
    before = digests(forecast)
    assert all((forecast.folder / "data" / name).exists() for name in FILES)

    forecast.run("forecasts", params=RULES)
    assert (last(forecast, "status"), last(forecast, "reason")) == ("skipped", "nothing new since version 2")

    rows = forecast.query("SELECT * FROM tb_forecasts ORDER BY ALL")
    forecast.run("forecasts", params=RULES | {"force": True})
    assert last(forecast, "status") == "published"
    assert forecast.query("SELECT * FROM tb_forecasts ORDER BY ALL") == rows
    assert digests(forecast) == before


def test_series_sum_to_the_one_above_to_the_last_digit(forecast: Project):
    differs = (
        "SELECT p.unique_id, p.ds FROM tb_forecasts p JOIN"
        " (SELECT parent_id, ds, sum(y_units) u, sum(y_net_amount) a FROM tb_forecasts GROUP BY ALL) c"
        " ON c.parent_id = p.unique_id AND c.ds = p.ds WHERE (p.y_units, p.y_net_amount) <> (u, a)"
    )
    assert forecast.query(differs) == []
    assert forecast.query("SELECT count(*) FROM tb_forecasts WHERE level = 'total' AND y_net_amount > 0") == [(7,)]
    kinds = "SELECT DISTINCT typeof(y_units), typeof(y_net_amount), typeof(y_net_amount_lower) FROM tb_forecasts"
    assert forecast.query(kinds) == [("DECIMAL(18,3)", "DECIMAL(18,2)", "DECIMAL(18,2)")]


def test_the_catalog_gives_the_metrics_the_model_the_card_and_the_figures(forecast: Project):
    with forecast.session() as session:
        catalog = session.load_context().catalog
        report, card = catalog.load("metrics_forecasts"), catalog.load("card_forecasts")
        trained = catalog.load("trained_forecasts")
        figures = [catalog.load(name) for name in ("plot_forecasts", "plot_forecast_errors")]
    (published,) = forecast.query("SELECT DISTINCT model_name, model_version FROM tb_forecasts")
    assert published[0] == report["model"]
    assert f"- model_version: {published[1]}" in card
    assert set(trained) == {"y_units", "y_net_amount"}
    drawn = {trace.name for trace in figures[0].data if trace.name}
    assert drawn == {"sales", "forecast", "interval"}
    total = next(trace for trace in figures[0].data if trace.name == "forecast")
    amounts = forecast.query("SELECT y_net_amount FROM tb_forecasts WHERE unique_id = 'total' ORDER BY ds")
    assert list(total.y) == [float(amount) for (amount,) in amounts]
    errors = {(trace.name, round(trace.y[0], 6)) for trace in figures[1].data}
    steps = {
        (row["model"], row["wape"]) for row in report["steps"] if (row["step"], row["target"]) == (1, "y_net_amount")
    }
    assert errors == steps


def test_a_new_day_moves_the_cutoff_and_earlier_forecasts_stay_in_the_history(forecast: Project):
    sell(forecast, 59)
    forecast.run("__default__", "features", "forecasts", params=RULES)
    assert last(forecast, "reason") == "ft_sales_daily is built in this run"
    assert forecast.query("SELECT DISTINCT cutoff_date FROM tb_forecasts") == [(CUTOFF + timedelta(days=1),)]
    assert forecast.query("SELECT count(*), min(cutoff_date) FROM tb_forecasts_history") == [(35, CUTOFF)]


def test_a_changed_rule_opens_the_gate(forecast: Project):
    naive = RULES | {"forecasts": RULES["forecasts"] | {"models": []}}
    forecast.run("forecasts", params=naive)
    assert last(forecast, "reason") == "its parameters changed since version 2: forecasts.models"
    assert forecast.query("SELECT DISTINCT model_name FROM tb_forecasts") == [("seasonal_naive",)]
    report = json.loads((forecast.folder / "data" / "08_reporting" / "metrics_forecasts.json").read_text())
    assert (report["model"], report["best_learnt"]) == ("seasonal_naive", None)


def test_a_missing_file_opens_the_gate(forecast: Project):
    before = digests(forecast)
    (forecast.folder / "data" / "08_reporting" / "plot_forecasts.json").unlink()
    forecast.run("forecasts", params=RULES)
    assert last(forecast, "reason") == "plot_forecasts.json is not there, or not complete"
    assert digests(forecast) == before


def test_too_few_days_are_refused_and_features_stay(forecast: Project):
    before = forecast.query("SELECT * FROM ft_sales_daily ORDER BY ALL")
    longer = RULES | {"forecasts": RULES["forecasts"] | {"horizon_days": 28}}
    with pytest.raises(TrainingError, match=r"Forecasts need 98 whole days of sales, but there are 56"):
        forecast.run("forecasts", params=longer)
    assert forecast.query("SELECT * FROM ft_sales_daily ORDER BY ALL") == before
    assert forecast.query("SELECT DISTINCT cutoff_date FROM tb_forecasts") == [(CUTOFF,)]


def test_a_broken_rule_stops_the_publication(forecast: Project, monkeypatch: pytest.MonkeyPatch):
    def without_parents(*arguments: Any) -> Any:
        table = rows_of(*arguments)
        return table.filter(table["level"].to_numpy(zero_copy_only=False) != "category")

    from datamart_kedro.pipelines.forecasts import published

    rows_of = published.rows_of
    monkeypatch.setattr(published, "rows_of", without_parents)
    before, files = forecast.query("SELECT * FROM tb_forecasts ORDER BY ALL"), digests(forecast)
    with pytest.raises(ContractError, match="the series that one is part of is forecast, too -- 14 rows"):
        forecast.run("forecasts", params=RULES | {"force": True})
    assert forecast.query("SELECT * FROM tb_forecasts ORDER BY ALL") == before
    assert digests(forecast) == files
