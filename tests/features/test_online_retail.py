"""UCI Online Retail, a real shop, against figures that are known of it."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project

DATA = os.environ.get("DATAMART_DATA")

pytestmark = pytest.mark.skipif(not DATA, reason="DATAMART_DATA is not set: the folder with online_retail.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has made the mart and the features of the shop."""
    made = copy_of_project(tmp_path_factory.mktemp("retail") / "project")
    (made.folder / "data" / "01_raw" / "online_retail.parquet").symlink_to(Path(DATA or "", "online_retail.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run(env="online_retail")
        made.run("features", env="online_retail", params={"features": {"levels": ["total"]}})
        close_marts()
    return made.folder


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(folder / "data" / "online_retail.duckdb", read_only=True) as mart:
        return mart.execute(sql).fetchall()


def test_the_mart_holds_what_is_left_without_cancellations_free_lines_and_unknown_customers(folder: Path):
    tables = ("tb_order_items", "tb_customers", "tb_orders", "tb_rejected_rows")
    counts = [rows(folder, f"SELECT count(*) FROM {name}")[0][0] for name in tables]
    assert counts == [397_884, 4_338, 18_532, 0]
    assert rows(folder, "SELECT sum(net_amount) FROM tb_orders") == [(Decimal("8911407.90"),)]


def test_whole_cents_on_each_line_leave_four_tenths_of_a_cent_out(folder: Path):
    exact = "SELECT sum(quantity * unit_price - net_amount), count(*) FILTER (quantity * unit_price <> net_amount)"
    assert rows(folder, f"{exact} FROM tb_order_items") == [(Decimal("0.004"), 4)]


def test_the_features_after_the_last_day_are_those_that_are_known(folder: Path):
    assert rows(
        folder,
        "SELECT count(*), sum(recency_days), count(*) FILTER (orders_life = 1), sum(btyd_frequency),"
        " sum(btyd_age_days), sum(net_amount_life) FROM ft_customers WHERE cutoff_date = '2011-12-10'",
    ) == [(4_338, 403_692, 1_493, 12_425, 966_641, Decimal("8911407.90"))]


def test_churn_within_90_days_is_that_which_is_known(folder: Path):
    assert rows(
        folder,
        "SELECT cutoff_date, sum(churned), count(*), split FROM ft_customer_labels WHERE horizon_days = 90"
        " GROUP BY cutoff_date, split ORDER BY cutoff_date",
    ) == [
        (date(2011, 3, 1), 728, 1_682, "train"),
        (date(2011, 6, 1), 1_378, 2_718, "valid"),
        (date(2011, 9, 1), 1_453, 3_317, "test"),
        (date(2011, 12, 10), None, 4_338, "score"),
    ]


def test_the_buy_till_you_die_summary_is_that_of_a_second_way(folder: Path):
    """With pandas, from the invoices: Fader, Hardie and Lee count days with purchases, and time in days."""
    import pandas as pd

    raw = pd.read_parquet(Path(DATA or "", "online_retail.parquet"))
    sold = raw[~raw.InvoiceNo.str.startswith("C") & (raw.Quantity > 0) & (raw.UnitPrice > 0) & raw.CustomerID.notna()]
    days = sold.assign(day=sold.InvoiceDate.dt.normalize()).groupby("CustomerID").day.agg(["min", "max", "nunique"])
    expected = list(
        zip(
            days.index.astype(int),
            days["nunique"] - 1,
            (days["max"] - days["min"]).dt.days,
            (pd.Timestamp("2011-12-09") - days["min"]).dt.days,
            strict=True,
        )
    )
    found = rows(
        folder,
        "SELECT customer_id, btyd_frequency, btyd_recency_days, btyd_age_days FROM ft_customers"
        " WHERE cutoff_date = '2011-12-10' ORDER BY customer_id",
    )
    assert found == expected


def test_total_sales_have_no_gap_and_sum_to_the_revenue(folder: Path):
    assert rows(folder, "SELECT count(*), min(ds), max(ds), sum(y_net_amount) FROM ft_sales_daily") == [
        (374, date(2010, 12, 1), date(2011, 12, 9), Decimal("8911407.90"))
    ]
