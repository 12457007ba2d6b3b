"""The mart of a command's environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kedro.io import CatalogProtocol

from datamart_kedro.columns import PublishedTable
from datamart_kedro.config import project_folder
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.session import GatedSession


@contextmanager
def open_mart(env: str | None, *, write: bool = False) -> Iterator[Mart]:
    """Open the mart of an environment, and close it afterwards.

    Raises:
        MartFileError: There is none yet, or another process writes it.
    """
    with open_catalog(env, write=write) as (mart, _):
        yield mart


@contextmanager
def open_catalog(env: str | None, *, write: bool = False) -> Iterator[tuple[Mart, CatalogProtocol[Any, Any]]]:
    """Open the mart of an environment with the catalog that it is in, and close it afterwards.

    Raises:
        MartFileError: There is none yet, or another process writes it.
    """
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        catalog = session.checked_catalog()
        replica = catalog.get("replica")
        assert isinstance(replica, Replica)
        try:
            replica.mart.open(write=write)
            yield replica.mart, catalog
        finally:
            replica.mart.close()


def published_tables(mart: Mart) -> dict[str, PublishedTable]:
    """The published tables that the mart has, by domain."""
    tables = {domain: published_table(domain) for domain in DOMAINS}
    return {domain: table for domain, table in tables.items() if mart.exists(table.name)}
