"""Consoles of the tiny shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.console.access import VARIABLE
from datamart_kedro.mart.mart import close_marts
from tests.conftest import copy_of_project
from tests.console.desk import TOKEN, Desk, serving_desk
from tests.console.serving import Served, add_models, served
from tests.project import Project
from tests.shop import SHOP, customer, item, order, product


@pytest.fixture(scope="session")
def shop_with_models(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that has run once, with a second country, a return, a rejected row, and what models would publish."""
    made = copy_of_project(tmp_path_factory.mktemp("console") / "project")
    made.write_source(
        "customers", [*SHOP["customers"], customer(customer_id="3", full_name="<b>Cyd</b>", country="FR")]
    )
    made.write_source(
        "products",
        [*SHOP["products"], product(product_id="C", name="<i>Desk</i>", category="Kitchen", stock_quantity="0")],
    )
    later = order(order_id="13", customer_id="3", ship_country="FR", ordered_at="2025-02-20 09:00:00", currency="USD")
    made.write_source("orders", [*SHOP["orders"], later])
    made.write_source(
        "order_items",
        [
            *SHOP["order_items"],
            item(order_id="13", product_id="C", unit_price="70.00"),
            item(order_id="13", line_number="2", product_id="C", quantity="-1", unit_price="70.00"),
            item(order_id="13", line_number="3", unit_price="-1"),
        ],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run()
        close_marts()
    add_models(made.folder / "data" / "published.duckdb")
    return made


@pytest.fixture(scope="session")
def shown(shop_with_models: Project) -> Iterator[Served]:
    """A console that shows it."""
    with served(shop_with_models.folder) as console:
        yield console


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Served]:
    """A console of a project that has never run."""
    with served(tmp_path) as console:
        yield console


@pytest.fixture
def desk(published: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A console on loopback."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    yield from serving_desk()
    close_marts()


@pytest.fixture
def far_desk(published: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A console that a proxy asks under a name of its own."""
    monkeypatch.setenv(VARIABLE, TOKEN)
    yield from serving_desk(names=("mart.example",))
    close_marts()
