"""The committed sample, and the mart that a run makes of it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from kedro.framework.startup import bootstrap_project

from datamart_kedro.mart.mart import close_marts
from datamart_kedro.sample.folder import read_shop
from datamart_kedro.sources.shop import close_shops
from tests.conftest import copy_of_project
from tests.project import Project
from tests.sample.shops import COMMITTED, FILES, Row, files_of, tables_of


@dataclass
class SampleMart:
    """A mart made from the committed sample.

    Attributes:
        project: The project that it was made in.
        sources: What the mart was made from: the committed tables, faults included.
        clean: The same shop without a fault.
        warnings: What the run warned of.
    """

    project: Project
    sources: dict[str, list[Row]]
    clean: dict[str, list[Row]]
    warnings: str

    def faults(self, **values: str) -> list[Row]:
        """Entries of the ledger of faults with these values."""
        return [row for row in self.sources["faults"] if all(row[name] == value for name, value in values.items())]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the mart; decimals without trailing zeros."""
        import duckdb

        with duckdb.connect(self.project.mart, read_only=True) as connection:
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, map(plain, values), strict=True)) for values in found.fetchall()]


def plain(value: Any) -> Any:
    """A decimal as the shortest one that equals it."""
    return value.normalize() + 0 if isinstance(value, Decimal) else value


class Listener(logging.Handler):
    """Keeps what is logged as a warning."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="session")
def sample_mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleMart]:
    """The mart of the committed sample."""
    project = copy_of_project(tmp_path_factory.mktemp("sample") / "project")
    for name in FILES:
        shutil.copy(COMMITTED / name, project.source("customers").with_name(name))
    listener = Listener()
    logging.getLogger("datamart_kedro").addHandler(listener)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        for name in ("DATAMART_SHOP_URL", "DATAMART_REPLICA_URL"):
            patch.delenv(name, raising=False)
        bootstrap_project(project.folder)
        project.run()
        close_shops()
        close_marts()
    logging.getLogger("datamart_kedro").removeHandler(listener)
    made = read_shop(COMMITTED)
    without_dirt = type(made)(made.seed, made.customers, made.first_day, made.day, 0.0)
    yield SampleMart(project, files_of(COMMITTED), tables_of(without_dirt), "\n".join(listener.lines))
