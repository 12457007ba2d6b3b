"""Churn on UCI Online Retail, a real shop: honest figures."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project

DATA = os.environ.get("DATAMART_DATA")

pytestmark = pytest.mark.skipif(not DATA, reason="DATAMART_DATA is not set: the folder with online_retail.parquet")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What models of the shop report."""
    made = copy_of_project(tmp_path_factory.mktemp("retail") / "project")
    (made.folder / "data" / "01_raw" / "online_retail.parquet").symlink_to(Path(DATA or "", "online_retail.parquet"))
    few = {"features": {"levels": ["total"]}, "churn": {"importance_repeats": 1}, "segments": {"resamples": 5}}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run(env="online_retail")
        made.run("features", "churn", "segments", env="online_retail", params=few)
        close_marts()
    reports = made.folder / "data" / "online_retail" / "08_reporting"
    return {name: json.loads((reports / f"metrics_{name}.json").read_text()) for name in ("churn", "segments")}


def test_the_test_is_of_september_with_the_customers_that_are_known(found: dict[str, dict[str, Any]]):
    assert found["churn"]["rows"]["test"] == {"cutoffs": ["2011-09-01"], "rows": 3_317, "churned": 1_453}


def test_churn_is_told_as_well_as_it_honestly_can_be(found: dict[str, dict[str, Any]]):
    assert found["churn"]["test"]["roc_auc"] == pytest.approx(0.74, abs=0.015)
    assert found["churn"]["test_baseline"]["roc_auc"] == pytest.approx(0.684, abs=0.001)


def test_logistic_regression_is_as_good_as_trees_on_validation(found: dict[str, dict[str, Any]]):
    candidates = {row["candidate"]: row["valid_roc_auc"] for row in found["churn"]["candidates"]}
    logistic = max(value for name, value in candidates.items() if name.startswith("logistic"))
    assert logistic == pytest.approx(0.74, abs=0.015)
    assert abs(logistic - candidates["gradient boosting"]) < 0.02


def test_segments_are_no_outliers(found: dict[str, dict[str, Any]]):
    assert found["segments"]["customers"] == 4_338
    assert min(row["share"] for row in found["segments"]["segments"]) > 0.1
