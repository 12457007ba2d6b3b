"""The mart of a command's environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datamart_kedro.columns import PublishedTable
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, MartSettings, mart_at
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.session import GatedSession


@contextmanager
def open_mart(env: str | None, *, write: bool = False) -> Iterator[Mart]:
    """Open the mart that ``globals.yml`` of an environment names, and close it afterwards.

    Raises:
        MartFileError: There is none yet, or another process writes it.
    """
    with GatedSession.create(Path.cwd(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        settings = session.load_context().config_loader["globals"]["mart"]
        mart = mart_at(MartSettings(**settings))
    try:
        mart.open(write=write)
        yield mart
    finally:
        mart.close()


def published_tables(mart: Mart) -> dict[str, PublishedTable]:
    """The published tables that the mart has, by domain."""
    tables = {domain: published_table(domain) for domain in DOMAINS}
    return {domain: table for domain, table in tables.items() if mart.exists(table.name)}
