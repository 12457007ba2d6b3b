"""The benchmark runs, and compares what it says it compares."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import duckdb
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "full_build.py"

SHOP = """
COPY (SELECT unnest([0, 1, 2]) AS n_nationkey, unnest(['FRANCE', 'UNITED STATES', 'RUSSIA']) AS n_name)
TO '{folder}/nation.parquet';

COPY (
    SELECT i AS c_custkey, 'Customer#' || i AS c_name, '25-989-' || i AS c_phone, i % 3 AS c_nationkey,
        'BUILDING' AS c_mktsegment
    FROM range(1, 21) t(i)
) TO '{folder}/customer.parquet';

COPY (
    SELECT i AS p_partkey, 'Brand#1' AS p_brand, 'goldenrod lace' AS p_name,
        'PROMO BURNISHED ' || ['TIN', 'STEEL', 'COPPER'][i % 3 + 1] AS p_type,
        (900 + i * 0.37)::DECIMAL(15, 2) AS p_retailprice
    FROM range(1, 11) t(i)
) TO '{folder}/part.parquet';

COPY (
    SELECT i % 10 + 1 AS ps_partkey, (i * 7)::INTEGER AS ps_availqty, (800 + i * 9.01)::DECIMAL(15, 2) AS ps_supplycost
    FROM range(20) t(i)
) TO '{folder}/partsupp.parquet';

COPY (
    SELECT i AS o_orderkey, i % 19 + 1 AS o_custkey, ['F', 'O', 'P'][i % 3 + 1] AS o_orderstatus,
        DATE '1995-01-01' + i::INTEGER AS o_orderdate,
        ['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'][i % 5 + 1] AS o_orderpriority
    FROM range(1, 61) t(i)
) TO '{folder}/orders.parquet';

COPY (
    SELECT i AS l_orderkey, line::INTEGER AS l_linenumber, (i + line) % 10 + 1 AS l_partkey,
        quantity::DECIMAL(15, 2) AS l_quantity, (quantity * p_retailprice)::DECIMAL(15, 2) AS l_extendedprice,
        (i % 11 / 100)::DECIMAL(15, 2) AS l_discount, (line % 9 / 100)::DECIMAL(15, 2) AS l_tax,
        DATE '1995-01-04' + (i + line)::INTEGER AS l_shipdate, DATE '1995-02-01' + i::INTEGER AS l_commitdate,
        DATE '1995-01-20' + (i + 2 * line)::INTEGER AS l_receiptdate
    FROM range(1, 61) o(i), LATERAL (SELECT unnest(range(1, 2 + i % 4)) AS line),
        LATERAL (SELECT (i * line) % 50 + 1 AS quantity)
    JOIN '{folder}/part.parquet' ON p_partkey = (i + line) % 10 + 1
) TO '{folder}/lineitem.parquet';
"""
"""Files with the columns of TPC-H that the benchmark reads, and 60 orders."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tpch")
    with duckdb.connect() as engine:
        engine.execute(SHOP.format(folder=folder))
    return folder


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("full_build", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["full_build"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_the_mart_and_plain_sql_give_the_same_rows(data: Path, tmp_path: Path, file_format: str):
    figures = tmp_path / "figures.json"
    arguments = ["--data", data, "--folder", tmp_path, "--format", file_format, "--repeat", "1", "--json", figures]
    ended = subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    costs = json.loads(figures.read_text())["costs"]
    assert all(costs[name]["cpu_s"] > 0 for name in ("mart", "plain SQL", "mart, nothing new"))


def make_marts(folder: Path, **amounts: str) -> list[Path]:
    """Files with the four tables, each of one row, which differ in an amount."""
    for name, amount in amounts.items():
        with duckdb.connect(folder / name) as engine:
            for domain in ("customers", "products", "orders", "order_items"):
                engine.execute(f"CREATE TABLE tb_{domain} AS SELECT 1 AS id, {amount} AS amount, 7 AS _version")
    return [folder / name for name in amounts]


def test_rows_that_differ_are_noticed(benchmark: ModuleType, tmp_path: Path):
    assert len(benchmark.differences(*make_marts(tmp_path, one="1.50", other="1.51"))) == 4


def test_types_that_differ_are_noticed(benchmark: ModuleType, tmp_path: Path):
    (first, *_) = benchmark.differences(*make_marts(tmp_path, one="1.50", other="1.50::DECIMAL(18, 4)"))
    assert first.startswith("tb_customers: the columns are {'amount':")


def test_rows_that_are_the_same_are_no_difference(benchmark: ModuleType, tmp_path: Path):
    assert benchmark.differences(*make_marts(tmp_path, one="1.50", other="1.50")) == []


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said(benchmark: ModuleType, tmp_path: Path):
    with pytest.raises(SystemExit, match="no luck"):
        benchmark.measured([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path)
