"""The notebook of churn on UCI Online Retail, a real shop: an honest figure, and it says so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from notebooks.rendering.sample import executed, make_project, run
from tests.notebooks.conftest import FILES
from tests.notebooks.test_notebooks import answer

DATA = os.environ.get("DATAMART_DATA")
SHOP = "online_retail"


@pytest.mark.skipif(not DATA, reason="DATAMART_DATA is not set: the folder with online_retail.parquet")
def test_the_notebook_of_churn_calls_its_figure_of_a_real_shop_honest(tmp_path: Path):
    project = tmp_path / "project"
    make_project(project)
    (project / "data" / "01_raw" / f"{SHOP}.parquet").symlink_to(Path(DATA or "", f"{SHOP}.parquet"))
    run([f"kedro run --env={SHOP}", f"kedro run --env={SHOP} --pipelines=features,churn"], project)
    metrics = json.loads((project / "data" / SHOP / "08_reporting" / "metrics_churn.json").read_text())
    found = metrics["test"]["roc_auc"]
    assert 0.70 <= found <= 0.84
    notebook = executed(FILES["churn"], project, env=SHOP)
    assert f"a ROC-AUC of {found:.3f} on later cutoffs, within the 0.70 to 0.84 of honest tests" in answer(notebook)
    printed = [output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output]
    assert [line for line in printed if line.startswith(f"{SHOP}: {found:.3f} on the test, within")]
