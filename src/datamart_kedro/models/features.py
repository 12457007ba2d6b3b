"""Which features a model sees, and how it sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
from ibis import _

from datamart_kedro.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

Features = Sequence[Mapping[str, Any]]
"""Rows of ``ft_catalogue``."""
NOT_FED = ("date", "id")
"""Types that no model takes as they are; other features say the same in days."""
MISSING = "missing"


def features_of(ft_catalogue: ir.Table, left_out: Collection[str], key: str) -> list[dict[str, Any]]:
    """Features of customers that a model may see, by name: known at the cutoff, and nothing about the person.

    Args:
        ft_catalogue: One row per table_name and name.
        left_out: Names of features that it shall not see.
        key: The parameter that names them, for the refusal.

    Raises:
        ParameterError: A feature that is left out is none.
    """
    columns = ft_catalogue.filter(_.table_name == "ft_customers").order_by("name").to_pyarrow().to_pylist()
    unknown = sorted(set(left_out) - {row["name"] for row in columns})
    if unknown:
        raise ParameterError(
            f"{key}: ft_customers has no column {', '.join(unknown)}.", "Its columns are listed in ft_catalogue."
        )
    told = ("name", "group_name", "dtype", "unit", "definition")
    return [
        {name: row[name] for name in told}
        for row in columns
        if row["timing"] == "safe"
        and not row["is_personal"]
        and row["dtype"] not in NOT_FED
        and row["name"] not in left_out
    ]


def is_text(feature: Mapping[str, Any]) -> bool:
    """Is it one of several words, and not a number?"""
    return bool(feature["dtype"] == "string")


def as_numbers_and_words(rows: pd.DataFrame, features: Features) -> pd.DataFrame:
    """The features of some rows as models take them: floats, NaN where a value is missing, and words.

    Args:
        rows: At least these columns; money may be decimal. It is left as it is.
        features: Which, in which order.
    """
    import pandas as pd

    columns = {
        feature["name"]: rows[feature["name"]]
        .astype("object")
        .where(rows[feature["name"]].notna(), MISSING)
        .astype(str)
        if is_text(feature)
        else rows[feature["name"]].astype("float64")
        for feature in features
    }
    return pd.DataFrame({name: column.to_numpy() for name, column in columns.items()}, index=rows.index)


def varying(values: pd.DataFrame) -> list[str]:
    """Names of the features that tell any two rows apart: of the others a model can learn nothing."""
    return [name for name in values.columns if values[name].nunique(dropna=True) > 1]
