"""How a model of churn is trained, chosen, and refused."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from datamart_kedro.errors import TrainingError
from datamart_kedro.pipelines.churn.report import describe_model, measure_model
from datamart_kedro.pipelines.churn.rows import rows_of
from datamart_kedro.pipelines.churn.scores import score_customers
from datamart_kedro.pipelines.churn.training import BASELINE, Training, candidates, fit, probabilities, train_models
from tests.models.frames import CUTOFFS, NAMED, RULES, churning, feature

NOW = datetime(2026, 1, 1)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    return churning()


@pytest.fixture(scope="module")
def trained(customers: pd.DataFrame) -> Training:
    return train_models(customers, NAMED, RULES)


def scores(customers: pd.DataFrame, trained: Training) -> list[dict[str, Any]]:
    return sorted(
        score_customers(customers, trained[0], trained[2], NOW).to_pyarrow().to_pylist(), key=lambda r: r["customer_id"]
    )


def with_(customers: pd.DataFrame, split: str, **columns: Any) -> pd.DataFrame:
    """The same customers, with other values in the rows of a split."""
    changed = customers.copy()
    for name, values in columns.items():
        changed.loc[changed["split"] == split, name] = values
    return changed


def test_the_test_has_no_part_in_training_nor_in_the_choice(customers: pd.DataFrame, trained: Training):
    turned = with_(customers, "test", churned=1 - customers.loc[customers["split"] == "test", "churned"])
    other = train_models(turned, NAMED, RULES)
    rows = ("rows",)
    assert {k: v for k, v in other[2].items() if k not in rows} == {
        k: v for k, v in trained[2].items() if k not in rows
    }
    assert scores(turned, other) == scores(customers, trained)
    right, wrong = measure_model(customers, *trained, RULES), measure_model(turned, *other, RULES)
    assert wrong["test"]["roc_auc"] == pytest.approx(1 - right["test"]["roc_auc"], abs=1e-6)


@pytest.mark.parametrize("split", ["train", "valid"])
def test_a_model_learns_from_training_and_validation(customers: pd.DataFrame, trained: Training, split: str):
    turned = with_(customers, split, churned=1 - customers.loc[customers["split"] == split, "churned"])
    assert train_models(turned, NAMED, RULES)[2]["model_version"] != trained[2]["model_version"]
    assert scores(turned, train_models(turned, NAMED, RULES)) != scores(customers, trained)


def test_the_chosen_model_is_trained_again_on_training_and_validation_together(
    customers: pd.DataFrame, trained: Training
):
    model, _, choice = trained
    both, features = rows_of(customers, "train", "valid"), choice["features"]
    again = fit(candidates(features, RULES)[choice["candidate"]], both, features)
    test = rows_of(customers, "test")
    assert (probabilities(model, test, features) == probabilities(again, test, features)).all()
    assert len(both) == 400


def test_the_order_of_the_rows_changes_nothing(customers: pd.DataFrame, trained: Training):
    shuffled = customers.sample(frac=1, random_state=3, ignore_index=True)
    other = train_models(shuffled, NAMED, RULES)
    assert other[2] == trained[2]
    assert scores(shuffled, other) == scores(customers, trained)
    assert measure_model(shuffled, *other, RULES) == measure_model(customers, *trained, RULES)


def test_the_model_beats_recency_alone_where_orders_tell_more(customers: pd.DataFrame, trained: Training):
    found = measure_model(customers, *trained, RULES)
    assert found["test"]["roc_auc"] > found["test_baseline"]["roc_auc"] > 0.6
    assert found["beats_baseline"] is True


def test_the_baseline_ranks_by_recency(customers: pd.DataFrame, trained: Training):
    rows = rows_of(customers, "test").assign(order=lambda frame: frame["recency_days"].astype(int))
    churned, recency = rows["churned"].astype(int).to_numpy(), rows["order"].to_numpy()
    pairs = (recency[churned == 1][:, None] > recency[churned == 0]) + 0.5 * (
        recency[churned == 1][:, None] == recency[churned == 0]
    )
    assert measure_model(customers, *trained, RULES)["test_baseline"]["roc_auc"] == pytest.approx(
        pairs.mean(), abs=1e-6
    )


def test_trees_are_chosen_where_no_line_divides_customers():
    customers = churning(400)
    recency, orders = customers["recency_days"].astype(int), customers["orders_90d"].astype(int)
    draws = np.random.default_rng(0).uniform(size=len(customers))
    crossed = ((recency > 150) ^ (orders > 1)) ^ (draws < 0.15)
    customers["churned"] = crossed.astype("int32").astype("int32[pyarrow]")
    _, _, choice = train_models(customers, NAMED, RULES)
    found = {row["candidate"]: row["valid_roc_auc"] for row in choice["candidates"]}
    assert choice["model_name"] == "gradient boosting"
    assert found["gradient boosting"] > 0.75 > 0.6 > found[BASELINE]


def test_a_feature_that_is_the_same_for_all_is_left_out_and_named(trained: Training):
    choice = trained[2]
    assert choice["features_without_variation"] == ["is_buyer"]
    assert [row["name"] for row in choice["features"]] == [
        "gap_mean_days",
        "orders_90d",
        "recency_days",
        "top_category",
    ]


def test_customers_without_some_values_and_with_new_words_have_scores(customers: pd.DataFrame, trained: Training):
    odd = with_(customers, "score", gap_mean_days=None, top_category="Never seen", recency_days=None)
    assert all(0 < row["churn_probability"] < 1 for row in scores(odd, trained))


def test_the_card_names_version_features_and_verdict(customers: pd.DataFrame, trained: Training):
    text = describe_model(measure_model(customers, *trained, RULES), trained[2], RULES)
    assert text.startswith(f"# Churn within 90 days: logistic regression, version {trained[2]['model_version']}\n")
    assert "it beats it." in text
    assert "- left out since all rows were alike: is_buyer\n" in text
    assert f"| test | {CUTOFFS['test']} | 200 |" in text


def test_a_model_that_does_not_beat_recency_says_so(customers: pd.DataFrame, trained: Training):
    found = measure_model(customers, trained[1], trained[0], trained[2], RULES)
    assert found["beats_baseline"] is False
    assert "it does not beat it." in describe_model(found, trained[2], RULES)


def refusal(customers: pd.DataFrame, named: Any = NAMED, **rules: Any) -> str:
    with pytest.raises(TrainingError) as refused:
        train_models(customers, named, RULES.model_copy(update=rules))
    return str(refused.value)


def test_too_little_history_is_refused_with_what_is_missing(customers: pd.DataFrame):
    without = customers[customers["split"] != "valid"]
    lost = int(without.loc[without["split"] == "train", "churned"].sum())
    tested = int(without.loc[without["split"] == "test", "churned"].sum())
    assert refusal(without) == (
        "churn: too little history to train. Of customers who churned within 90 days, and who did not,"
        f" train has {lost} and {200 - lost}, valid has 0 and 0, test has {tested} and {200 - tested};"
        " each needs 20 of both.\n"
        "  Nothing was published, the mart is as it was. Features that were published stay.\n"
        "  Load older orders, take more cutoffs (features.months or features.cutoffs), or shorten features.horizons and"
        " churn.horizon_days. Other pipelines run by themselves, such as `kedro run --pipelines=segments`."
    )


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_split_in_which_everybody_churned_is_refused(customers: pd.DataFrame, split: str):
    assert f"{split} has 200 and 0" in refusal(with_(customers, split, churned=1))


def test_nobody_and_a_single_customer_are_refused(customers: pd.DataFrame):
    assert "train has 0 and 0, valid has 0 and 0, test has 0 and 0" in refusal(customers.iloc[:0])
    assert "too little history" in refusal(customers.iloc[:1])


LEAK = "No honest feature does: it may hold what happens after the cutoff."


def test_a_feature_that_knows_the_future_stops_the_training(customers: pd.DataFrame):
    draws = np.random.default_rng(5).uniform(size=len(customers))
    leaking = customers.assign(next_order_days=draws - 0.9 * customers["churned"].astype("float64").fillna(0))
    named = {"features": [*NAMED["features"], feature("next_order_days")]}
    text = refusal(leaking, named)
    assert text.startswith("churn: next_order_days alone tells who churns with a ROC-AUC of 0.9")
    assert f"above churn.max_single_auc, 0.92. {LEAK}\n" in text
    assert text.endswith(
        "Look at how it is made (its row in ft_catalogue), then mend it or leave it out (churn.left_out:"
        " [next_order_days]). If it is right as it is, raise churn.max_single_auc."
    )


def test_a_feature_that_is_missing_for_those_who_churn_stops_the_training(customers: pd.DataFrame):
    known = customers["churned"].fillna(0).astype(bool)
    ordered = pd.Series(np.random.default_rng(5).uniform(size=len(customers))).where(~known)
    named = {"features": [*NAMED["features"], feature("next_order_days")]}
    assert refusal(customers.assign(next_order_days=ordered), named).startswith("churn: next_order_days alone")


def test_a_word_that_knows_the_future_stops_the_training(customers: pd.DataFrame):
    word = customers["churned"].map({1: "closed", 0: "active"}).fillna("active").astype("string[pyarrow]")
    named = {"features": [*NAMED["features"], feature("status", "string")]}
    assert refusal(customers.assign(status=word), named).startswith("churn: status alone tells")


def test_a_model_that_is_too_good_to_be_true_is_refused_with_what_it_leans_on(customers: pd.DataFrame):
    text = refusal(customers, max_model_auc=0.6)
    assert text.startswith("churn: the model tells who churns with a ROC-AUC of 0.")
    assert f"above churn.max_model_auc, 0.6, and leans most on recency_days. {LEAK}" in text
    assert text.endswith("(churn.left_out: [recency_days]). If it is right as it is, raise churn.max_model_auc.")


def test_what_features_can_do_alone_is_told_best_first(trained: Training):
    singles = trained[2]["single_auc"]
    assert singles[0]["feature"] == "recency_days"
    assert [row["roc_auc"] for row in singles] == sorted((row["roc_auc"] for row in singles), reverse=True)
