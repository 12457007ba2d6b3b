"""Notebooks on UCI Online Retail, a real shop: the figure of churn is honest, and the notebook says so."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from notebooks.rendering.sample import executed, make_project, run
from tests.notebooks.conftest import FILES, locked
from tests.notebooks.test_notebooks import answer

DATA = os.environ.get("DATAMART_DATA")
SHOP = "online_retail"


pytestmark = pytest.mark.skipif(not DATA, reason="DATAMART_DATA is not set: the folder with online_retail.parquet")


@pytest.fixture(scope="session")
def real_shop(shared_folder: Path) -> Path:
    """A project in which the real shop has run, and its churn."""
    folder = shared_folder / "real_shop"
    with locked(folder):
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make_project(folder)
            (folder / "data" / "01_raw" / f"{SHOP}.parquet").symlink_to(Path(DATA or "", f"{SHOP}.parquet"))
            run([f"kedro run --env={SHOP}", f"kedro run --env={SHOP} --pipelines=features,churn"], folder)
            (folder / "done").touch()
    return folder


def test_the_notebook_of_churn_calls_its_figure_of_a_real_shop_honest(real_shop: Path):
    metrics = json.loads((real_shop / "data" / SHOP / "08_reporting" / "metrics_churn.json").read_text())
    found = metrics["test"]["roc_auc"]
    assert 0.70 <= found <= 0.84
    notebook = executed(FILES["churn"], real_shop, env=SHOP)
    assert f"a ROC-AUC of {found:.3f} on later cutoffs, within the 0.70 to 0.84 of honest tests" in answer(notebook)
    printed = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert [line for line in printed if line.startswith(f"{SHOP}: {found:.3f} on the test, within")]


def test_a_shop_whose_customers_never_registered_is_known_by_their_first_orders(real_shop: Path):
    said = answer(executed(FILES["know_the_customers"], real_shop, env=SHOP))
    assert "4,338 of 4,338 customers have bought" in said
    assert "8,911,407.90 in all" in said


def test_the_mart_of_another_environment_is_used_like_the_first(real_shop: Path):
    assert "Of 18,532 orders" in answer(executed(FILES["use_this_mart"], real_shop, env=SHOP))
