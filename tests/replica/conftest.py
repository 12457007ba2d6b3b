"""Marts of one shop at two versions, and their replicas."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project
from tests.project import Project
from tests.replica.store import Replica, Store
from tests.shop import SHOP, item, order


@pytest.fixture(scope="session")
def versions(mart_of_the_tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    """Mart files of the tiny shop at version 1, and of a later day at version 2.

    That day order 11 was cancelled, order 12 was erased but for its line, and order 13 with one line came.
    """
    made = copy_of_project(tmp_path_factory.mktemp("second") / "project")
    made.mart.parent.mkdir(exist_ok=True)
    shutil.copy(mart_of_the_tiny_shop, made.mart)
    made.write_source("orders", [order(), order(order_id="11", status="cancelled"), order(order_id="13")])
    made.write_source("order_items", [*SHOP["order_items"], item(order_id="13", quantity="3")])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run()
        close_marts()
    return {1: mart_of_the_tiny_shop, 2: made.mart}


@pytest.fixture
def store(versions: Mapping[int, Path], tmp_path: Path) -> Iterator[Store]:
    """A mart at version 1, which can be brought to version 2."""
    made = Store(tmp_path, versions)
    made.become(1)
    yield made
    made.mart.close()


@pytest.fixture
def replica(store: Store, postgres: str) -> Replica:
    """Where the mart is served; nothing is there yet."""
    return Replica(store, postgres)


@pytest.fixture
def environment(published: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose environment ``served`` has files as its source, and a replica at the mart's version."""
    folder = published.folder / "conf" / "served"
    folder.mkdir()
    (folder / "globals.yml").write_text("replica:\n  enabled: true\n  connect_timeout_s: 1\n")
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    published.run(env="served")
    return published
