"""Series that sum to one another, and stay so when they are rounded."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from datamart_kedro.pipelines.forecasts.arrangement import arrange, round_in_sums, sums
from datamart_kedro.pipelines.forecasts.sales import Tree
from tests.models.daily_sales import daily, random_products, sales


def tree_of(*categories: int) -> Tree:
    """A total of categories with so many products."""
    products = {f"{name}{n}": [1] for name, count in zip("ABCDEFGH", categories, strict=False) for n in range(count)}
    return sales(products).tree


def test_series_stand_with_those_that_they_are_part_of_above_them():
    tree = sales({"B1": [1], "A2": [1], "A1": [1]}).tree
    assert list(tree.ids) == ["total", "category=A", "category=B", "product=A1", "product=A2", "product=B1"]
    assert tree.parents.tolist() == [-1, 0, 0, 1, 1, 2]
    assert list(zip(tree.starts.tolist(), tree.stops.tolist(), strict=True))[:3] == [(0, 3), (0, 2), (2, 3)]


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_products_are_the_rows_of_the_series_above(seed: int):
    frame = daily(random_products(seed, count=9))
    found = arrange(frame, ("total", "category", "product"))
    for target in ("y_units", "y_net_amount"):
        summed = sums(found.tree, found.values[target])
        for row in frame.itertuples():
            day = (row.ds.date() - found.first_day).days
            assert summed[found.tree.ids.index(row.unique_id), day] == getattr(row, target)


def test_a_level_that_is_not_wanted_is_skipped():
    found = arrange(daily({"A1": [1, 2], "B1": [3, 4]}), ("total", "product"))
    assert list(found.tree.ids) == ["total", "product=A1", "product=B1"]
    assert found.tree.parents.tolist() == [-1, 0, 0]


def test_the_finest_level_that_is_wanted_is_the_one_that_is_modelled():
    found = arrange(daily({"A1": [1, 2], "A2": [None, 1], "B1": [3, 4]}), ("total", "category"))
    assert list(found.tree.ids) == ["total", "category=A", "category=B"]
    assert (found.values["y_units"] / 1000).tolist() == [[1, 3], [3, 4]]


def test_days_on_which_a_product_is_not_there_are_not_zeros():
    found = sales({"A1": [None, 2, None], "A2": [1, 0, 1]}).values["y_units"][0]
    assert np.isnan(found).tolist() == [True, False, True]


def test_many_small_forecasts_are_not_rounded_away():
    assert round_in_sums(tree_of(3), np.array([[0.4], [0.4], [0.4]]))[:, 0].tolist() == [1, 1, 0, 1, 0]


def test_what_is_whole_stays_as_it_is():
    found = np.array([[3.0], [0.0], [-2.0], [123456789012.0]])
    assert round_in_sums(tree_of(2, 2), found)[3:].tolist() == found.tolist()


@pytest.mark.parametrize("seed", range(10))
def test_rounded_series_sum_to_the_one_above_and_lie_within_one_of_what_they_were(seed: int):
    draw = Random(seed)
    tree = tree_of(*(draw.randint(1, 40) for _ in range(8)))
    exact = np.array(
        [[draw.choice([0.0, draw.random(), draw.random() * 1e6]) for _ in range(5)] for _ in range(tree.finest)]
    )
    rounded = round_in_sums(tree, exact)
    assert (rounded == np.rint(rounded)).all()
    for n in range(len(tree.ids) - tree.finest):
        assert (rounded[n] == rounded[tree.parents == n].sum(axis=0)).all()
    assert np.abs(rounded - sums(tree, exact)).max() < 1.001
    assert (rounded >= 0).all()
    assert (rounded[-tree.finest :][exact == 0] == 0).all()
