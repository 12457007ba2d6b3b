"""Pages of a list: got, kept as they came, and made into rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.json_rows import NoRowsError, line_of, path_of, read_answer, value_at
from datamart_kedro.sources.api.paging import Page, fields_wanted
from datamart_kedro.sources.api.settings import ApiSettings, Endpoint

MAX_FIELDS = 10_000
SUM_OF = 1 << 64
"""Digests of rows are added up modulo this: their order does not matter."""


@dataclass
class Reading:
    """The rows of one reading of a list.

    Attributes:
        file: One row a line, JSON.
        rows: How many.
        content: Sum of their digests, whatever their order.
        longest: Bytes of the longest.
        columns: Fields of the rows, in the order in which they came.
        totals: Rows that the list has, as each page says.
        newest: Newest change among the rows, if they are asked for by change; UTC.
        etag: Of the first page.
    """

    file: Path
    rows: int = 0
    content: int = 0
    longest: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)
    newest: datetime | None = None
    etag: str | None = None


def address_of(settings: ApiSettings, endpoint: Endpoint) -> str:
    """Address of a list, without parameters."""
    return f"{settings.base_url}/{endpoint.path.lstrip('/')}"


class PageTaker:
    """Gets pages, keeps them, and appends their rows to a file.

    Args:
        client: Asks the API.
        settings: The `source.api` block.
        endpoint: The list.
        folder: Gets the pages.
        lines: Gets the rows.
        reading: What is known of them; it grows.
    """

    def __init__(
        self, client: Client, settings: ApiSettings, endpoint: Endpoint, folder: Path, lines: BinaryIO, reading: Reading
    ) -> None:
        self._client = client
        self._settings = settings
        self._endpoint = endpoint
        self._folder = folder
        self._lines = lines
        self._reading = reading
        self._pages = 0

    def fetch(self, url: str) -> Page:
        """The page at an address; its rows are in the file."""
        self._client.require_home(url, address_of(self._settings, self._endpoint))
        bare = self._client.without_key(url)
        self._pages += 1
        file = self._folder / f"{self._pages:06}.json"
        before = self._lines.tell()
        page = self._client.get(bare, file, lambda headers: self._take(bare, file, headers, before))
        assert page is not None  # nothing was said of what is known
        if self._pages == 1:
            self._reading.etag = page.headers.get("etag")
        return page

    def _take(self, url: str, file: Path, headers: Mapping[str, str], before: int) -> Page:
        """Append the rows of an answer; what an earlier attempt appended goes."""
        self._lines.seek(before)
        self._lines.truncate()
        digest = hashlib.blake2b(digest_size=16)
        content, longest = 0, self._reading.longest
        columns, newest = dict(self._reading.columns), self._reading.newest

        def on_row(row: dict[str, Any]) -> None:
            nonlocal content, longest, newest
            line = line_of(row)
            self._lines.write(line)
            digest.update(line)
            content += int.from_bytes(hashlib.blake2b(line, digest_size=8).digest())
            longest = max(longest, len(line))
            columns.update(dict.fromkeys(row))
            newest = _newer(newest, row, self._endpoint)

        endpoint = self._endpoint
        answer = read_answer(
            file, path_of(endpoint.rows), fields_wanted(endpoint), on_row, max_row=self._settings.max_row_mb << 20
        )
        if len(columns) > MAX_FIELDS:
            raise NoRowsError(f"rows of more than {MAX_FIELDS:,} different fields: are ids used as names?")
        total = headers.get((endpoint.total_header or "").lower()) or answer.values.get(path_of(endpoint.total))
        page = Page(url, answer.rows, digest.hexdigest(), answer.values, headers, self._whole_number(total))
        reading = self._reading
        reading.rows += answer.rows
        reading.content = (reading.content + content) % SUM_OF
        reading.longest, reading.columns, reading.newest = longest, columns, newest
        return page

    def _whole_number(self, total: Any) -> int | None:
        """How many rows there are in all.

        Raises:
            SourceError: The API should tell it, and does not.
        """
        endpoint = self._endpoint
        if (endpoint.total is None and endpoint.total_header is None) or (total is None and self._pages > 1):
            return None
        with suppress(TypeError, ValueError):
            return int(total)
        place = self._client.place(address_of(self._settings, endpoint))
        raise SourceError(
            f"{place} does not tell the number of its rows in {endpoint.total_header or endpoint.total}.",
            "Correct total or total_header of the endpoint, or leave it out: then the list is read twice.",
        )


def _newer(newest: datetime | None, row: Mapping[str, Any], endpoint: Endpoint) -> datetime | None:
    """The newer of an instant and the last change of a row."""
    if endpoint.incremental is None:
        return None
    at = instant_of(value_at(row, path_of(endpoint.incremental.updated_at)))
    return at if at and (newest is None or at > newest) else newest


def instant_of(told: Any) -> datetime | None:
    """An instant as an API writes it: ISO 8601, UTC without an offset, or seconds since 1970; None if it is neither."""
    with suppress(ValueError, TypeError, OverflowError, OSError):
        if isinstance(told, int) and not isinstance(told, bool):
            return datetime.fromtimestamp(told, UTC)
        at = datetime.fromisoformat(str(told))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    return None
