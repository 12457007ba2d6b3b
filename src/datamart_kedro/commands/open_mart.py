"""The mart of a command's environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from kedro.io import CatalogProtocol

from datamart_kedro.columns import PublishedTable
from datamart_kedro.config import MartConfigLoader, project_folder
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.mart import domains
from datamart_kedro.mart.mart import Mart, MartSettings
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
    with _catalog_of(env) as catalog:
        mart = _replica_in(catalog).mart
        try:
            yield _opened(mart, write=write, whole=whole), catalog
        finally:
            release(mart)


@contextmanager
def replica_of(env: str | None) -> Iterator[Replica]:
    """The replica of an environment, with its mart, which is opened at first use and closed afterwards.

    Raises:
        UsageError: The environment has no replica.
    """
    with _catalog_of(env) as catalog:
        replica = _replica_in(catalog)
        if not replica.is_enabled:
            raise UsageError(
                f"The environment {env or 'base'} has no replica.",
                "Name one that has, such as --env postgres; or set replica.enabled in its globals.yml.",
                state="",
            )
        try:
            yield replica
        finally:
            replica.mart.close()


@contextmanager
def open_published(env: str | None) -> Iterator[Mart]:
    """Open what readers see of a mart, which keeps no run waiting where there is a copy; close it afterwards.

    Raises:
        MartFileError: There is none yet.
    """
    with _catalog_of(env) as catalog:
        mart = _replica_in(catalog).mart
        published = reading(mart)
        try:
            published.open(write=False)
            yield published
        finally:
            release(mart)


def overrides_file_of(env: str | None) -> Path:
    """Where the overrides of an environment are kept."""
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        loader = session.load_context().config_loader
        assert isinstance(loader, MartConfigLoader)
        return loader.overrides_file


def settings_of_mart(env: str | None) -> tuple[MartSettings, dict[str, Any]]:
    """The settings of the mart of an environment, and its parameters, without opening it."""
    with _catalog_of(env) as catalog:
        return _replica_in(catalog).mart.settings, catalog.load("parameters")


def credentials_of(env: str | None) -> dict[str, Any]:
    """The credentials of an environment."""
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        return dict(session.load_context().config_loader["credentials"])


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


@contextmanager
def _catalog_of(env: str | None) -> Iterator[CatalogProtocol[Any, Any]]:
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        yield session.checked_catalog()


def _replica_in(catalog: CatalogProtocol[Any, Any]) -> Replica:
    replica = catalog.get("replica")
    assert isinstance(replica, Replica)
    return replica


def published_tables(mart: Mart) -> dict[str, PublishedTable]:
    """The published tables that the mart has, by domain."""
    return {domain: table for domain, table in domains.published_tables().items() if mart.exists(table.name)}
