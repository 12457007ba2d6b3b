"""The mart as Ibis sees it."""

from __future__ import annotations

import ibis
import pytest
from ibis.common.exceptions import TableNotFound

from datamart_kedro.mart.mart import Mart

TYPES = """
    1::TINYINT AS tiny, 1::UBIGINT AS big, 1::HUGEINT AS huge, 1.5::DECIMAL(18, 2) AS money, 'x' AS text, true AS flag,
    DATE '2026-01-01' AS day, TIMESTAMP '2026-01-01' AS at, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS instant,
    [1, 2] AS list, {'a': 1, 'b': 'x'} AS pair, MAP {'a': 1} AS names, 'x'::ENUM('x', 'y') AS kind,
    '{}'::JSON AS doc, gen_random_uuid() AS id, INTERVAL 1 DAY AS span, 1 AS "two words"
"""


def test_a_table_has_the_columns_that_ibis_finds(mart: Mart):
    mart.execute(f"CREATE TABLE t AS SELECT {TYPES}")
    assert mart.table("t").schema() == mart.backend.table("t").schema()


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_temporary_table_is_not_the_one_of_the_same_name(mart: Mart, kind: str):
    mart.execute("CREATE TABLE t AS SELECT 1 AS a")
    mart.execute(f"CREATE TEMP {kind} t AS SELECT 'x' AS b")
    assert mart.table("t", temporary=True).schema() == ibis.schema({"b": "string"})
    assert mart.table("t", temporary=True).b.to_pyarrow().to_pylist() == ["x"]


def test_a_table_that_is_not_there_is_named(mart: Mart):
    with pytest.raises(TableNotFound, match="nothing"):
        mart.table("nothing")


def test_selects_stay_nested_for_few_rows_and_for_these_alone(mart: Mart):
    mart.execute("CREATE TABLE t AS SELECT 1 AS a")
    nested = mart.table("t").mutate(b=1).mutate(c=2)
    assert mart.compile(nested, few_rows=True).count("SELECT") == 2
    assert mart.compile(nested).count("SELECT") == 1


def test_tables_are_named_with_their_comments_and_without_temporary_ones(mart: Mart):
    mart.execute("CREATE TABLE t (a INTEGER)")
    mart.execute("COMMENT ON TABLE t IS 'One row.'")
    mart.execute("CREATE TABLE u (a INTEGER)")
    mart.execute("CREATE TEMP TABLE v (a INTEGER)")
    assert mart.tables() == {"t": "One row.", "u": None}
