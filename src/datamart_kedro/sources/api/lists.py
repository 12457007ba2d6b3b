"""The lists of an API in one run: each is read once, or brought up to date if it is kept from run to run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter

import duckdb

from datamart_kedro.errors import SourceError
from datamart_kedro.progress import progress
from datamart_kedro.sources.api import relation
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.kept import begin_folder, end_folder
from datamart_kedro.sources.api.page_taker import Reading, address_of
from datamart_kedro.sources.api.reading import ROWS, is_as_known, read_list, total_of
from datamart_kedro.sources.api.settings import ApiSettings, Endpoint
from datamart_kedro.sources.api.store import Store, Stored, utc_now

logger = logging.getLogger(__name__)

STORE = "store"


class Lists:
    """What the endpoints of an API give.

    Args:
        client: Asks the API.
        settings: The `source.api` block.
        project: Folder that relative paths start from.
        temp_folder: Where the engine spills what does not fit into memory.
    """

    def __init__(self, client: Client, settings: ApiSettings, project: Path, temp_folder: Path) -> None:
        self.pages = project / settings.pages
        self._client = client
        self._settings = settings
        self._project = project
        self._temp_folder = temp_folder
        self._folder: Path | None = None
        self._selects: dict[str, str] = {}

    def select(self, name: str) -> str:
        """SELECT of all rows of a list, which is read if it was not.

        Raises:
            SourceError: It cannot be read whole.
        """
        if name not in self._selects:
            endpoint = self._settings.endpoints[name]
            is_stored = endpoint.incremental is not None or endpoint.etag_covers_list
            self._selects[name] = self._of_store(name) if is_stored else self._of_reading(name, self._read(name))
        return self._selects[name]

    def place(self, name: str) -> str:
        """The address of a list, for messages."""
        return self._client.place(address_of(self._settings, self._settings.endpoints[name]))

    @contextmanager
    def engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An engine beside the mart."""
        with relation.engine(self._project, self._temp_folder) as engine:
            yield engine

    def close(self) -> None:
        """Keep the pages of this run, or not, and forget what was made of them."""
        self._selects.clear()
        if self._folder is not None:
            end_folder(self._folder, ROWS, is_kept=self._settings.keep_days > 0)
        self._folder = None

    def _read(self, name: str, since: datetime | None = None) -> Reading:
        """Read a list; `since` asks only for what changed at that instant or later."""
        started, asked = perf_counter(), self._client.requests
        folder = self._run_folder() / (f"{name}_changes" if since else name)
        with progress(f"{name} of the API") as show:
            reading = read_list(
                self._client,
                self._settings,
                name,
                folder,
                self._repeated_keys,
                since,
                on_rows=lambda rows: show(f"{rows:,} rows"),
            )
        logger.info(
            "%s of the API: %s rows%s in %s requests, %.1f s",
            name,
            f"{reading.rows:,}",
            f" that changed since {since:%Y-%m-%d %H:%M:%S}" if since else "",
            f"{self._client.requests - asked:,}",
            perf_counter() - started,
        )
        lacking = [field for field in self._settings.endpoints[name].key if field not in reading.columns]
        if reading.rows and lacking:
            raise SourceError(
                f"Rows of {self.place(name)} have no field {', '.join(lacking)}; they have"
                f" {', '.join(list(reading.columns)[:20])}.",
                "Correct key of the endpoint.",
            )
        return reading

    def _run_folder(self) -> Path:
        if self._folder is None:
            self._folder = begin_folder(self.pages, self._settings.keep_days)
        return self._folder

    def _of_reading(self, name: str, reading: Reading) -> str:
        columns = list(reading.columns)
        columns += [field for field in self._settings.endpoints[name].fields if field not in reading.columns]
        if not columns:
            raise SourceError(
                f"{self.place(name)} has no rows, so that its fields are not known.",
                "Check path, params and rows of the endpoint, and what the secret may read. If no rows are right, name"
                " its fields under fields.",
            )
        return relation.lines(reading.file, columns, reading.longest)

    def _repeated_keys(self, reading: Reading, endpoint: Endpoint) -> int:
        if not reading.columns:
            return 0
        key = endpoint.key if set(endpoint.key) <= reading.columns.keys() else ()
        with self.engine() as engine:
            return relation.repeated_keys(
                engine, relation.lines(reading.file, list(reading.columns), reading.longest), key
            )

    def _of_store(self, name: str) -> str:
        """SELECT of the rows that are kept from run to run, brought up to date."""
        store, started_at = Store(self.pages / STORE / name, self._settings, name), utc_now()
        stored = store.read()
        if stored is not None and store.endpoint.etag_covers_list:
            stored = stored if self._is_unchanged(name, stored) else None
        elif stored is not None:
            since = store.since(stored, started_at)
            stored = self._brought_forward(store, name, stored, since, started_at) if since else None
        return relation.stored(store.path(stored or self._read_whole(store, name, started_at)))

    def _is_unchanged(self, name: str, stored: Stored) -> bool:
        """Does the API say that the list is as it was?"""
        file = self._run_folder() / f"{name}_etag.json"
        return bool(stored.etag) and is_as_known(self._client, self._settings, name, file, stored.etag or "")

    def _brought_forward(
        self, store: Store, name: str, stored: Stored, since: datetime, started_at: datetime
    ) -> Stored | None:
        """The rows with those that changed put in their place; None if some are gone, so that all have to be read."""
        changes = self._read(name, since)
        if changes.rows:
            stored = self._merged(store, stored, changes, started_at)
        total = total_of(self._client, self._settings, name, self._run_folder() / f"{name}_total")
        return stored if total in (None, stored.rows) else None

    def _merged(self, store: Store, stored: Stored, changes: Reading, started_at: datetime) -> Stored:
        old, key = relation.stored(store.path(stored)), store.endpoint.key
        before = datetime.fromisoformat(stored.newest) if stored.newest else None
        newest = max((at for at in (before, _not_after(started_at, changes.newest)) if at), default=None)
        full_at = datetime.fromisoformat(stored.full_at)
        with self.engine() as engine:
            known_columns = relation.columns_of(engine, old)
            columns = [*known_columns, *(name for name in changes.columns if name not in known_columns)]
            new = relation.lines(changes.file, columns, changes.longest)
            if not relation.count_unknown(engine, old, new, key):
                return stored
            return store.replace(lambda file: relation.merge(engine, old, new, key, file), newest, full_at, None)

    def _read_whole(self, store: Store, name: str, started_at: datetime) -> Stored:
        """Read all rows, and keep them."""
        reading = self._read(name)
        select = self._of_reading(name, reading)
        newest = _not_after(started_at, reading.newest)
        if newest is None and (how := store.endpoint.incremental):
            logger.warning(
                "%s of the API: no row has an instant in %s, so that all rows are asked for each time.",
                name,
                how.updated_at,
            )
        with self.engine() as engine:
            return store.replace(lambda file: relation.write(engine, select, file), newest, started_at, reading.etag)


def _not_after(started_at: datetime, newest: datetime | None) -> datetime | None:
    """The newest change that counts: what changed while a list was read may lie on a page that was read before."""
    return min(newest, started_at) if newest else None
