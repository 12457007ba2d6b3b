"""A list of rows, read to its end and proven to be whole."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.json_rows import NoRowsError, line_of, path_of, read_answer, value_at
from datamart_kedro.sources.api.paging import Page, fields_wanted, first_address, pages_of, shortest_address
from datamart_kedro.sources.api.settings import ApiSettings, Endpoint

logger = logging.getLogger(__name__)

ROWS = "rows.ndjson"
MAX_FIELDS = 10_000
SUM_OF = 1 << 64
"""Digests of rows are added up modulo this: their order does not matter."""


class ChangedError(Exception):
    """A list changed while it was read."""


@dataclass
class Reading:
    """The rows of one reading of a list.

    Attributes:
        file: One row a line, JSON.
        rows: How many.
        content: Sum of their digests, whatever their order.
        columns: Fields of the rows, in the order in which they came.
        total: Rows that the list has, as the API says; None if it does not.
        newest: Newest change among the rows, if they are asked for by change; UTC.
        etag: Of the first page.
    """

    file: Path
    rows: int = 0
    content: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    total: int | None = None
    newest: datetime | None = None
    etag: str | None = None


def read_list(
    client: Client,
    settings: ApiSettings,
    name: str,
    folder: Path,
    repeated_keys: Callable[[Reading, Endpoint], int],
    since: datetime | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> Reading:
    """Read a list, again if it changes meanwhile.

    Args:
        client: Asks the API.
        settings: The `source.api` block.
        name: Of the endpoint.
        folder: Gets a folder of pages for each reading, and the rows.
        repeated_keys: Counts rows of a reading whose key is that of another.
        since: Ask only for rows that changed at this instant or later; for all if absent.
        on_rows: Told how many there are so far.

    Raises:
        SourceError: The API cannot be read, or the list changed in every reading.
    """
    endpoint = settings.endpoints[name]
    before: Reading | None = None
    reason = ""
    for attempt in range(1, settings.readings + 1):
        pages = folder / f"reading_{attempt}"
        try:
            reading = _read_once(client, settings, endpoint, pages, folder / ROWS, since, on_rows)
        except ChangedError as changed:
            before, reason = None, str(changed)
            logger.warning("%s: %s; it is read again.", name, reason)
            continue
        doubt = _doubt(reading, endpoint, repeated_keys)
        if not doubt or (before and (before.rows, before.content) == (reading.rows, reading.content)):
            return reading
        before, reason = reading, doubt
        logger.info("%s: %s, so it is read once more.", name, reason)
    raise SourceError(
        f"{client.place(address_of(settings, endpoint))} changed in each of {settings.readings} readings: {reason}.",
        "Run again when fewer people write; page by cursor if the API can; or raise source.api.readings.",
    )


def total_of(client: Client, settings: ApiSettings, name: str, folder: Path) -> int | None:
    """How many rows a list has in all, as its first page says; None if the API does not tell.

    Args:
        client: Asks the API.
        settings: The `source.api` block.
        name: Of the endpoint.
        folder: Gets the page.
    """
    endpoint = settings.endpoints[name]
    if endpoint.total is None and endpoint.total_header is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ROWS).open("wb") as lines:
        taker = _PageTaker(client, settings, endpoint, folder, lines, Reading(folder / ROWS))
        url = shortest_address(endpoint, address_of(settings, endpoint), params_of(endpoint, None))
        return taker.fetch(url).total


def is_as_known(client: Client, settings: ApiSettings, name: str, file: Path, etag: str) -> bool:
    """Does the API say that the first page of a list is as it was?

    Args:
        client: Asks the API.
        settings: The `source.api` block.
        name: Of the endpoint.
        file: Gets the page if it is not.
        etag: Of the page that is known.
    """
    endpoint = settings.endpoints[name]
    url = first_address(endpoint, address_of(settings, endpoint), params_of(endpoint, None))
    return client.get(url, file, lambda headers: headers.get("etag"), {"If-None-Match": etag}) in (None, etag)


def address_of(settings: ApiSettings, endpoint: Endpoint) -> str:
    """Address of a list, without parameters."""
    return f"{settings.base_url}/{endpoint.path.lstrip('/')}"


def params_of(endpoint: Endpoint, since: datetime | None) -> dict[str, str]:
    """Parameters of a list, besides those of paging.

    Args:
        endpoint: The list.
        since: Ask only for rows that changed at this instant, UTC, or later.
    """
    fixed = {name: _text(value) for name, value in endpoint.params.items()}
    if since is None or endpoint.incremental is None:
        return fixed
    is_iso = endpoint.incremental.format == "iso"
    written = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if is_iso else str(int(since.timestamp()))
    return {**fixed, endpoint.incremental.param: written}


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_once(
    client: Client,
    settings: ApiSettings,
    endpoint: Endpoint,
    folder: Path,
    file: Path,
    since: datetime | None,
    on_rows: Callable[[int], None] | None,
) -> Reading:
    """Read the pages of a list once.

    Raises:
        ChangedError: The number of rows that the API tells changed, or is another than came.
        SourceError: The API cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reading = Reading(file)
    with file.open("wb") as lines:
        taker = _PageTaker(client, settings, endpoint, folder, lines, reading)
        params = params_of(endpoint, since)
        url = address_of(settings, endpoint)
        for page in pages_of(endpoint, url, params, taker.fetch, settings.max_pages):
            _watch_total(reading, page)
            if on_rows:
                on_rows(reading.rows)
    if reading.total is not None and reading.total != reading.rows:
        raise ChangedError(f"the API tells of {reading.total:,} rows, and {reading.rows:,} came")
    return reading


def _watch_total(reading: Reading, page: Page) -> None:
    if page.total is None:
        return
    if reading.total is not None and page.total != reading.total:
        raise ChangedError(f"the API told of {reading.total:,} rows at first, and of {page.total:,} later")
    reading.total = page.total


def _doubt(reading: Reading, endpoint: Endpoint, repeated_keys: Callable[[Reading, Endpoint], int]) -> str:
    """Why one reading does not prove that no row is missing; empty if it does."""
    if endpoint.is_read_twice:
        return "rows can shift from page to page unseen"
    if endpoint.can_shift and endpoint.read_twice is None and (repeated := repeated_keys(reading, endpoint)):
        return f"{repeated:,} row{'s' if repeated > 1 else ''} came twice, as if rows had shifted from page to page"
    return ""


class _PageTaker:
    """Gets pages, keeps them, and appends their rows to a file."""

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
        content, columns, newest = 0, dict(self._reading.columns), self._reading.newest

        def on_row(row: dict[str, Any]) -> None:
            nonlocal content, newest
            line = line_of(row)
            self._lines.write(line)
            digest.update(line)
            content += int.from_bytes(hashlib.blake2b(line, digest_size=8).digest())
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
        reading.columns, reading.newest = columns, newest
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
