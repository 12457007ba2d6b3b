"""Models as runs make them: gated, published with their files, on the sample shop whose truth is known."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from datamart_kedro.cli import cli
from datamart_kedro.commands.status import command as status_command
from datamart_kedro.errors import TrainingError
from datamart_kedro.mart.mart import close_marts
from datamart_kedro.pipeline_registry import MODELS
from datamart_kedro.sample.chances import area_under_curve, chance_of_no_purchase
from tests.conftest import ROOT, copy_of_project
from tests.project import Project

CUTOFFS = ["2025-01-01", "2025-02-01", "2025-06-01", "2025-10-01", "2025-12-01"]
MAY: dict[str, Any] = {
    "features": {"cutoffs": CUTOFFS, "levels": ["total"]},
    "churn": {"importance_repeats": 1},
    "segments": {"resamples": 5},
}
TRUTH = ROOT / "data" / "01_raw" / "truth.csv"
TOLERANCE = 0.02
"""Of a ROC-AUC on 500 customers, one standard error."""


@pytest.fixture(scope="module")
def sample_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a project that has modelled the sample shop once: domains, features, models."""
    made = copy_of_project(tmp_path_factory.mktemp("models") / "project")
    for file in (ROOT / "data" / "01_raw").glob("*.csv"):
        shutil.copy(file, made.folder / "data" / "01_raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run(params=MAY)
        made.run("features", "models", params=MAY)
        close_marts()
    return made.folder / "data"


@pytest.fixture
def modelled(project: Project, sample_shop: Path) -> Iterator[Project]:
    """A project that has modelled the sample shop once."""
    shutil.copytree(sample_shop, project.folder / "data", dirs_exist_ok=True)
    return project


def report(data: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((data / "08_reporting" / f"{name}.json").read_text())
    return found


def outcome(project: Project, what: str) -> dict[str, str]:
    """Status or reason of each model table in the last run that looked at it."""
    newest = f"SELECT domain, arg_max({what}, started_at) FROM tb_control_data_update"
    return {domain: text for domain, text in project.query(f"{newest} GROUP BY domain") if domain in MODELS}


def test_features_and_models_of_one_run_are_published_together(modelled: Project):
    assert outcome(modelled, "status") == dict.fromkeys(MODELS, "published")
    versions = "SELECT DISTINCT _version FROM"
    assert (
        modelled.query(f"{versions} tb_churn_scores")
        == modelled.query(f"{versions} tb_customer_segments")
        == modelled.query(f"{versions} ft_customers")
    )


def test_each_buyer_of_the_newest_cutoff_has_a_score_and_a_segment(modelled: Project):
    buyers = modelled.query("SELECT customer_id FROM ft_customers WHERE cutoff_date = '2025-12-01' AND is_buyer")
    for name in ("tb_churn_scores", "tb_customer_segments"):
        assert sorted(modelled.query(f"SELECT customer_id FROM {name}")) == sorted(buyers)
        assert modelled.query(f"SELECT DISTINCT cutoff_date::text FROM {name}") == [("2025-12-01",)]


def test_scores_name_the_model_whose_files_are_in_place(modelled: Project):
    data = modelled.folder / "data"
    for name, told in (("tb_churn_scores", "metrics_churn"), ("tb_customer_segments", "metrics_segments")):
        ((version, features),) = modelled.query(f"SELECT DISTINCT model_version, feature_set_hash FROM {name}")
        found = report(data, told)
        assert (found["model_version"], found["feature_set_hash"]) == (version, features)
        assert version in (data / "06_models" / f"{told.removeprefix('metrics_')}.md").read_text()


def test_a_saved_model_gives_the_published_scores(modelled: Project):
    from datamart_kedro.pipelines.churn.training import probabilities

    with modelled.session() as session:
        catalog = session.load_context().catalog
        rows = catalog.load("model_churn")
        newest = rows[rows["is_scored"].astype(bool)].reset_index(drop=True)
        said = probabilities(catalog.load("trained_churn"), newest, catalog.load("choice_churn")["features"])
        published = dict(modelled.query("SELECT customer_id, churn_probability FROM tb_churn_scores"))
    assert {who: published[who] for who in newest["customer_id"]} == pytest.approx(
        dict(zip(newest["customer_id"], said, strict=True)), abs=1e-6
    )


def test_the_model_lies_between_recency_alone_and_the_best_that_the_truth_allows(modelled: Project):
    found = report(modelled.folder / "data", "metrics_churn")
    assert found["rows"]["test"]["cutoffs"] == ["2025-10-01"]
    truth = {row["customer_id"]: row for row in csv.DictReader(TRUTH.read_text().splitlines())}
    labels = modelled.query(
        "SELECT customer_id, churned FROM ft_customer_labels JOIN ft_customers USING (customer_id, cutoff_date)"
        " WHERE cutoff_date = '2025-10-01' AND horizon_days = 90 AND is_eligible_churn"
    )
    assert len(labels) == found["rows"]["test"]["rows"] > 400
    ceiling = area_under_curve(
        [churned for _, churned in labels],
        [
            chance_of_no_purchase(
                float(truth[who]["purchase_rate_per_day"]),
                datetime.fromisoformat(truth[who]["dropped_out_at"]).replace(tzinfo=None)
                if truth[who]["dropped_out_at"]
                else None,
                datetime(2025, 10, 1).date(),
                90,
            )
            for who, _ in labels
        ],
    )
    model, recency = found["test"]["roc_auc"], found["test_baseline"]["roc_auc"]
    assert recency - TOLERANCE < model < ceiling
    assert 0.9 < ceiling < 0.97


def test_models_run_again_only_for_a_reason_and_then_change_nothing(modelled: Project):
    data = modelled.folder / "data"
    tables = "SELECT * FROM tb_churn_scores ORDER BY ALL", "SELECT * FROM tb_customer_segments ORDER BY ALL"
    before = [modelled.query(table) for table in tables]
    told = {name: report(data, name) for name in ("metrics_churn", "metrics_segments", "choice_churn")}

    modelled.run("models", params=MAY)
    assert set(outcome(modelled, "status").values()) == {"skipped"}

    (data / "06_models" / "churn.skops").unlink()
    modelled.run("models", params=MAY)
    assert outcome(modelled, "reason")["churn_scores"] == "churn.skops is not there, or not complete"
    assert outcome(modelled, "status") == {
        "churn_scores": "published",
        "customer_segments": "skipped",
        "forecasts": "skipped",
    }

    modelled.run("segments", params=MAY | {"force": True})
    assert [modelled.query(table) for table in tables] == before
    assert {name: report(data, name) for name in told} == told

    asked = CliRunner().invoke(status_command, ["--json"])
    assert {found["domain"] for found in json.loads(asked.output)["domains"]} >= set(MODELS)


def test_a_leaking_feature_stops_the_run_and_leaves_everything_as_it_was(modelled: Project):
    card = modelled.folder / "data" / "06_models" / "churn.md"
    before, text = modelled.query("SELECT * FROM tb_churn_scores ORDER BY ALL"), card.read_text()
    with pytest.raises(TrainingError, match="churn: recency_days alone tells who churns") as refused:
        modelled.run("churn", params=MAY | {"churn": {"max_single_auc": 0.6}})
    assert "Features that were published stay." in str(refused.value)
    assert modelled.query("SELECT * FROM tb_churn_scores ORDER BY ALL") == before
    assert card.read_text() == text
    assert list(card.parent.glob("*.new")) == []


def test_a_shop_with_two_customers_is_told_what_is_missing_and_keeps_its_features(published: Project):
    features = {"features": {"cutoffs": ["2025-02-04"], "horizons": [30, 90]}}
    published.run("features", params=features)
    for pipeline, message in (
        ("churn", "churn: too little history to train"),
        ("segments", "segments: 1 customer had bought"),
    ):
        with pytest.raises(TrainingError, match=message):
            published.run(pipeline, params=features)
    assert published.query("SELECT count(*) FROM ft_customers") == [(2,)]
    assert not (published.folder / "data" / "06_models" / "churn.skops").exists()


def test_models_of_a_mart_without_features_are_refused_with_the_command_that_makes_them(published: Project):
    with pytest.raises(Exception, match=r"ft_(customers|sales_daily)") as refused:
        published.run("models")
    assert "--pipelines=features" in str(refused.value) or "--to-outputs=" in str(refused.value)


def test_kedro_viz_shows_figures_metrics_cards_and_scores(modelled: Project):
    done = modelled.cli("kedro", "viz", "build", "--include-previews")
    assert done.returncode == 0, done.stderr
    api = modelled.folder / "build" / "api"
    graph = json.loads((api / "pipelines" / "models").read_text())
    ids = {node["name"]: node["id"] for node in graph["nodes"]}
    shown = {
        name: json.loads((api / "nodes" / ids[name]).read_text())
        for name in ("plot_churn_lift", "plot_segments_profile", "metrics_churn", "card_churn", "tb_churn_scores")
    }
    assert {name: found["preview_type"] for name, found in shown.items()} == {
        "plot_churn_lift": "PlotlyPreview",
        "plot_segments_profile": "PlotlyPreview",
        "metrics_churn": "JSONPreview",
        "card_churn": "HTMLPreview",
        "tb_churn_scores": "TablePreview",
    }
    assert [trace["type"] for trace in shown["plot_segments_profile"]["preview"]["data"]] == ["heatmap"]
    assert json.loads(shown["metrics_churn"]["preview"])["horizon_days"] == 90
    own = ["features", "model input", "models", "reporting", "published"]
    assert [layer for layer in graph["layers"] if layer in own] == own


def test_a_customer_who_is_forgotten_is_in_no_score_segment_or_file(modelled: Project):
    ((person,),) = modelled.query("SELECT customer_id FROM tb_churn_scores ORDER BY churn_rank, customer_id LIMIT 1")
    others = modelled.query(f"SELECT count(*) FROM tb_churn_scores WHERE customer_id <> '{person}'")
    done = CliRunner().invoke(cli, ["mart", "forget", "--customer-id", person, "--yes"])
    assert done.exit_code == 0, done.output
    for name in ("tb_churn_scores", "tb_customer_segments", "tb_churn_scores_history"):
        assert modelled.query(f"SELECT count(*) FROM {name} WHERE customer_id = '{person}' OR customer_id IS NULL") == [
            (0,)
        ]
    assert modelled.query("SELECT count(*) FROM tb_churn_scores") == others
    for file in ("churn", "segments"):
        rows = pq.read_table(modelled.folder / "data" / "05_model_input" / f"{file}.parquet", columns=["customer_id"])
        assert person not in rows["customer_id"].to_pylist()
