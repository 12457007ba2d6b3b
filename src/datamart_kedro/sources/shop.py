"""The shop: the one source of an environment, opened at first use and shared by all datasets of a run."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import duckdb
from pydantic import BaseModel, ConfigDict, Field

from datamart_kedro.config import settings_of
from datamart_kedro.errors import SourceError
from datamart_kedro.sources.parts import SourceParts
from datamart_kedro.sources.state import SourceState

if TYPE_CHECKING:
    from datamart_kedro.sources.api.settings import ApiSettings


class Shop(Protocol):
    """Where rows come from."""

    def place(self, query: str) -> str:
        """Where the query reads, for messages; no secrets."""

    def check(self, query: str) -> SourceState:
        """A cheap look at what the query would give."""

    def describe(self, query: str) -> dict[str, str]:
        """Columns of the query with the engine's types."""

    def extract(
        self, query: str, mart: duckdb.DuckDBPyConnection, table: str, on_rows: Callable[[int], None] | None = None
    ) -> int:
        """Make a temporary table or view of the rows and return their number."""

    def parts(
        self, query: str, mart: duckdb.DuckDBPyConnection, name: str, on_rows: Callable[[int], None] | None = None
    ) -> SourceParts:
        """The rows of the query, to be asked for in parts; what that needs is kept under the name until closed."""

    def confirm(self) -> None:
        """Make sure that what was read is what was checked; refuse otherwise."""

    def close(self) -> None:
        """Let go of connections and temporary files."""


class ShopSettings(BaseModel):
    """The `source` block of ``globals.yml``.

    Attributes:
        kind: files, postgres or api.
        queries: Folder with one SELECT per domain.
        encodings: See `FileSource`.
        allow_empty: May a domain have no rows? If not, an empty source stops the run.
        connect_timeout_s: Seconds to wait for a connection.
        statement_timeout_s: Seconds after which the server ends a statement.
        attempts: How often a connection is tried.
        api: See `ApiSettings`; it is looked at where the kind is api.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["files", "postgres", "api"]
    queries: str
    encodings: dict[str, str] = Field(default_factory=dict)
    allow_empty: bool = False
    connect_timeout_s: Annotated[int, Field(ge=1, le=3600)] = 10
    statement_timeout_s: Annotated[int, Field(ge=1, le=86_400)] = 3600
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    api: dict[str, Any] | None = None


_OPEN: dict[str, Shop] = {}


def open_shop(settings: ShopSettings, project: Path, temp_folder: Path, credentials: Mapping[str, Any]) -> Shop:
    """The one shop of this process for these settings."""
    secrets = json.dumps(dict(credentials), sort_keys=True, default=str)
    address = hashlib.blake2b(secrets.encode(), digest_size=16).hexdigest()
    key = f"{settings!r} {project} {address}"
    if key not in _OPEN:
        _OPEN[key] = _make_shop(settings, project, temp_folder, credentials)
    return _OPEN[key]


def confirm_shops() -> None:
    """Ask every shop whether what was read is what was checked, before it is published.

    Raises:
        SourceError: It changed in between.
    """
    for shop in _OPEN.values():
        shop.confirm()


def close_shops() -> None:
    """End the snapshot of every shop: the next look sees it as it is then."""
    while _OPEN:
        _OPEN.popitem()[1].close()


def remove_kept(settings: ShopSettings, project: Path) -> Path | None:
    """Remove what was kept of a shop's answers; the next run asks for all of them.

    Returns:
        The folder that is gone; None if nothing was kept.
    """
    if settings.kind != "api":
        return None
    folder = project / _api_settings(settings).pages
    if not folder.exists():
        return None
    shutil.rmtree(folder)
    return folder


def _api_settings(settings: ShopSettings) -> ApiSettings:
    from datamart_kedro.sources.api.settings import ApiSettings

    return settings_of(ApiSettings, "source.api", settings.api or {})


def _make_shop(settings: ShopSettings, project: Path, temp_folder: Path, credentials: Mapping[str, Any]) -> Shop:
    if settings.kind == "files":
        from datamart_kedro.sources.files import FileSource

        return FileSource(project, temp_folder, settings.encodings)
    if settings.kind == "api":
        from datamart_kedro.sources.api.source import ApiSource

        return ApiSource(
            _api_settings(settings),
            project,
            temp_folder,
            credentials,
            attempts=settings.attempts,
            connect_timeout_s=settings.connect_timeout_s,
        )
    url = credentials.get("url")
    if not url:
        raise SourceError(
            "The address of the shop's PostgreSQL is not known.",
            "Set DATAMART_SHOP_URL, such as postgresql://reader:password@host:5432/shop, or write"
            " `shop: {url: ...}` into conf/local/credentials.yml.",
        )
    from datamart_kedro.sources.postgres import PostgresSource

    return PostgresSource(
        url,
        connect_timeout_s=settings.connect_timeout_s,
        statement_timeout_s=settings.statement_timeout_s,
        attempts=settings.attempts,
    )
