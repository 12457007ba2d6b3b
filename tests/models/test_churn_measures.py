"""Figures of a model of churn, worked out by head."""

from __future__ import annotations

import numpy as np
import pytest

from datamart_kedro.pipelines.churn.measures import calibration, found_at, gains, lift, measures
from datamart_kedro.pipelines.churn.scores import ranks

CHURNED = np.array([1, 0, 1, 0, 0])
SAID = np.array([0.9, 0.8, 0.6, 0.4, 0.1])


def test_figures_are_those_worked_out_by_head():
    found = measures(CHURNED, SAID)
    assert found["roc_auc"] == pytest.approx(5 / 6, abs=1e-6)  # of six pairs, 0.6 against 0.8 is wrong
    assert found["pr_auc"] == pytest.approx((1 / 1 + 2 / 3) / 2, abs=1e-6)
    assert found["brier"] == pytest.approx((0.01 + 0.64 + 0.16 + 0.16 + 0.01) / 5, abs=1e-6)
    assert (found["rare_class"], found["rare_share"]) == ("churned", 0.4)


def test_the_rare_class_is_that_of_those_who_stayed_where_most_churn():
    found = measures(1 - CHURNED, 1 - SAID)
    assert (found["rare_class"], found["rare_share"]) == ("stayed", 0.4)
    assert found["pr_auc"] == measures(CHURNED, SAID)["pr_auc"]


def test_lift_is_the_rate_of_the_highest_scores_against_that_of_all():
    churned = np.array([1] * 3 + [0] * 7)
    assert lift(churned, np.linspace(1, 0, 10), 0.1) == pytest.approx(1 / 0.3)
    assert lift(churned, np.linspace(0, 1, 10), 0.1) == 0


def test_rows_of_equal_score_count_in_part():
    churned = np.array([1, 1, 0, 0])
    assert found_at(churned, np.array([0.5, 0.5, 0.5, 0.5]), 0.5) == 0.5
    assert found_at(churned, np.array([0.9, 0.5, 0.5, 0.1]), 0.5) == pytest.approx((1 + 0.5) / 2)


def test_gains_go_from_nobody_to_everybody():
    points = gains(CHURNED, SAID)
    assert (points[0], points[-1]) == ({"share": 0.0, "found": 0.0}, {"share": 1.0, "found": 1.0})
    assert [point["found"] for point in points] == sorted(point["found"] for point in points)


def test_calibration_holds_what_was_said_against_what_happened():
    churned, said = np.array([0, 1] * 10), np.repeat([0.2, 0.7], 10)
    parts = calibration(churned, said)
    assert [row["predicted"] for row in parts] == [0.2] * 5 + [0.7] * 5
    assert [row["observed"] for row in parts] == [0.5] * 10
    assert sum(row["rows"] for row in parts) == 20


def test_calibration_of_three_customers_has_three_parts():
    assert [row["observed"] for row in calibration(np.array([0, 1, 1]), np.array([0.1, 0.9, 0.5]))] == [0, 1, 1]


def test_equal_probabilities_have_equal_ranks():
    assert ranks(np.array([0.2, 0.9, 0.9, 0.1])).tolist() == [3, 1, 1, 4]
    assert ranks(np.zeros(0)).tolist() == []
