"""The feature catalogue: what every column of the feature tables means. Tables, docs and tests are made of it."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from datamart_kedro.control.decision import Decision
from datamart_kedro.pipelines.features.catalogue_customers import CUSTOMERS, FT_CUSTOMERS
from datamart_kedro.pipelines.features.catalogue_labels import FT_CUSTOMER_LABELS, LABELS
from datamart_kedro.pipelines.features.catalogue_sales import FT_SALES_DAILY, SALES
from datamart_kedro.pipelines.features.feature import WINDOWS, Feature

__all__ = ["CATALOGUE", "FT_CATALOGUE", "FT_CUSTOMERS", "FT_CUSTOMER_LABELS", "FT_SALES_DAILY", "WINDOWS", "Feature"]

FT_CATALOGUE = "ft_catalogue"
CATALOGUE: tuple[Feature, ...] = (*CUSTOMERS, *LABELS, *SALES)
FIELD, ROW = "\t", "\n"


def in_types(table_name: str, table: ir.Table) -> ir.Table:
    """A table with the columns of the catalogue, in their order and types."""
    return table.select(
        **{f.name: table[f.name] if f.dtype == "id" else table[f.name].cast(f.dtype) for f in features_of(table_name)}
    )


def features_of(table_name: str) -> Sequence[Feature]:
    """The columns of a table, in order."""
    return [feature for feature in CATALOGUE if feature.table_name == table_name]


def build_ft_catalogue(gate_ft_catalogue: Decision) -> ir.Table:
    """Publish the catalogue: one row per table_name and name.

    It is written as one text, since a table in memory makes Ibis import pandas.

    Args:
        gate_ft_catalogue: What opened the gate.
    """
    rows = ibis.literal(ROW.join(FIELD.join(_texts(feature)) for feature in CATALOGUE))
    parts = rows.split(ROW).unnest().name("line").as_table().line.split(FIELD).name("parts").as_table()
    texts = {name: parts.parts[place].nullif("") for place, name in enumerate(Feature.meanings())}
    return parts.select(
        **texts | {"window_days": texts["window_days"].cast("int64"), "is_personal": texts["is_personal"] == "yes"}
    )


def _texts(feature: Feature) -> list[str]:
    return [
        feature.table_name,
        feature.name,
        feature.group,
        feature.dtype,
        feature.unit,
        str(feature.window_days or ""),
        feature.definition,
        feature.sources,
        feature.null_meaning,
        feature.default_fill,
        feature.timing,
        "yes" if feature.is_personal else "no",
    ]
