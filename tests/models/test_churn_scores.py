"""Scores of the customers of today, and which customers they are."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import ParameterError
from datamart_kedro.pipelines.churn.columns import TABLE
from datamart_kedro.pipelines.churn.contract import verify_churn_scores
from datamart_kedro.pipelines.churn.rows import choose_customers, name_features
from datamart_kedro.pipelines.churn.rules import ChurnRules
from datamart_kedro.pipelines.churn.scores import score_customers
from datamart_kedro.pipelines.churn.training import fit, recency_alone
from datamart_kedro.pipelines.features.catalogue import build_ft_catalogue
from tests.models.frames import CUTOFFS, NAMED, RULES, churning
from tests.tables import rows, table

OPEN = Decision.by_name("churn_scores")
NOW = datetime(2026, 1, 1, 3, 4, 5)
CHOICE = {
    "features": NAMED["features"],
    "horizon_days": 90,
    "model_name": "recency",
    "model_version": "v",
    "feature_set_hash": "f",
}
FEBRUARY, MARCH, APRIL = date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)


def scored(count: int) -> list[dict[str, Any]]:
    """Scores of as many customers by recency alone, the likeliest first."""
    customers = churning(40)
    model = fit(recency_alone(), customers[customers["split"] == "train"], NAMED["features"])
    newest = customers[customers["split"] == "score"].iloc[:count]
    found = score_customers(newest, model, CHOICE, NOW).to_pyarrow().to_pylist()
    return sorted(found, key=lambda row: (row["churn_rank"], row["customer_id"]))


def test_only_the_newest_cutoff_is_scored_each_customer_once():
    customers = churning(40)
    model = fit(recency_alone(), customers[customers["split"] == "train"], NAMED["features"])
    found = rows(score_customers(customers, model, CHOICE, NOW))
    assert [row["customer_id"] for row in found] == [f"c{number:04}" for number in range(40)]
    assert {(row["cutoff_date"], row["scored_at"], row["model_version"]) for row in found} == {
        (CUTOFFS["score"], NOW, "v")
    }


def test_deciles_divide_customers_from_the_likeliest_on():
    found = scored(20)
    likely = [row["churn_probability"] for row in found]
    assert likely == sorted(likely, reverse=True)
    assert len(set(likely)) == 20
    assert [row["churn_decile"] for row in found] == [decile for decile in range(1, 11) for _ in range(2)]
    assert [row["churn_rank"] for row in found] == list(range(1, 21))


def test_scores_have_the_columns_that_are_published_whether_there_are_any_or_none():
    customers = churning(5)
    nobody = score_customers(customers[customers["split"] == "train"], None, CHOICE, NOW)
    assert nobody.columns == tuple(TABLE.columns)
    assert rows(nobody) == []


CUSTOMER = {"customer_id": "string", "cutoff_date": "date", "is_eligible_churn": "boolean", "_version": "int64"}
LABEL = {
    "customer_id": "string",
    "cutoff_date": "date",
    "horizon_days": "int32",
    "is_observed": "boolean",
    "split": "string",
    "churned": "int32",
}


def label(cutoff: date, split: str | None, *, horizon: int = 90, seen: bool = True) -> dict[str, Any]:
    return {
        "customer_id": "ann",
        "cutoff_date": cutoff,
        "horizon_days": horizon,
        "is_observed": seen,
        "split": split,
        "churned": 1 if seen else None,
    }


def chosen(*labels: dict[str, Any], eligible: bool = True) -> list[tuple[Any, ...]]:
    cutoffs = sorted({row["cutoff_date"] for row in labels})
    customers = [
        {"customer_id": "ann", "cutoff_date": day, "is_eligible_churn": eligible, "_version": 1} for day in cutoffs
    ]
    found = choose_customers(OPEN, table(customers, **CUSTOMER), table(labels, **LABEL), ChurnRules())
    assert "_version" not in found.columns
    return [(row["cutoff_date"], row["split"], row["is_scored"]) for row in rows(found, "cutoff_date")]


def test_customers_with_an_observed_label_and_a_split_are_learnt_from_and_the_newest_are_scored():
    assert chosen(label(FEBRUARY, "train"), label(MARCH, None), label(APRIL, "score", seen=False)) == [
        (FEBRUARY, "train", False),
        (APRIL, "score", True),
    ]


def test_a_label_that_is_not_observed_is_not_learnt():
    assert chosen(label(FEBRUARY, "train", seen=False), label(MARCH, "score", seen=False)) == [(MARCH, "score", True)]


def test_labels_of_another_horizon_are_not_learnt():
    assert chosen(label(FEBRUARY, "train", horizon=30), label(MARCH, "test")) == [(MARCH, "test", True)]


def test_who_cannot_churn_is_left_out():
    assert chosen(label(FEBRUARY, "train"), eligible=False) == []


def seen_names(**rules: Any) -> set[str]:
    return {row["name"] for row in name_features(build_ft_catalogue(OPEN), ChurnRules(**rules))["features"]}


def test_models_see_what_is_known_at_the_cutoff_and_not_personal():
    names = seen_names()
    assert {"recency_days", "top_category", "overdue_ratio"} <= names
    assert names.isdisjoint({"customer_id", "cutoff_date", "basis"})
    assert names.isdisjoint({"churned", "next_order_days", "orders_count", "net_amount", "y_units"})


def test_a_feature_that_is_left_out_is_not_seen():
    assert seen_names() - seen_names(left_out=("rfm_r",)) == {"rfm_r"}


def test_leaving_out_what_does_not_exist_is_refused():
    with pytest.raises(ParameterError, match=r"churn\.left_out: ft_customers has no column recncy_days\."):
        seen_names(left_out=("recncy_days",))


SCORES = ibis.schema(
    {
        "customer_id": "string",
        "cutoff_date": "date",
        "horizon_days": "int32",
        "churn_probability": "float64",
        "churn_rank": "int64",
        "churn_decile": "int32",
        "model_name": "string",
        "model_version": "string",
        "feature_set_hash": "string",
    }
)
GOOD = {
    "customer_id": "ann",
    "cutoff_date": MARCH,
    "horizon_days": 90,
    "churn_probability": 0.5,
    "churn_rank": 1,
    "churn_decile": 1,
    "model_name": "m",
    "model_version": "v",
    "feature_set_hash": "f",
}


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({}, None),
        ({"churn_probability": 1.01}, "churn_probability is 0 to 1"),
        ({"churn_probability": None}, "churn_probability is 0 to 1"),
        ({"churn_decile": 11}, "churn_decile is 1 to 10"),
        ({"churn_rank": 0}, "churn_rank is 1 or more"),
        ({"model_version": None}, "the model is named"),
        ({"cutoff_date": None}, "customer_id and cutoff_date are given"),
    ],
)
def test_a_score_that_breaks_a_rule_is_found(broken: dict[str, Any], rule: str | None):
    scores = ibis.memtable(pa.Table.from_pylist([GOOD | broken], SCORES.to_pyarrow()), schema=SCORES)
    customers = table(
        [{"customer_id": "ann", "cutoff_date": MARCH, "is_eligible_churn": True, "_version": 1}], **CUSTOMER
    )
    contract = verify_churn_scores(scores, customers, RULES)
    assert [r.text for r in contract.rules if scores.filter(r.breach).count().to_pyarrow().as_py()] == (
        [rule] if rule else []
    )


@pytest.mark.parametrize(("eligible", "orphans"), [(True, 0), (False, 1)])
def test_a_score_of_who_cannot_churn_is_found(eligible: bool, orphans: int):
    scores = ibis.memtable(pa.Table.from_pylist([GOOD], SCORES.to_pyarrow()), schema=SCORES)
    customers = table(
        [{"customer_id": "ann", "cutoff_date": MARCH, "is_eligible_churn": eligible, "_version": 1}], **CUSTOMER
    )
    (reference,) = verify_churn_scores(scores, customers, RULES).references
    assert reference.orphans.count().to_pyarrow().as_py() == orphans
