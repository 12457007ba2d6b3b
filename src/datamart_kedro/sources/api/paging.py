"""From one page to the next, and how a list ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.json_rows import FIELDS_PATH, path_of
from datamart_kedro.sources.api.settings import Cursors, Endpoint, Links, Offsets, OnePage, PageNumbers

_LINK = re.compile(r'<([^>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)')
_RELATION = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A page as far as paging looks at it.

    Attributes:
        url: Where it came from, without secrets.
        rows: How many it has.
        digest: Of its rows, in their order.
        values: Fields of the answer that were asked for.
        headers: Of the answer, in small letters.
        total: Rows of the whole list, None if it does not say.
    """

    url: str
    rows: int
    digest: str
    values: Mapping[FIELDS_PATH, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    total: int | None = None


class Fetch(Protocol):
    """Gets a page."""

    def __call__(self, url: str) -> Page:
        """The page at an address."""


def pages_of(endpoint: Endpoint, url: str, params: Mapping[str, str], fetch: Fetch, max_pages: int) -> Iterator[Page]:
    """Get the pages of a list, one after another, to its end.

    Args:
        endpoint: How it is paged.
        url: Of the list, without parameters.
        params: Parameters of the first request, besides those of paging.
        fetch: Gets a page.
        max_pages: So many at most.

    Raises:
        SourceError: The list leads back to a page that was read, or does not end.
    """
    asked = first_address(endpoint, url, params)
    seen, before, rows = {asked}, "", 0
    for number in range(1, max_pages + 1):
        page = fetch(asked)
        if page.rows and page.digest == before and endpoint.can_shift:
            raise SourceError(
                f"Pages {number - 1} and {number} of {url} have the same rows: the API does not heed the parameter"
                f" {_param(endpoint)}.",
                "Look up in the API's documentation how it is paged, and correct paging of the endpoint.",
            )
        before, rows = page.digest, rows + page.rows
        yield page
        following = _next(endpoint, asked, page, number, rows)
        if following is None:
            return
        if following in seen:
            raise SourceError(
                f"Page {number} of {url} leads back to a page that was read: the list has no end.",
                "Look up in the API's documentation how it is paged, and correct paging of the endpoint.",
            )
        seen.add(following)
        asked = following
    raise SourceError(
        f"{url} has more than {max_pages:,} pages.", "Ask for larger pages, or raise source.api.max_pages."
    )


def first_address(endpoint: Endpoint, url: str, params: Mapping[str, str]) -> str:
    """Address of the first page of a list."""
    return with_params(url, {**params, **_first(endpoint)})


def shortest_address(endpoint: Endpoint, url: str, params: Mapping[str, str]) -> str:
    """Address of a first page with one row, where the size of pages can be asked for."""
    size_param = None if isinstance(endpoint.paging, OnePage) else endpoint.paging.size_param
    return with_params(first_address(endpoint, url, params), {size_param: "1"} if size_param else {})


def with_params(url: str, params: Mapping[str, str]) -> str:
    """An address with parameters; those of the same name are replaced."""
    parts = urlsplit(url)
    kept = {name: value for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in params}
    return urlunsplit(parts._replace(query=urlencode({**kept, **params})))


def fields_wanted(endpoint: Endpoint) -> list[FIELDS_PATH]:
    """Fields of an answer that paging looks at."""
    following = endpoint.paging.next if isinstance(endpoint.paging, Cursors | Links) else None
    return [path_of(path) for path in (following, endpoint.total) if path]


def link_to_next(header: str) -> str | None:
    """The address that a `Link` header (RFC 8288) gives for the next page."""
    for address, attributes in _LINK.findall(header):
        relations = " ".join(quoted or plain for quoted, plain in _RELATION.findall(attributes))
        if "next" in relations.lower().split():
            return str(address).strip()
    return None


def _first(endpoint: Endpoint) -> dict[str, str]:
    """Parameters of paging of the first request."""
    paging = endpoint.paging
    if isinstance(paging, OnePage):
        return {}
    size = {paging.size_param: str(paging.size)} if paging.size_param else {}
    if isinstance(paging, PageNumbers):
        return {**size, paging.param: str(paging.first)}
    return {**size, paging.param: "0"} if isinstance(paging, Offsets) else size


def _next(endpoint: Endpoint, asked: str, page: Page, number: int, rows: int) -> str | None:
    """Address of the next page, None after the last.

    Args:
        endpoint: How it is paged.
        asked: Address of this page.
        page: It.
        number: Its number, counted from 1.
        rows: Rows of all pages so far.
    """
    paging = endpoint.paging
    if isinstance(paging, OnePage):
        return None
    if isinstance(paging, Cursors):
        cursor = page.values.get(path_of(paging.next))
        return None if _is_nothing(cursor) else with_params(asked, {paging.param: str(cursor)})
    if isinstance(paging, Links):
        told = page.values.get(path_of(paging.next)) if paging.next else link_to_next(page.headers.get("link", ""))
        return None if _is_nothing(told) else _joined(asked, str(told))
    # A page that is not full proves nothing: the API may give fewer rows than were asked for.
    if page.rows == 0 or (page.total is not None and rows >= page.total):
        return None
    at = paging.first + number if isinstance(paging, PageNumbers) else rows
    return with_params(asked, {paging.param: str(at)})


def _joined(asked: str, told: str) -> str:
    try:
        return urljoin(asked, told)
    except ValueError:
        path = urlsplit(asked).path
        raise SourceError(
            f"A page of {path} tells of a next page whose address is none.", "Ask whoever runs the API."
        ) from None


def _is_nothing(told: Any) -> bool:
    return told is None or told is False or told == ""


def _param(endpoint: Endpoint) -> str:
    return endpoint.paging.param if isinstance(endpoint.paging, PageNumbers | Offsets) else ""
