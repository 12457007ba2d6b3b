"""Keys that are known to come once, without grouping them."""

from __future__ import annotations

import duckdb

from datamart_kedro.mart.keys import MAX_BITS, is_key_unique
from datamart_kedro.mart.mart import Mart
from tests.project import Project


def is_unique(mart: Mart, rows: str, *key: str) -> bool:
    mart.execute(f"CREATE OR REPLACE TABLE t AS SELECT * FROM (VALUES {rows}) AS t(a, b)")
    return is_key_unique(mart, "t", key)


def test_keys_that_differ_are_unique(mart: Mart):
    assert is_unique(mart, "(3, 0), (-2, 0), (1, 0)", "a")


def test_a_key_that_comes_twice_is_not_unique(mart: Mart):
    assert not is_unique(mart, "(3, 0), (-2, 0), (3, 0)", "a")


def test_a_key_of_two_columns_is_unique_if_no_pair_comes_twice(mart: Mart):
    assert is_unique(mart, "(1, 1), (1, 2), (2, 1), (2, 2)", "a", "b")


def test_a_pair_that_comes_twice_is_not_unique(mart: Mart):
    assert not is_unique(mart, "(1, 1), (1, 2), (2, 2), (1, 2)", "a", "b")


def test_pairs_with_the_same_sum_are_told_apart(mart: Mart):
    assert is_unique(mart, "(10, -7), (9, -6), (8, -5)", "a", "b")


def test_a_key_that_is_missing_is_not_unique(mart: Mart):
    assert not is_unique(mart, "(1, 0), (NULL, 0)", "a")


def test_of_a_key_of_text_nothing_is_known(mart: Mart):
    assert not is_unique(mart, "('x', 0), ('y', 0)", "a")


def test_of_keys_far_apart_nothing_is_known(mart: Mart):
    assert is_unique(mart, f"(1, 0), ({MAX_BITS}, 0)", "a")
    assert not is_unique(mart, f"(1, 0), ({MAX_BITS + 1}, 0)", "a")


def test_of_a_table_without_rows_nothing_is_known(mart: Mart):
    mart.execute("CREATE TABLE t (a INTEGER)")
    assert not is_key_unique(mart, "t", ["a"])


def test_of_a_column_that_the_table_does_not_have_nothing_is_known(mart: Mart):
    assert not is_unique(mart, "(1, 0)", "c")


def stage_products(project: Project, ids: str) -> list[tuple[object, ...]]:
    """Stage products with integer ids, and return what is noted as coming more than once."""
    file = project.folder / "data" / "01_raw" / "products.parquet"
    duckdb.sql(f"COPY (SELECT unnest([{ids}]) AS product_id) TO '{file}'")
    query = project.folder / "conf" / "base" / "sources" / "products.sql"
    query.write_text("SELECT * FROM 'data/01_raw/products.parquet'")
    project.run("products")
    return project.query("SELECT product_id, copies FROM tmp_products_duplicates ORDER BY product_id")


def test_whole_numbers_that_come_twice_are_noted_as_duplicates(project: Project):
    assert stage_products(project, "7, 5, 7, 9, 5, 7") == [(5, 2), (7, 3)]


def test_of_whole_numbers_that_differ_none_is_noted_as_a_duplicate(project: Project):
    assert stage_products(project, "7, 5, 9") == []
    assert project.query("SELECT product_id FROM tb_products ORDER BY product_id") == [(5,), (7,), (9,)]
