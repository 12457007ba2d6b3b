"""Files that model pipelines write: what is saved is loaded, and only what may be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from kedro.io import DatasetError
from sklearn.ensemble import HistGradientBoostingClassifier

from datamart_kedro.datasets import JsonReport, MarkdownReport, PlotlyFigure, RunStart, SkopsModel
from datamart_kedro.mart.files import discard, put_in_place
from datamart_kedro.mart.mart import MartSettings, close_marts, mart_at
from datamart_kedro.mart.run import Run, begin

TREES = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Settings of an empty mart."""
    yield {"path": str(tmp_path / "a.duckdb"), "temp_folder": str(tmp_path), "project": str(tmp_path)}
    close_marts()


@pytest.fixture
def run(place: dict[str, Any]) -> Run:
    """A run that the mart is in."""
    return begin(mart_at(MartSettings(**place)), "first", [])


def a_model() -> tuple[HistGradientBoostingClassifier, np.ndarray]:
    rows = np.arange(100.0).reshape(-1, 1)
    return HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(rows, rows[:, 0] > 49), rows


def test_a_model_that_was_saved_predicts_the_same_when_it_is_loaded(tmp_path: Path, place: dict[str, Any], run: Run):
    dataset = SkopsModel(str(tmp_path / "m.skops"), place, trusted=[TREES])
    model, rows = a_model()
    dataset.save(model)
    assert (dataset.load().predict_proba(rows) == model.predict_proba(rows)).all()


def test_a_model_of_a_type_that_is_not_trusted_is_not_saved(tmp_path: Path, place: dict[str, Any], run: Run):
    with pytest.raises(DatasetError, match=f"m.skops would hold types that are not trusted: {TREES}"):
        SkopsModel(str(tmp_path / "m.skops"), place).save(a_model()[0])


def test_a_file_with_another_type_is_not_loaded(tmp_path: Path, place: dict[str, Any], run: Run):
    SkopsModel(str(tmp_path / "m.skops"), place, trusted=[TREES]).save(a_model()[0])
    with pytest.raises(DatasetError, match="Untrusted types found in the file"):
        SkopsModel(str(tmp_path / "m.skops"), place).load()


def test_a_file_is_in_place_only_when_its_run_is_published(tmp_path: Path, place: dict[str, Any], run: Run):
    dataset = JsonReport(str(tmp_path / "r.json"), place)
    dataset.save({"auc": 0.75})
    assert dataset.load() == {"auc": 0.75}
    assert not (tmp_path / "r.json").exists()
    put_in_place(run.files)
    assert (tmp_path / "r.json").read_text() == '{\n  "auc": 0.75\n}\n'


def test_a_failed_run_leaves_the_file_as_it_was(tmp_path: Path, place: dict[str, Any], run: Run):
    (tmp_path / "card.md").write_text("old")
    MarkdownReport(str(tmp_path / "card.md"), place).save("new")
    discard(run.files)
    run.files.clear()
    assert MarkdownReport(str(tmp_path / "card.md"), place).load() == "old"


def test_a_report_keeps_the_order_of_its_names(tmp_path: Path, place: dict[str, Any], run: Run):
    dataset = JsonReport(str(tmp_path / "r.json"), place)
    dataset.save({"train": 1, "test": 2})
    assert list(dataset.load()) == ["train", "test"]


def test_a_number_that_json_does_not_have_is_refused(tmp_path: Path, place: dict[str, Any], run: Run):
    with pytest.raises(DatasetError, match="Out of range float values are not JSON compliant"):
        JsonReport(str(tmp_path / "r.json"), place).save({"auc": float("nan")})


def test_a_figure_is_shown_as_it_was_drawn(tmp_path: Path, place: dict[str, Any], run: Run):
    dataset = PlotlyFigure(str(tmp_path / "f.json"), place)
    assert dataset.preview() == {}
    dataset.save(go.Figure(go.Bar(x=["a"], y=[1])))
    assert dataset.load() == go.Figure(go.Bar(x=["a"], y=[1]))
    assert [trace["type"] for trace in dataset.preview()["data"]] == ["bar"]


def test_a_card_is_shown_as_text_and_never_as_markup(tmp_path: Path, place: dict[str, Any], run: Run):
    dataset = MarkdownReport(str(tmp_path / "card.md"), place)
    dataset.save("# <b>")
    assert dataset.preview() == "<pre># &lt;b&gt;</pre>"


def test_a_file_can_only_be_written_by_a_run(tmp_path: Path, place: dict[str, Any]):
    with pytest.raises(DatasetError, match=r"card\.md can only be written by a run"):
        MarkdownReport(str(tmp_path / "card.md"), place).save("text")


def test_the_start_of_a_run_is_that_of_its_ledger(place: dict[str, Any], run: Run):
    assert RunStart(place).load() == run.started_at
