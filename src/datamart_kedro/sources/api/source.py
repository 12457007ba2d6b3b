"""An API as a source: its lists, read whole before anything is decided, and then by the domain's SELECT."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import quoted
from datamart_kedro.sources.api import relation
from datamart_kedro.sources.api.access import Access
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.lists import Lists
from datamart_kedro.sources.api.settings import ApiSettings
from datamart_kedro.sources.parts import LocalParts
from datamart_kedro.sources.query import require_own_names
from datamart_kedro.sources.state import SourceState


class ApiSource:
    """The lists of an API, as tables with the names that `source.api.endpoints` gives them.

    A list is read once in a run, at the first look at it: what was checked is what is extracted.

    Args:
        settings: The `source.api` block.
        project: Folder that relative paths start from.
        temp_folder: Where the engine spills what does not fit into memory.
        credentials: The `shop` entry.
        attempts: How often a request is tried.
        connect_timeout_s: Seconds to wait for a connection.

    Raises:
        SourceError: A secret is missing.
    """

    def __init__(
        self,
        settings: ApiSettings,
        project: Path,
        temp_folder: Path,
        credentials: Mapping[str, Any] | None,
        *,
        attempts: int,
        connect_timeout_s: float,
    ) -> None:
        access = Access(settings.base_url, settings.authentication, settings.name, credentials)
        self._settings = settings
        self._client = Client(settings, access, attempts=attempts, connect_timeout_s=connect_timeout_s)
        self._lists = Lists(self._client, settings, project, temp_folder)

    def __repr__(self) -> str:
        return f"ApiSource({self._settings.base_url!r})"

    def place(self, query: str) -> str:
        """The addresses that the query reads, for messages."""
        return ", ".join(self._lists.place(name) for name in self._names(query)) or self._settings.base_url

    def check(self, query: str) -> SourceState:
        """Read the lists of the query, unless they were read before, and fingerprint the rows that it gives.

        Raises:
            SourceError: The API cannot be read, or the query not be answered.
        """
        with self._asked(query) as (engine, select):
            rows, content = engine.execute(
                f"SELECT count(*), coalesce(sum(hash(source)), 0) FROM ({select}) AS source"
            ).fetchall()[0]
        return SourceState(rows=int(rows), newest_updated_at=None, fingerprint=f"api:{rows}:{content}")

    def describe(self, query: str) -> dict[str, str]:
        """Columns of the query with the engine's types.

        Raises:
            SourceError: The API cannot be read, or the query not be answered.
        """
        with self._asked(query) as (engine, select):
            found = engine.execute(f"DESCRIBE {select}").fetchall()
        require_own_names(str(name) for name, *_ in found)
        return {str(name): str(kind) for name, kind, *_ in found}

    def extract(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        table: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> int:
        """Make a temporary table of the rows.

        Returns:
            Number of rows.

        Raises:
            SourceError: The API cannot be read, or the query not be answered.
        """
        with self._clear_errors(query):
            mart.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(table)} AS {self._select(query)}")
            ((rows,),) = mart.execute(f"SELECT count(*) FROM temp.{quoted(table)}").fetchall()
        if on_rows:
            on_rows(rows)
        return int(rows)

    def parts(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        name: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> LocalParts:
        """The rows, to be asked for in parts: the lists lie on the disk, whole.

        Raises:
            SourceError: As for `extract`.
        """
        return LocalParts(mart, name, "TABLE", self.extract(query, mart, name, on_rows))

    def confirm(self) -> None:
        """Nothing to ask: what was checked lies on the disk, and nothing else was read."""

    def close(self) -> None:
        """Let go of connections, and of what was made of the pages."""
        self._client.close()
        self._lists.close()

    def _names(self, query: str) -> list[str]:
        """The lists that a query reads."""
        return sorted(relation.names_in(query) & self._settings.endpoints.keys())

    def _select(self, query: str) -> str:
        return relation.over(query, {name: self._lists.select(name) for name in self._names(query)})

    @contextmanager
    def _asked(self, query: str) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
        """An engine, and the query as it can be asked there."""
        with self._clear_errors(query):
            select = self._select(query)
            with self._lists.engine() as engine:
                yield engine, select

    @contextmanager
    def _clear_errors(self, query: str) -> Iterator[None]:
        """Say in one message what the engine says in twenty lines, and what the disk refuses."""
        try:
            yield
        except duckdb.Error as error:
            raise relation.refusal_of(error, self.place(query), list(self._settings.endpoints)) from None
        except OSError as error:
            raise SourceError(
                f"What {self.place(query)} answers cannot be kept: {error.strerror or type(error).__name__}.",
                f"Make room in {self._lists.pages}, or set source.api.pages to another folder.",
            ) from None
