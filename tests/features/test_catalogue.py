"""The catalogue: the columns of the tables, the page and the published table are those that it names."""

from __future__ import annotations

import re

import pytest

from datamart_kedro.control.decision import Decision
from datamart_kedro.mart.domains import published_table
from datamart_kedro.pipeline_registry import DOMAINS, FEATURES
from datamart_kedro.pipelines.features.catalogue import CATALOGUE, build_ft_catalogue, features_of
from datamart_kedro.pipelines.features.columns import TABLES
from datamart_kedro.pipelines.features.page import PAGE, with_catalogue
from datamart_kedro.pipelines.features.rules import FeatureRules
from tests.conftest import ROOT
from tests.features.shops import SmallShop, cutoffs, engine, features, item, labels, order, product, sales
from tests.tables import rows

SHOP = SmallShop(orders=[order("a", "2025-12-01")], items=[item("a")], products=[product("A")])
MADE = {
    "ft_customers": lambda: features(SHOP, cutoffs("2025-12-02")),
    "ft_customer_labels": lambda: labels(SHOP, cutoffs("2025-12-02")),
    "ft_sales_daily": lambda: sales(SHOP, FeatureRules()),
}
TEXT = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("table", MADE)
def test_a_table_has_the_columns_of_the_catalogue_and_no_others(table: str):
    (row, *_) = MADE[table]()
    assert list(row) == [feature.name for feature in features_of(table)] == list(published_table(table).columns)


@pytest.mark.parametrize(("table", "made"), [("ft_customers", "ft_customers"), ("ft_sales_daily", "sales")])
def test_columns_have_the_types_of_the_catalogue(table: str, made: str):
    MADE[table]()
    schema = engine()[made].schema()
    assert {name: str(kind) for name, kind in schema.items()} == {
        f.name: "string" if f.dtype == "id" else f.dtype for f in features_of(table)
    }


def test_every_feature_table_is_registered_and_the_reverse():
    assert list(TABLES) == FEATURES


def test_the_published_catalogue_says_of_each_column_what_the_code_says():
    found = {
        (row["table_name"], row["name"]): row for row in rows(build_ft_catalogue(Decision.by_name("ft_catalogue")))
    }
    assert list(TABLES["ft_catalogue"].columns) == list(next(iter(found.values())))
    assert len(found) == len(CATALOGUE)
    for f in CATALOGUE:
        row = found[f.table_name, f.name]
        assert (row["group_name"], row["dtype"], row["definition"]) == (f.group, f.dtype, f.definition)
        assert (row["window_days"], row["timing"], row["is_personal"]) == (f.window_days, f.timing, f.is_personal)
        assert (row["unit"], row["source_columns"]) == (f.unit or None, f.sources or None)
        assert (row["null_meaning"], row["default_fill"]) == (f.null_meaning or None, f.default_fill or None)


@pytest.mark.parametrize("feature", CATALOGUE, ids=lambda f: f"{f.table_name}.{f.name}")
def test_a_column_is_written_down_whole(feature: object):
    f = feature
    assert f.definition.endswith((".", "?"))
    assert f.null_meaning == "" or f.null_meaning.endswith(".")
    assert "\t" not in "".join(map(str, vars(f).values()))
    assert not f.default_fill or f.null_meaning
    assert (f.window_days is None) or f.name.endswith((f"_{f.window_days}d", "_ratio_90", "_months_12"))


def test_every_published_column_that_a_feature_is_made_of_exists():
    known = {f"{published_table(d).name}.{name}" for d in [*DOMAINS, *FEATURES] for name in published_table(d).columns}
    named = {name for f in CATALOGUE for name in f.sources.split(", ") if name and not name.startswith("_valid")}
    assert named - known == set()


def test_a_column_that_may_be_null_says_what_that_means():
    shop = SmallShop(orders=[order("a", "2025-12-01", "nobody"), order("b", "2026-02-01", "nobody")])
    found = {
        "ft_customers": features(shop, cutoffs("2026-01-01")),
        "ft_customer_labels": labels(shop, cutoffs("2026-01-01")),
    }
    said = {(f.table_name, f.name) for f in CATALOGUE if f.null_meaning}
    seen = {(table, name) for table, made in found.items() for row in made for name in row if row[name] is None}
    assert seen - said == set()
    assert {name for table, name in said - seen if table == "ft_customers"} <= {
        "tenure_days", "signup_month", "country_code", "net_amount_ratio_90"
    }  # fmt: skip


def test_the_page_shows_the_catalogue_as_it_is():
    assert with_catalogue(TEXT) == TEXT
    assert (ROOT / PAGE).read_text(encoding="utf-8") == TEXT


def test_every_parameter_of_features_is_on_the_page_and_the_reverse():
    written = re.findall(
        r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", TEXT.partition("## Parameters")[2].partition("\n## ")[0], re.M
    )
    assert written == list(FeatureRules.model_fields)
