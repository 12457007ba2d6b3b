"""Which cutoffs are settled: plain dates, and the rows that tell which days something changed on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pytest

from datamart_kedro.control.period import Period
from datamart_kedro.control.settlement import LastFeatures
from datamart_kedro.pipelines.features.rules import FeatureRules
from datamart_kedro.pipelines.features.settled import changed, settle_customers, settle_labels

FEB, MAR = date(2025, 2, 1), date(2025, 3, 1)
RULES = FeatureRules(cutoffs=(FEB, MAR), horizons=(10, 30), model_horizon_days=30)
GIVEN = {"features": RULES.model_dump(mode="json")}
SEEN = Period(date(2025, 1, 1), date(2025, 3, 15), None)
REMEMBERED = Period(date(2025, 1, 1), date(2025, 3, 15), datetime(2025, 1, 1))
LAST_RUN = datetime(2025, 3, 16)
MICROSECOND = timedelta(microseconds=1)


def last(*marks: tuple[Any, ...], started_at: datetime = LAST_RUN, **values: Any) -> LastFeatures:
    return LastFeatures("", started_at, values.get("parameters", GIVEN), frozenset(marks))


def settled(
    before: LastFeatures, days: Collection[date] = (), period: Period = SEEN, rules: FeatureRules = RULES
) -> list[date]:
    return sorted(settle_customers(before, days, period, rules).days)


NOW = last((FEB, "happened_before"), (MAR, "happened_before"))
THEN = last((FEB, "known_then"), (MAR, "known_then"))


def test_nothing_that_changed_leaves_all_cutoffs_settled():
    assert settle_customers(NOW, (), SEEN, RULES).reason == "2 of 2 cutoffs are settled"
    assert settled(NOW) == [FEB, MAR]


@pytest.mark.parametrize(
    ("day", "expected"),
    [(date(2025, 1, 31), []), (FEB, [FEB]), (date(2025, 2, 28), [FEB]), (MAR, [FEB, MAR])],
)
def test_a_changed_day_reopens_the_cutoffs_after_it(day: date, expected: list[date]):
    assert settled(NOW, {day, date(2025, 3, 9)}) == expected


def test_what_was_known_then_is_not_changed_by_corrections():
    assert settled(THEN, {date(2025, 1, 5)}, REMEMBERED) == [FEB, MAR]


@pytest.mark.parametrize(("arrival_days", "cutoff"), [(0, MAR), (1, MAR), (29, FEB)])
def test_what_was_known_then_may_still_arrive_for_some_days(arrival_days: int, cutoff: date):
    rules = RULES.model_copy(update={"arrival_days": arrival_days})
    given = {"features": rules.model_dump(mode="json")}
    over = datetime(cutoff.year, cutoff.month, cutoff.day) + timedelta(days=arrival_days)
    for at, expected in ((over, [cutoff]), (over - MICROSECOND, [])):
        seen = last((cutoff, "known_then"), started_at=at, parameters=given)
        assert settled(seen, (), REMEMBERED, rules) == expected


def test_a_cutoff_of_another_basis_is_made_again():
    assert settled(THEN) == []
    assert settled(NOW, (), REMEMBERED) == []


def test_a_cutoff_that_is_new_is_made_and_the_others_stay():
    april = RULES.model_copy(update={"cutoffs": (MAR, date(2025, 3, 10))})
    found = settle_customers(NOW, (), SEEN, april)
    assert (found.days, found.reason) == ({MAR}, "1 of 2 cutoffs are settled")


@pytest.mark.parametrize("name", ["eligible_within_days", "arrival_days"])
def test_a_parameter_that_features_are_made_by_reopens_all_cutoffs(name: str):
    found = settle_customers(NOW, (), SEEN, RULES.model_copy(update={name: 5}))
    assert (found.days, found.reason) == (frozenset(), f"its parameters changed: features.{name}")


def test_parameters_of_other_tables_reopen_nothing():
    others = RULES.model_copy(update={"gap_days": 3, "horizons": (30,), "levels": ("total",), "months": 3})
    assert settled(NOW, (), SEEN, others) == [FEB, MAR]


def test_nothing_is_settled_where_it_is_not_known_what_changed():
    found = settle_customers(LastFeatures("it is new"), (), SEEN, RULES)
    assert (found.days, found.reason) == (frozenset(), "it is new")


def marks(day: date, *observed: bool, split: str | None = "score") -> list[tuple[Any, ...]]:
    return [(day, horizon, seen, split) for horizon, seen in zip((10, 30), observed, strict=True)]


LABELLED = last(*marks(FEB, True, True, split="test"), *marks(MAR, True, False))
"""The window of 10 days after March has passed, that of 30 has not."""


def settled_labels(
    before: LastFeatures,
    days: Collection[date] = (),
    cutoffs: Collection[date] = (),
    period: Period = SEEN,
    rules: FeatureRules = RULES,
) -> list[date]:
    return sorted(settle_labels(before, days, cutoffs, period, rules).days)


def test_labels_that_nothing_changed_are_settled():
    assert settled_labels(LABELLED) == [FEB, MAR]


@pytest.mark.parametrize(
    ("day", "reopened"),
    [
        (date(2025, 1, 31), []),
        (FEB, [FEB]),
        (MAR, [FEB, MAR]),
        (date(2025, 3, 2), [FEB, MAR]),
        (date(2025, 3, 3), [MAR]),
        (date(2025, 3, 10), [MAR]),
        (date(2025, 3, 11), []),
    ],
)
def test_a_changed_day_reopens_the_labels_whose_observed_windows_hold_it(day: date, reopened: Sequence[date]):
    assert settled_labels(LABELLED, {day}) == [cutoff for cutoff in (FEB, MAR) if cutoff not in reopened]


def test_a_window_that_has_passed_since_reopens_its_cutoff():
    assert settled_labels(LABELLED, period=Period(date(2025, 1, 1), date(2025, 3, 31), None)) == [FEB]
    assert settled_labels(LABELLED, period=Period(date(2025, 1, 1), date(2025, 3, 30), None)) == [FEB, MAR]


def test_another_split_reopens_a_cutoff():
    assert settled_labels(last(*marks(FEB, True, True, split="train"), *marks(MAR, True, False))) == [MAR]


def test_other_customers_reopen_the_labels_of_a_cutoff():
    assert settled_labels(LABELLED, cutoffs={FEB}) == [MAR]


def test_other_horizons_and_gaps_reopen_all_labels():
    for values in ({"horizons": (30,)}, {"gap_days": 1}):
        assert settled_labels(LABELLED, rules=RULES.model_copy(update=values)) == []


AT = datetime(2025, 3, 1)
VERSIONS = {
    "stays": [("a", "2025-01-01", None)],
    "began with the run": [("a", "2025-03-01", None)],
    "changed": [("a", "2025-01-01", "2025-03-02"), ("b", "2025-03-02", None)],
    "changed before": [("a", "2025-01-01", "2025-03-01"), ("b", "2025-03-01", None)],
    "changed in what nobody looks at": [("a", "2025-01-01", "2025-03-02"), ("a", "2025-03-02", None)],
    "changed and changed back": [
        ("a", "2025-01-01", "2025-03-02"),
        ("b", "2025-03-02", "2025-03-03"),
        ("a", "2025-03-03", None),
    ],
    "new": [("a", "2025-03-02", None)],
    "gone": [("a", "2025-01-01", "2025-03-02")],
    "gone before": [("a", "2025-01-01", "2025-03-01")],
    "came and went": [("a", "2025-03-02", "2025-03-03")],
    "became nothing": [("a", "2025-01-01", "2025-03-02"), (None, "2025-03-02", None)],
}


def test_rows_changed_whose_values_are_others_than_they_were():
    rows = [
        {
            "key": key,
            "value": value,
            "_valid_from": datetime.fromisoformat(since),
            "_valid_to": until and datetime.fromisoformat(until),
        }
        for key, versions in VERSIONS.items()
        for value, since, until in versions
    ]
    kinds = {"key": "string", "value": "string", "_valid_from": "timestamp(6)", "_valid_to": "timestamp(6)"}
    backend = ibis.duckdb.connect()
    ever = backend.create_table("ever", ibis.memtable(rows, schema=ibis.schema(kinds)))
    found = backend.to_pyarrow(changed(ever, ("key", "value"), AT)).to_pylist()
    assert {(row["key"], row["value"]) for row in found} == {
        ("changed", "a"),
        ("changed", "b"),
        ("new", "a"),
        ("gone", "a"),
        ("became nothing", "a"),
        ("became nothing", None),
    }
