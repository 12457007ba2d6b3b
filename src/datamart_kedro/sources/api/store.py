"""All rows of a list, kept from run to run, so that only what changed is asked for."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from datamart_kedro.sources.api.settings import ApiSettings, Endpoint

STATE = "state.json"
LEFT_FOR_S = 3600
"""A file of rows that was replaced stays so long for a process that reads it."""


@dataclass(frozen=True)
class Stored:
    """What is known of a list.

    Attributes:
        file: Name of the Parquet file with all of its rows.
        rows: How many.
        settings: Digest of how it was read; rows read otherwise are not used.
        newest: Newest change among the rows, ISO 8601 in UTC; None if they tell none.
        full_at: When all rows were asked for, ISO 8601 in UTC.
        etag: Of the first page then.
    """

    file: str
    rows: int
    settings: str
    newest: str | None
    full_at: str
    etag: str | None


class Store:
    """The rows of one list.

    Args:
        folder: Its folder.
        settings: The `source.api` block.
        name: Of the endpoint.
    """

    def __init__(self, folder: Path, settings: ApiSettings, name: str) -> None:
        self.folder = folder
        self.endpoint = settings.endpoints[name]
        self._settings = digest_of(settings.base_url, self.endpoint)

    def read(self) -> Stored | None:
        """What is known of the list; nothing if it was read in another way, or a file is not there."""
        try:
            found = Stored(**json.loads((self.folder / STATE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        is_usable = found.settings == self._settings and (self.folder / found.file).is_file()
        return found if is_usable else None

    def path(self, stored: Stored) -> Path:
        """The file of the rows."""
        return self.folder / stored.file

    def since(self, stored: Stored, now: datetime) -> datetime | None:
        """The instant from which on changes are to be asked for; None if all rows are.

        Args:
            stored: What is known.
            now: This instant, UTC.
        """
        how = self.endpoint.incremental
        if how is None or stored.newest is None:
            return None
        if now - datetime.fromisoformat(stored.full_at) >= timedelta(hours=how.full_every_h):
            return None
        return datetime.fromisoformat(stored.newest) - timedelta(seconds=how.overlap_s)

    def replace(
        self, write: Callable[[Path], int], newest: datetime | None, full_at: datetime, etag: str | None
    ) -> Stored:
        """Put other rows in the place of those that are there, in one step.

        Args:
            write: Writes them to a file, and returns their number.
            newest: Newest change among them.
            full_at: When all rows were asked for.
            etag: Of the first page then.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"rows-{uuid.uuid4().hex}.parquet"
        rows = write(file)
        stored = Stored(
            file.name, rows, self._settings, newest.isoformat() if newest else None, full_at.isoformat(), etag
        )
        pending = self.folder / f"{file.stem}.state"
        pending.write_text(json.dumps(asdict(stored), indent=2), encoding="utf-8")
        pending.replace(self.folder / STATE)
        self._remove_replaced(file)
        return stored

    def _remove_replaced(self, current: Path) -> None:
        for file in self.folder.glob("rows-*"):
            if file != current and file.stat().st_mtime < time.time() - LEFT_FOR_S:
                file.unlink(missing_ok=True)


def digest_of(base_url: str, endpoint: Endpoint) -> str:
    """What tells one way of reading a list from another."""
    return hashlib.blake2b(f"{base_url}\0{endpoint.model_dump_json()}".encode(), digest_size=8).hexdigest()


def utc_now() -> datetime:
    """This instant, UTC."""
    return datetime.now(UTC)
