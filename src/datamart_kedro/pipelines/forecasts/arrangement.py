"""From rows of ft_sales_daily to numbers: one row per finest series, one column per day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from datamart_kedro.pipelines.forecasts.rules import LEVELS
from datamart_kedro.pipelines.forecasts.sales import TARGETS, Floats, Sales, Tree


def arrange(rows: pd.DataFrame, levels: Sequence[str]) -> Sales:
    """Arrange daily sales by series and day.

    Args:
        rows: One row per unique_id and ds: with level, parent_id, ds (datetime), and the targets as whole numbers.
        levels: Those that are wanted; the finest of those that there are is modelled.

    Returns:
        Sales from the first day of any series to the last.
    """
    series = rows[["unique_id", "level", "parent_id"]].drop_duplicates("unique_id")
    tree = plant(series, [level for level in LEVELS if level in levels and level in set(series["level"])])
    places = {name: place for place, name in enumerate(tree.ids[-tree.finest :])}
    finest = rows[rows["level"] == tree.levels[-1]]
    first = finest["ds"].min()
    row = finest["unique_id"].map(places).to_numpy(dtype=np.int64)
    column = (finest["ds"] - first).dt.days.to_numpy()
    values = {}
    for target in TARGETS:
        values[target] = np.full((tree.finest, int(column.max()) + 1), np.nan)
        values[target][row, column] = finest[target]
    return Sales(tree, date(first.year, first.month, first.day), values)


def plant(series: pd.DataFrame, levels: Sequence[str]) -> Tree:
    """The tree of series.

    Args:
        series: One row per unique_id: unique_id, level, parent_id.
        levels: Those that are kept, coarse first. A series is part of the nearest one that is kept.
    """
    level_of = dict(zip(series["unique_id"], series["level"], strict=True))
    parent_of = dict(zip(series["unique_id"], series["parent_id"], strict=True))
    paths = {name: path(name, parent_of, level_of, levels) for name, level in level_of.items() if level in levels}
    ids = sorted(paths, key=lambda name: (levels.index(level_of[name]), paths[name]))
    place = {name: n for n, name in enumerate(ids)}
    finest = [name for name in ids if level_of[name] == levels[-1]]
    starts, stops = np.full(len(ids), len(finest)), np.zeros(len(ids), dtype=np.int64)
    for n, name in enumerate(finest):
        for above in paths[name]:
            starts[place[above]] = min(starts[place[above]], n)
            stops[place[above]] = n + 1
    return Tree(
        ids=ids,
        levels=[level_of[name] for name in ids],
        parents=np.array([place[paths[name][-2]] if len(paths[name]) > 1 else -1 for name in ids]),
        starts=np.minimum(starts, stops),
        stops=stops,
    )


def path(
    name: str, parent_of: Mapping[str, str | None], level_of: Mapping[str, str], levels: Sequence[str]
) -> tuple[str, ...]:
    """A series and those that it is part of, the coarsest first."""
    found: list[str] = []
    above: str | None = name
    while above is not None and above in level_of:
        if level_of[above] in levels:
            found.append(above)
        above = parent_of[above]
    return tuple(reversed(found))


def sums(tree: Tree, finest: Floats) -> Floats:
    """Sum the finest series to every series of the tree; whole numbers give whole numbers.

    Args:
        tree: Which series are part of which.
        finest: One row per finest series; not a number counts as 0.
    """
    running = running_sums(finest)
    return running[tree.stops] - running[tree.starts]


def running_sums(finest: Floats) -> Floats:
    """Sums of the first 0, 1, 2 ... rows."""
    nothing = np.zeros((1, *finest.shape[1:]))
    return np.concatenate([nothing, np.cumsum(np.nan_to_num(finest), axis=0)])


def round_in_sums(tree: Tree, finest: Floats) -> Floats:
    """Round forecasts to whole numbers, so that series still sum to the one that they are part of.

    Running sums of the finest series are rounded, and a series is the difference of two: each lies within 1 of what it
    was, and is nothing lost however many small ones there are, which rounding one by one would not give.

    Args:
        tree: Which series are part of which.
        finest: One row per finest series.
    """
    running = np.rint(np.round(running_sums(finest), 6))
    rounded: Floats = running[tree.stops] - running[tree.starts]
    return rounded
