"""Serving in PostgreSQL, as a run does it."""

from __future__ import annotations

import logging

import pytest

from datamart_kedro.datasets.replica import serve
from tests.project import Project, psql
from tests.shop import product

ABSENT = "postgresql://writer:s3cret@localhost:1/nowhere"


@pytest.fixture
def served(published: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose environment ``served`` has files as its source, and a replica."""
    folder = published.folder / "conf" / "served"
    folder.mkdir()
    (folder / "globals.yml").write_text("replica:\n  enabled: true\n  connect_timeout_s: 1\n")
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    return published


def names(postgres: str) -> list[str]:
    return [name for (name,) in psql(postgres, "SELECT name FROM datamart.tb_products ORDER BY product_id")]


def test_a_run_serves_what_it_published(served: Project, postgres: str):
    served.write_source("products", [product(name="Lantern")])
    served.run(env="served")
    assert names(postgres) == ["Lantern"]
    assert psql(postgres, "SELECT name FROM datamart.tb_products_history ORDER BY name") == [("Lamp",), ("Novel",)]


def test_a_run_without_new_data_serves_a_replica_that_is_behind(served: Project, postgres: str):
    served.run(env="served")
    assert names(postgres) == ["Lamp", "Novel"]


def test_a_replica_that_cannot_be_reached_fails_no_run_and_catches_up(
    served: Project, postgres: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("DATAMART_REPLICA_URL", ABSENT)
    served.write_source("products", [product(name="Lantern")])
    served.run(env="served")
    assert served.query("SELECT name FROM tb_products") == [("Lantern",)]
    (warning,) = [r.getMessage() for r in caplog.records if (r.levelno, r.name) == (logging.WARNING, serve.__module__)]
    assert "localhost:1" in warning
    assert "version 2" in warning
    assert "s3cret" not in caplog.text
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    served.run(env="served")
    assert names(postgres) == ["Lantern"]


def test_a_rollback_is_served_at_once(served: Project, postgres: str):
    served.write_source("products", [product(name="Lantern")])
    served.run(env="served")
    done = served.cli("kedro", "mart", "rollback", "1", "--env", "served")
    assert done.returncode == 0, done.stderr
    assert names(postgres) == ["Lamp", "Novel"]


def test_a_replica_without_an_address_is_named(
    served: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.delenv("DATAMART_REPLICA_URL")
    served.run(env="served")
    assert "Set DATAMART_REPLICA_URL" in caplog.text


def test_no_address_is_printed_nor_shown(served: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_REPLICA_URL", ABSENT)
    done = served.cli("kedro", "run", "--env", "served")
    assert done.returncode == 0
    assert "s3cret" not in done.stdout + done.stderr
    assert "s3cret" not in (served.folder / "logs" / "datamart.log").read_text()
    with served.session("served") as session:
        assert "s3cret" not in repr(session.load_context().catalog)
