"""Requests to an API: one at a time, each answer whole in a file or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from datamart_kedro import __version__
from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.access import Access, origin
from datamart_kedro.sources.api.causes import cause_of
from datamart_kedro.sources.api.json_rows import NoJsonError, NoRowsError
from datamart_kedro.sources.api.retries import LostError, ask_again, retry_after
from datamart_kedro.sources.api.settings import LOOPBACK, ApiSettings

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

logger = logging.getLogger(__name__)

Taken = TypeVar("Taken")

CHUNK = 1 << 16
MOVED = (301, 302, 303, 307, 308)
MAX_MOVES = 5
BUSY = (408, 425, 429)
"""Refusals that pass; so do those from 500 on."""
FOR_GOOD = (501, 505)
LATER = "Run again later; if it goes on, ask whoever runs the API."


class Client:
    """What asks an API.

    Args:
        settings: The `source.api` block.
        access: What requests carry.
        attempts: How often a request is tried.
        connect_timeout_s: Seconds to wait for a connection.
    """

    def __init__(self, settings: ApiSettings, access: Access, *, attempts: int, connect_timeout_s: float) -> None:
        self._settings = settings
        self._access = access
        self._attempts = attempts
        self._connect_timeout_s = connect_timeout_s
        self._pool: PoolManager | None = None
        self._next_at = 0.0
        self.requests = 0

    def __repr__(self) -> str:
        return f"Client({self._settings.base_url!r})"

    def place(self, url: str) -> str:
        """An address for messages: without parameters, which may be secret."""
        parts = urlsplit(url)
        return self._access.without_secrets(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")

    def require_home(self, url: str, said_by: str) -> None:
        """Refuse to go on at another address than that of the API.

        Raises:
            SourceError: It is another.
        """
        if not self._access.is_at_home(url):
            raise SourceError(
                f"{self.place(said_by)} says that its next page is at {self.place(url)}, which is not the API's place.",
                "Set source.api.base_url to the address that the API gives for itself, or ask whoever runs it.",
            )

    def without_key(self, url: str) -> str:
        """An address without the key, which the API may have written into it."""
        return self._access.without_key(url)

    def get(
        self,
        url: str,
        file: Path,
        take: Callable[[Mapping[str, str]], Taken],
        headers: Mapping[str, str] | None = None,
    ) -> Taken | None:
        """Ask for a page, and again as long as it does not come whole.

        Args:
            url: Where, without secrets.
            file: Gets the answer as it came; what was there before is replaced.
            take: Makes something of the file; told the headers of the answer.
            headers: More headers to send.

        Returns:
            What was made of it; None if the page is as the headers say that it is known.

        Raises:
            SourceError: The API cannot be reached, refuses, or answers something else than rows.
        """
        return ask_again(
            self._attempts, self._settings.longest_wait_s, lambda: self._get_once(url, file, take, headers or {})
        )

    def close(self) -> None:
        """Let go of connections."""
        if self._pool is not None:
            self._pool.clear()
        self._pool = None

    def _get_once(
        self, url: str, file: Path, take: Callable[[Mapping[str, str]], Taken], headers: Mapping[str, str]
    ) -> Taken | None:
        place = self.place(url)
        with self._answer(url, headers) as response:
            if response.status == HTTPStatus.NOT_MODIFIED and headers:
                return None
            if response.status != HTTPStatus.OK:
                self._refuse(response, place)
            self._keep(response, file, place)
            told = {name.lower(): value for name, value in response.headers.items()}
        try:
            return take(told)
        except NoJsonError as error:
            said, kind = str(error), told.get("content-type", "of no type").partition(";")[0]
        except NoRowsError as error:
            raise SourceError(
                f"{place} answers with {error}.",
                "Name the place of the list in source.api.endpoints: rows, as in `rows: data.items`.",
            ) from None
        raise LostError(f"{place} does not answer with JSON: {said} ({kind}, {file.stat().st_size:,} bytes).", LATER)

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[BaseHTTPResponse]:
        """The answer to a request, wherever the API sends us; its body is not read yet."""
        asked = url
        for _ in range(MAX_MOVES + 1):
            response = self._request(asked, headers)
            try:
                location = response.headers.get("Location")
                if response.status not in MOVED or not location:
                    yield response
                    return
            finally:
                response.close()
            asked = self._moved(asked, location)
        raise SourceError(
            f"{self.place(url)} sends us on more than {MAX_MOVES} times.", "Correct source.api.base_url or the path."
        )

    def _moved(self, asked: str, location: str) -> str:
        """Where a redirect leads. Secrets do not go along to another address."""
        try:
            to = urljoin(asked, location)
        except ValueError:
            to = ""
        scheme, host, _ = origin(to)
        if scheme not in ("http", "https") or not host:
            raise SourceError(f"{self.place(asked)} sends us to what is no web address.", "Ask whoever runs the API.")
        if not self._access.is_at_home(to):
            logger.warning("%s sends us to %s, which is asked without secrets.", self.place(asked), self.place(to))
        return to

    def _request(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError, SSLError

        self._wait_for_turn()
        own = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"datamart-kedro/{__version__}"}
        try:
            return self._opened().request(
                "GET",
                self._access.address(url),
                headers={**own, **headers, **self._access.headers(url)},
                timeout=Timeout(connect=self._connect_timeout_s, read=self._settings.timeout_s),
                preload_content=False,
                redirect=False,
                retries=False,
            )
        except HTTPError as error:
            cause, is_final = cause_of(error, self._settings.timeout_s), isinstance(error, SSLError)
        # Outside of the block, so that what the library says, which may hold the address, is not in the chain.
        happened = f"{self.place(url)} cannot be reached: {cause}."
        if is_final:
            raise SourceError(happened, "Check source.api.base_url; SSL_CERT_FILE names authorities of your own.")
        raise LostError(happened, "Check source.api.base_url, and that the API is up.")

    def _keep(self, response: BaseHTTPResponse, file: Path, place: str) -> None:
        """Write an answer to a file as it comes, at bounded memory."""
        from urllib3.exceptions import HTTPError

        most, size = self._settings.max_page_mb << 20, 0
        end = time.monotonic() + self._settings.page_timeout_s
        cause = ""
        try:
            with file.open("wb") as stream:
                while chunk := response.read1(CHUNK):  # what is there: `stream` waits for a whole chunk, however long
                    size += stream.write(chunk)
                    if size > most:
                        raise SourceError(
                            f"{place} answers with more than {self._settings.max_page_mb:,} MB.",
                            "Ask for smaller pages (size, below paging), or raise source.api.max_page_mb.",
                        )
                    if time.monotonic() > end:
                        cause = f"it was still coming after {self._settings.page_timeout_s:g} s"
                        break
        except HTTPError as error:
            cause = cause_of(error, self._settings.timeout_s)
        if cause:
            raise LostError(f"The answer of {place} was lost after {size:,} bytes: {cause}.", LATER)

    def _refuse(self, response: BaseHTTPResponse, place: str) -> NoReturn:
        status = response.status
        try:
            phrase = f" {HTTPStatus(status).phrase}"
        except ValueError:
            phrase = ""
        said = f"{place} answers {status}{phrase}."
        if status in BUSY or (status >= 500 and status not in FOR_GOOD):
            raise LostError(said, LATER, retry_after(response.headers.get("Retry-After")))
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SourceError(
                said,
                "Check source.api.authentication, the secret of the shop in the credentials, and what it may read.",
            )
        raise SourceError(said, "Check source.api.base_url, and path and params of the endpoint.")

    def _wait_for_turn(self) -> None:
        """Keep to the rate that is allowed."""
        pause = self._next_at - time.monotonic()
        if pause > 0:
            time.sleep(pause)
        self._next_at = time.monotonic() + 1 / self._settings.requests_per_s
        self.requests += 1

    def _opened(self) -> PoolManager:
        if self._pool is None:
            # urllib3 logs whole addresses, keys included, at the level of debugging.
            logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)
            self._pool = pool_for(self._settings.base_url)
        return self._pool


def pool_for(base_url: str) -> PoolManager:
    """Connections to an API, by the proxy that the environment names, if it names one."""
    from urllib3 import PoolManager, ProxyManager, make_headers

    parts = urlsplit(base_url)
    is_direct = parts.hostname in LOOPBACK or proxy_bypass(parts.netloc)
    proxy = urlsplit("" if is_direct else getproxies().get(parts.scheme, ""))
    if not proxy.hostname:
        return PoolManager()
    user, _, host = proxy.netloc.rpartition("@")
    return ProxyManager(f"{proxy.scheme}://{host}", proxy_headers=make_headers(proxy_basic_auth=unquote(user) or None))
