"""The mart of a command's environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from kedro.io import CatalogProtocol

from datamart_kedro.columns import PublishedTable
from datamart_kedro.config import project_folder
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.errors import HeldMartError
from datamart_kedro.mart import domains
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.readable import reading, release
from datamart_kedro.session import GatedSession


@contextmanager
def open_mart(env: str | None, *, write: bool = False, whole: bool = False) -> Iterator[Mart]:
    """Open the mart of an environment, and close it afterwards.

    Raises:
        HeldMartError: Another process has it, and there is no copy to read.
        MartFileError: There is none yet.
    """
    with open_catalog(env, write=write, whole=whole) as (mart, _):
        yield mart


@contextmanager
def open_catalog(
    env: str | None, *, write: bool = False, whole: bool = False
) -> Iterator[tuple[Mart, CatalogProtocol[Any, Any]]]:
    """Open the mart of an environment with the catalog that it is in, and close it afterwards.

    While another process writes the mart, its readable copy is opened instead, and the command says so.

    Args:
        env: The environment.
        write: Open the mart for writing.
        whole: More than the published tables is needed: the copy does not do.

    Raises:
        HeldMartError: Another process has it, and there is no copy to read.
        MartFileError: There is none yet.
    """
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        catalog = session.checked_catalog()
        replica = catalog.get("replica")
        assert isinstance(replica, Replica)
        try:
            yield _opened(replica.mart, write=write, whole=whole), catalog
        finally:
            release(replica.mart)


def _opened(mart: Mart, *, write: bool, whole: bool) -> Mart:
    try:
        mart.open(write=write)
    except HeldMartError as held:
        copy = reading(mart)
        if write or whole or copy is mart:
            raise
        click.echo(f"{held.happened} This is what was published before: {copy.path}", err=True)
        copy.open(write=False)
        return copy
    return mart


def published_tables(mart: Mart) -> dict[str, PublishedTable]:
    """The published tables that the mart has, by domain."""
    return {domain: table for domain, table in domains.published_tables().items() if mart.exists(table.name)}
