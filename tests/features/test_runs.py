"""Features as runs make them: gated, published with what they are made of, and saved to files."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from datamart_kedro.commands.forget import command as forget_command
from datamart_kedro.commands.status import command as status_command
from datamart_kedro.errors import ParameterError
from datamart_kedro.mart.mart import close_marts
from datamart_kedro.pipeline_registry import FEATURES
from tests.conftest import copy_of_project
from tests.project import Project
from tests.shop import SHOP, order

FILES = {
    "04_feature/ft_catalogue.parquet",
    "04_feature/ft_customer_labels.parquet",
    "04_feature/ft_customers.parquet",
    "04_feature/ft_sales_daily.parquet",
    "05_model_input/customers.parquet",
    "05_model_input/sales_daily.parquet",
}
MAY = {"features": {"cutoffs": ["2025-02-04"], "horizons": [30], "model_horizon_days": 30}}
"""One cutoff, after the three orders of the tiny shop."""


@pytest.fixture(scope="session")
def with_features(tmp_path_factory: pytest.TempPathFactory, mart_of_the_tiny_shop: Path) -> Path:
    """A folder of data with version 2 of the tiny shop: the features of one cutoff."""
    made = copy_of_project(tmp_path_factory.mktemp("features") / "project")
    shutil.copy(mart_of_the_tiny_shop, made.mart)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run("features", params=MAY)
        close_marts()
    return made.folder / "data"


@pytest.fixture
def featured(project: Project, with_features: Path) -> Project:
    """A project whose features have been made once."""
    shutil.copytree(with_features, project.folder / "data", dirs_exist_ok=True)
    return project


def outcome(project: Project, what: str) -> dict[str, str]:
    """Status or reason of each feature table in the last run that looked at it."""
    newest = f"SELECT domain, arg_max({what}, started_at) FROM tb_control_data_update"
    return dict(project.query(f"{newest} WHERE domain LIKE 'ft%' GROUP BY domain"))


def digests(project: Project) -> dict[str, str]:
    """What is in the files."""
    data = project.folder / "data"
    files = [path for folder in ("04_feature", "05_model_input") for path in (data / folder).iterdir()]
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_features_are_published_with_their_files_and_made_again_only_for_a_reason(featured: Project):
    assert outcome(featured, "status") == dict.fromkeys(FEATURES, "published")
    assert featured.query("SELECT customer_id, orders_life, _version FROM ft_customers ORDER BY ALL") == [
        ("1", 2, 2),
        ("2", 0, 2),
    ]
    first = digests(featured)
    assert set(first) == FILES

    featured.run("features", params=MAY)
    assert outcome(featured, "reason") == dict.fromkeys(FEATURES, "nothing new since version 2")
    assert outcome(featured, "status") == dict.fromkeys(FEATURES, "skipped")

    (featured.folder / "data" / "05_model_input" / "customers.parquet").unlink()
    featured.run("features", params=MAY)
    reasons = outcome(featured, "reason")
    assert reasons.pop("ft_customer_labels") == "customers.parquet is not there, or not complete"
    assert set(reasons.values()) == {"nothing new since version 2"}
    assert digests(featured) == first

    asked = CliRunner().invoke(status_command, ["--json"])
    stands = {found["domain"]: found for found in json.loads(asked.output)["domains"]}
    assert {name: stands[name]["rows"] for name in FEATURES[:2]} == {"ft_customers": 2, "ft_customer_labels": 2}


def test_what_a_run_changes_above_is_in_the_features_of_the_same_run(featured: Project):
    featured.write_source("orders", [*SHOP["orders"], order(order_id="13", customer_id="2")])
    featured.run("orders", "features", params=MAY)
    assert outcome(featured, "reason") == {
        "ft_customers": "tb_orders is built in this run",
        "ft_customer_labels": "ft_customers is built in this run",
        "ft_sales_daily": "tb_orders is built in this run",
        "ft_catalogue": "nothing new since version 2",
    }
    assert featured.query("SELECT orders_life, _version FROM ft_customers WHERE customer_id = '2'") == [(1, 3)]
    assert featured.query("SELECT _version_to FROM ft_customers_history WHERE customer_id = '2'") == [(3,)]


def test_what_was_published_since_opens_the_gate(featured: Project):
    featured.write_source("orders", [*SHOP["orders"], order(order_id="13", customer_id="2")])
    featured.run("orders")
    featured.run("features", params=MAY)
    assert outcome(featured, "reason")["ft_customers"] == "tb_orders was made by a later run than ft_customers"
    assert featured.query("SELECT orders_life FROM ft_customers WHERE customer_id = '2'") == [(1,)]


def test_a_changed_parameter_opens_the_gate(featured: Project):
    later = {"features": MAY["features"] | {"gap_days": 7}}
    featured.run("features", params=later)
    assert (
        outcome(featured, "reason")["ft_customer_labels"] == "its parameters changed since version 2: features.gap_days"
    )
    assert featured.query("SELECT DISTINCT label_start FROM ft_customer_labels") == [(date(2025, 2, 11),)]


def test_a_correction_is_seen_from_the_run_that_brought_it(project: Project, monkeypatch: pytest.MonkeyPatch):
    rows = [order(), order(order_id="11", ordered_at="2025-04-01 00:00:00")]
    cutoffs = {"features": {"cutoffs": ["2025-02-05", "2025-03-01", "2025-03-15"]}}
    for at, status, pipelines in (
        (datetime(2025, 2, 10), "shipped", ()),
        (datetime(2025, 3, 10), "cancelled", ("orders", "order_items", "customers", "features")),
    ):
        monkeypatch.setattr("datamart_kedro.mart.run.now", lambda at=at: at)
        project.write_source("orders", [rows[0] | {"status": status}, rows[1]])
        project.run(*pipelines, params=cutoffs)
    seen = (
        "SELECT basis, orders_life, failed_orders_life FROM ft_customers WHERE customer_id = '1' ORDER BY cutoff_date"
    )
    during = project.query(seen)
    assert during == [("happened_before", 0, 1), ("known_then", 1, 0), ("known_then", 0, 1)]
    project.run("features", params=cutoffs | {"force": True})
    assert project.query(seen) == during


def test_a_run_that_fails_at_its_end_leaves_files_as_they_were(featured: Project, monkeypatch: pytest.MonkeyPatch):
    before = digests(featured)

    def fail(mart: Any) -> None:
        raise OSError("no")

    monkeypatch.setattr("datamart_kedro.gated_runner.publish", fail)
    with pytest.raises(Exception, match="OSError: no"):
        featured.run("features", params={"features": MAY["features"] | {"cutoffs": ["2025-02-03"]}})
    assert digests(featured) == before


def test_a_file_that_a_killed_run_did_not_finish_opens_the_gate(featured: Project):
    left = featured.folder / "data" / "04_feature" / "ft_sales_daily.parquet.new"
    left.write_bytes(b"half")
    featured.run("features", params=MAY)
    assert outcome(featured, "reason")["ft_sales_daily"] == "ft_sales_daily.parquet is not there, or not complete"
    assert not left.exists()


def test_files_have_the_same_columns_whether_they_hold_rows_or_none(featured: Project):
    folder = featured.folder / "data"
    full = {name: pq.read_schema(folder / name) for name in FILES}
    before_everybody = {"features": MAY["features"] | {"cutoffs": ["2024-01-01"]}}
    featured.run("features", params=before_everybody)
    assert pq.read_table(folder / "04_feature" / "ft_customers.parquet").num_rows == 0
    assert {name: pq.read_schema(folder / name) for name in FILES} == full


def test_a_data_scientist_loads_columns_of_their_own_types(featured: Project):
    with featured.session() as session:
        frame = session.load_context().catalog.load("model_customers")
    assert [str(kind) for kind in frame.dtypes if str(kind) == "object"] == []
    kinds = {name: str(frame.dtypes[name]) for name in ("recency_days", "churned", "net_amount_life", "is_buyer")}
    assert kinds == {
        "recency_days": "int32[pyarrow]",
        "churned": "int32[pyarrow]",
        "net_amount_life": "decimal128(18, 2)[pyarrow]",
        "is_buyer": "bool[pyarrow]",
    }
    assert list(frame["customer_id"]) == ["1", "2"]


def test_a_cutoff_in_the_future_is_refused_by_its_day(published: Project):
    with pytest.raises(ParameterError) as refusal:
        published.run("features", params={"features": MAY["features"] | {"cutoffs": ["2025-02-05"]}})
    assert str(refusal.value) == (
        "features.cutoffs: 2025-02-05 lies in the future: the newest order is of 2025-02-03.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Name days up to 2025-02-04."
    )
    assert not Path(published.folder, "data", "04_feature").exists()


def test_features_of_a_mart_without_tables_are_refused_with_the_command_that_makes_them(project: Project):
    with pytest.raises(
        Exception, match=r"needs tb_order_items, tb_orders, tb_products, which the mart does not have yet"
    ):
        project.run("features")


def test_a_forgotten_customer_is_gone_from_the_features_and_their_files(featured: Project):
    files = {name: featured.folder / "data" / name for name in FILES if "customer" in name}
    before = {name: pq.read_table(path).to_pylist() for name, path in files.items()}
    assert all(any(row["customer_id"] == "1" for row in rows) for rows in before.values())
    done = CliRunner().invoke(forget_command, ["--customer-id", "1", "--yes"])
    assert done.exit_code == 0, done.output
    for name, path in files.items():
        assert pq.read_table(path).to_pylist() == [row for row in before[name] if row["customer_id"] != "1"]
    assert featured.query("SELECT count(*) FROM ft_customers WHERE customer_id = '1'") == [(0,)]
    assert featured.query("SELECT count(*) FROM ft_customers")[0][0] > 0
    assert [path.name for path in featured.folder.rglob("*.new")] == []
    for name in files:
        assert f"{name}: " in done.output


def test_features_count_as_stale_only_if_they_are_asked_for(featured: Project):
    featured.execute(
        "UPDATE tb_control_data_update SET started_at = started_at - INTERVAL 3 DAY WHERE domain LIKE 'ft%'"
    )
    assert CliRunner().invoke(status_command, ["--max-age", "2d"]).exit_code == 0
    asked = CliRunner().invoke(status_command, ["--max-age", "2d", "--pipelines", "features", "--json"])
    assert asked.exit_code == 2
    assert set(json.loads(asked.stdout)["stale"]) == set(FEATURES)
    assert CliRunner().invoke(status_command, ["--pipelines", "letters"]).exit_code == 1


def test_files_that_cannot_be_put_in_place_do_not_unsay_the_publication(
    featured: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: object) -> None:
        raise OSError("no permission")

    with monkeypatch.context() as patch:
        patch.setattr("datamart_kedro.gated_runner.put_in_place", fail)
        featured.run("features", params=MAY | {"force": "ft_sales_daily"})
    assert "The mart is published, but not all of its files: no permission" in caplog.text
    assert outcome(featured, "status")["ft_sales_daily"] == "published"
    featured.run("features", params=MAY)
    assert outcome(featured, "reason")["ft_sales_daily"] == "ft_sales_daily.parquet is not there, or not complete"
    assert list((featured.folder / "data").rglob("*.new")) == []
