"""Segments: how many, who is in which, what they are called."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from datamart_kedro.control.decision import Decision
from datamart_kedro.errors import ParameterError, TrainingError
from datamart_kedro.pipelines.features.catalogue import build_ft_catalogue
from datamart_kedro.pipelines.segments.clusters import Clustering, attempt, choose, find_segments
from datamart_kedro.pipelines.segments.columns import TABLE
from datamart_kedro.pipelines.segments.contract import verify_customer_segments
from datamart_kedro.pipelines.segments.profile import name_of, profiles
from datamart_kedro.pipelines.segments.report import describe_segments
from datamart_kedro.pipelines.segments.rows import choose_buyers, name_features
from datamart_kedro.pipelines.segments.rules import SegmentRules
from datamart_kedro.pipelines.segments.scores import assign_segments
from tests.models.frames import SEGMENT_FEATURES, SEGMENTS, buyers
from tests.tables import rows, table

OPEN = Decision.by_name("customer_segments")
NOW = datetime(2026, 1, 1)


@pytest.fixture(scope="module")
def found() -> Clustering:
    return find_segments(buyers(), SEGMENT_FEATURES, SEGMENTS)


def assigned(customers: pd.DataFrame, clustering: Clustering) -> dict[str, dict[str, Any]]:
    """The row of each customer."""
    given = assign_segments(customers, *clustering, NOW).to_pyarrow().to_pylist()
    assert len(given) == len(customers)
    return {row["customer_id"]: row for row in given}


def test_three_kinds_of_customers_are_three_segments_each_of_one_kind(found: Clustering):
    assert found[1]["chosen"] == 3
    kinds = {(row["segment_id"], who[:-3]) for who, row in assigned(buyers(), found).items()}
    assert kinds == {(1, "loyal"), (2, "new"), (3, "gone")}  # by net_amount_365d: 2000, 100, 30


def test_the_order_of_the_rows_changes_nothing(found: Clustering):
    shuffled = buyers().sample(frac=1, random_state=4, ignore_index=True)
    other = find_segments(shuffled, SEGMENT_FEATURES, SEGMENTS)
    assert other[1] == found[1]
    assert assigned(shuffled, other) == assigned(buyers(), found)


def test_segments_of_a_cloud_are_the_same_in_any_order():
    cloud = buyers(150, all=(50, 5, 400))
    rules = SEGMENTS.model_copy(update={"min_stability": 0.0, "min_segments": 4, "max_segments": 4})
    first = find_segments(cloud, SEGMENT_FEATURES, rules)
    shuffled = cloud.sample(frac=1, random_state=4, ignore_index=True)
    again = assigned(shuffled, find_segments(shuffled, SEGMENT_FEATURES, rules))
    assert again == assigned(cloud, first)
    assert len({row["segment_id"] for row in again.values()}) == 4


def test_a_segment_is_named_by_its_medians_against_those_of_all(found: Clustering):
    assert [row["segment_name"] for row in found[1]["segments"]] == [
        "recent, frequent, high value",
        "recent, rare, low value",
        "lapsed, rare, low value",
    ]


def test_sizes_shares_and_medians_are_those_of_the_customers(found: Clustering):
    loyal = found[1]["segments"][0]
    own = buyers().query("customer_id.str.startswith('loyal')")["net_amount_365d"]
    assert (loyal["customers"], loyal["share"]) == (60, pytest.approx(1 / 3, abs=1e-6))
    assert loyal["medians"]["net_amount_365d"] == pytest.approx(own.median(), abs=1e-6)
    assert loyal["sum_shares"]["net_amount_365d"] == pytest.approx(
        own.sum() / buyers()["net_amount_365d"].sum(), abs=1e-6
    )
    assert loyal["places"]["net_amount_365d"] == pytest.approx(5 / 6, abs=0.001)  # the middle of the highest third


def test_segments_of_one_name_are_numbered_in_their_order():
    named = [{"is_above": {"a": above}} for above in (True, False, True)]
    rules = SegmentRules(features={"a": ("low", "high")})
    assert name_of(named, rules) == ["high 1", "low", "high 2"]


def test_a_median_equal_to_that_of_all_is_not_above_it():
    import numpy as np

    values = pd.DataFrame({"a": [1.0, 2.0, 2.0, 3.0]})
    rules = SegmentRules(features={"a": ("low", "high")})
    low, high = profiles(values, np.array([1, 1, 1, 2]), rules)
    assert (low["is_above"]["a"], high["is_above"]["a"]) == (False, True)
    assert (low["places"]["a"], high["places"]["a"]) == (0.5, 0.875)


def test_confidence_is_low_on_a_border_and_high_in_the_middle(found: Clustering):
    rows_of = assigned(buyers(), found)
    assert all(0.5 < row["confidence"] <= 1 for row in rows_of.values())
    between = pd.DataFrame(
        {
            "customer_id": ["x"],
            "recency_days": [11.0],
            "purchase_days_365d": [6.0],
            "net_amount_365d": [450.0],
            "cutoff_date": [date(2025, 10, 1)],
        }
    )
    assert assigned(between, found)["x"]["confidence"] < 0.4


def test_a_loaded_model_says_the_segment_itself(found: Clustering):
    model, _ = found
    seen = buyers()[[row["name"] for row in SEGMENT_FEATURES["features"]]]
    ids = [row["segment_id"] for row in assigned(buyers(), found).values()]
    by_id = dict(zip(sorted(buyers()["customer_id"]), ids, strict=True))
    assert (model.predict(seen) + 1).tolist() == [by_id[who] for who in buyers()["customer_id"]]


def test_segments_have_the_columns_that_are_published(found: Clustering):
    assert assign_segments(buyers(), *found, NOW).columns == tuple(TABLE.columns)


def test_customers_without_some_values_have_a_segment(found: Clustering):
    odd = buyers()
    odd.loc[3, "net_amount_365d"] = None
    assert len(assigned(odd, find_segments(odd, SEGMENT_FEATURES, SEGMENTS))) == len(odd)


@pytest.mark.parametrize(("min_share", "is_fit"), [(0.3, True), (0.35, False)])
def test_a_number_with_a_segment_that_is_too_small_is_not_fit(min_share: float, is_fit: bool):
    seen = buyers()[[row["name"] for row in SEGMENT_FEATURES["features"]]]
    found = attempt(seen, 3, SEGMENTS.model_copy(update={"min_share": min_share}))
    assert (found["smallest_share"], found["is_fit"]) == (pytest.approx(1 / 3, abs=1e-6), is_fit)


def tried(segments: int, stability: float, silhouette: float, share: float) -> dict[str, Any]:
    return {
        "segments": segments,
        "stability": stability,
        "silhouette": silhouette,
        "smallest_share": share,
        "is_fit": stability >= 0.85 and share >= 0.05,
    }


def test_outliers_are_not_chosen_however_good_their_silhouette():
    assert choose([tried(2, 0.99, 0.90, 0.006), tried(3, 0.9, 0.3, 0.2), tried(4, 0.86, 0.4, 0.1)], SegmentRules()) == 4


def test_a_number_that_is_not_stable_is_not_chosen():
    assert choose([tried(3, 0.9, 0.3, 0.2), tried(4, 0.84, 0.4, 0.1)], SegmentRules()) == 3


def test_of_equals_the_fewest_are_chosen():
    assert choose([tried(3, 0.9, 0.3, 0.2), tried(4, 0.9, 0.3, 0.2)], SegmentRules()) == 3


def test_without_a_number_that_lasts_the_run_is_refused():
    with pytest.raises(TrainingError) as refused:
        choose([tried(3, 0.6, 0.3, 0.2), tried(4, 0.84, 0.4, 0.123)], SegmentRules(max_segments=4))
    assert str(refused.value) == (
        "segments: no number from 3 to 4 gives segments that last. The most stable, 4, has a stability of 0.84, and"
        " 0.85 is needed; its smallest segment has 12.3% of the customers, and 5% is needed.\n"
        "  Nothing was published, the mart is as it was. Features that were published stay.\n"
        "  Name other features in segments.features, or lower segments.min_stability or segments.min_share."
    )


def test_a_cloud_has_no_five_segments_that_last():
    cloud = buyers(100, all=(50, 5, 400))
    with pytest.raises(TrainingError, match="gives segments that last"):
        find_segments(cloud, SEGMENT_FEATURES, SEGMENTS.model_copy(update={"min_segments": 5}))


@pytest.mark.parametrize(("count", "words"), [(0, "0 customers"), (1, "1 customer"), (99, "99 customers")])
def test_too_few_customers_are_refused_with_their_number(count: int, words: str):
    with pytest.raises(TrainingError) as refused:
        find_segments(buyers(40).iloc[:count], SEGMENT_FEATURES, SegmentRules())
    assert f"segments: {words} had bought before the newest cutoff, and 100 are needed." in str(refused.value)


def test_customers_who_are_all_alike_are_refused():
    alike = buyers().assign(recency_days=1.0, purchase_days_365d=1.0, net_amount_365d=5.0)
    with pytest.raises(TrainingError, match=r"segments: all 180 customers are alike in recency_days, purchase_days"):
        find_segments(alike, SEGMENT_FEATURES, SEGMENTS)


def test_a_feature_in_which_all_are_alike_is_not_looked_at():
    some = buyers().assign(recency_days=1.0)
    assert [row["name"] for row in find_segments(some, SEGMENT_FEATURES, SEGMENTS)[1]["features"]] == [
        "purchase_days_365d",
        "net_amount_365d",
    ]


def test_the_card_holds_the_segments_and_their_rule(found: Clustering):
    text = describe_segments(found[1], SEGMENTS)
    assert "# Segments of customers at 2025-10-01: k-means, version " in text
    assert "| 1 | recent, frequent, high value | 60 | 0.3333 |" in text
    assert "recency_days: 'recent' up to the median of all customers, 'lapsed' above;" in text


CUSTOMER = {
    "customer_id": "string",
    "cutoff_date": "date",
    "is_buyer": "boolean",
    "recency_days": "int32",
    "purchase_days_365d": "int32",
    "net_amount_365d": "decimal(18, 2)",
}


def customer(who: str, cutoff: date, *, buyer: bool = True) -> dict[str, Any]:
    return {"customer_id": who, "cutoff_date": cutoff, "is_buyer": buyer}


def test_buyers_of_the_newest_cutoff_are_looked_at():
    march, april = date(2025, 3, 1), date(2025, 4, 1)
    customers = [customer("ann", march), customer("ann", april), customer("bob", april, buyer=False)]
    found = rows(choose_buyers(OPEN, table(customers, **CUSTOMER), SegmentRules()))
    assert [(row["customer_id"], row["cutoff_date"]) for row in found] == [("ann", april)]


def test_features_that_customers_do_not_have_are_refused():
    rules = SegmentRules(features={"recncy": ("a", "b")})
    with pytest.raises(ParameterError, match=r"segments\.features: ft_customers has no column recncy\."):
        choose_buyers(OPEN, table([customer("ann", date(2025, 1, 1))], **CUSTOMER), rules)


def test_a_word_is_no_feature_of_segments():
    with pytest.raises(ParameterError, match=r"segments\.features: top_category is no number"):
        name_features(build_ft_catalogue(OPEN), SegmentRules(features={"top_category": ("a", "b")}))


def test_features_are_told_in_the_order_of_the_rules():
    names = [row["name"] for row in name_features(build_ft_catalogue(OPEN), SegmentRules())["features"]]
    assert names == ["recency_days", "purchase_days_365d", "net_amount_365d"]


def test_more_segments_at_least_than_at_most_are_refused():
    with pytest.raises(ValidationError, match="min_segments is 9, above max_segments, 8"):
        SegmentRules(min_segments=9)


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({}, None),
        ({"segment_id": 0}, "segment_id is 1 to max_segments"),
        ({"segment_id": 6}, "segment_id is 1 to max_segments"),
        ({"segment_name": None}, "segment_name is given"),
        ({"confidence": -0.1}, "confidence is 0 to 1"),
        ({"feature_set_hash": None}, "the model is named"),
    ],
)
def test_a_row_that_breaks_a_rule_is_found(found: Clustering, broken: dict[str, Any], rule: str | None):
    given = assign_segments(buyers(), *found, NOW).to_pyarrow()
    row = given.slice(0, 1).to_pylist()[0] | broken
    segments = ibis.memtable(pa.Table.from_pylist([row], given.schema))
    customers = table([customer(row["customer_id"], row["cutoff_date"])], **CUSTOMER)
    contract = verify_customer_segments(segments, customers, SEGMENTS)
    assert [r.text for r in contract.rules if segments.filter(r.breach).count().to_pyarrow().as_py()] == (
        [rule] if rule else []
    )
    (reference,) = contract.references
    assert reference.orphans.count().to_pyarrow().as_py() == 0


def test_a_segment_of_who_never_bought_is_found(found: Clustering):
    given = assign_segments(buyers(), *found, NOW).to_pyarrow().slice(0, 1)
    row = given.to_pylist()[0]
    customers = table([customer(row["customer_id"], row["cutoff_date"], buyer=False)], **CUSTOMER)
    (reference,) = verify_customer_segments(ibis.memtable(given), customers, SEGMENTS).references
    assert reference.orphans.count().to_pyarrow().as_py() == 1
