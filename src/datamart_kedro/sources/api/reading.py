"""A list of rows, read to its end and proven to be whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.page_taker import PageTaker, Reading, address_of
from datamart_kedro.sources.api.paging import first_address, pages_of, shortest_address
from datamart_kedro.sources.api.settings import ApiSettings, Endpoint

logger = logging.getLogger(__name__)

ROWS = "rows.ndjson"


class ChangedError(Exception):
    """A list changed while it was read."""


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
        taker = PageTaker(client, settings, endpoint, folder, lines, Reading(folder / ROWS))
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
    found = client.get(url, file, lambda headers: headers.get("etag", ""), {"If-None-Match": etag})
    return found is None or found == etag


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
        taker = PageTaker(client, settings, endpoint, folder, lines, reading)
        params = params_of(endpoint, since)
        url = address_of(settings, endpoint)
        for page in pages_of(endpoint, url, params, taker.fetch, settings.max_pages):
            if page.total is not None:
                reading.totals.append(page.total)
            _require_steady(reading, endpoint)
            if on_rows:
                on_rows(reading.rows)
    if reading.totals and not min(reading.totals) <= reading.rows <= max(reading.totals):
        raise ChangedError(f"the API tells of {reading.totals[-1]:,} rows, and {reading.rows:,} came")
    return reading


def _require_steady(reading: Reading, endpoint: Endpoint) -> None:
    """See that no row came or went while pages are asked for by number: the others would have moved.

    Where each page tells where the next begins, nothing moves: the list may grow while it is read.
    """
    if endpoint.can_shift and len(set(reading.totals)) > 1:
        raise ChangedError(f"the API told of {reading.totals[0]:,} rows at first, and of {reading.totals[-1]:,} later")


def _doubt(reading: Reading, endpoint: Endpoint, repeated_keys: Callable[[Reading, Endpoint], int]) -> str:
    """Why one reading does not prove that no row is missing; empty if it does."""
    if endpoint.is_read_twice:
        return "rows can shift from page to page unseen"
    if endpoint.can_shift and endpoint.read_twice is None and (repeated := repeated_keys(reading, endpoint)):
        return f"{repeated:,} row{'s' if repeated > 1 else ''} came twice, as if rows had shifted from page to page"
    return ""
