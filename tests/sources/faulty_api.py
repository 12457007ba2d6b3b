"""A real HTTP server on this machine that pages lists in every usual way, and misbehaves when it is told to."""

from __future__ import annotations

import gzip
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]


class FaultyApi(ThreadingHTTPServer):
    """Serves lists.

    - ``?page=2&per_page=3`` and ``?offset=3&limit=3`` give ``{"data": [...], "meta": {"total": 7}}``;
    - ``?cursor=3&limit=3`` (or ``?limit=3`` alone) tells ``next`` besides;
    - ``?after=3&per_page=3`` has a header ``Link``;
    - ``updated_since`` leaves out what is older;
    - without any of them, all rows come at once.

    `shapes` makes something else of the answers of a list.
    """

    daemon_threads = True

    def __init__(self, lists: Mapping[str, Sequence[Row]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lists: dict[str, list[Row]] = {name: list(rows) for name, rows in lists.items()}
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self.before: Callable[[int], None] = lambda number: None
        self.etag: str | None = None
        self.shapes: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.largest_page = 1000
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def params(self, name: str) -> list[str | None]:
        """What a parameter was in each request."""
        return [asked.params.get(name) for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    server: FaultyApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer: two are held up by the system

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers)))
        self.server.before(len(self.server.asked))
        with suppress(ConnectionError):
            if self.server.faults and self.server.faults.popleft()(self):
                return
            self.answer_as_it_should(parts.path.rpartition("/")[2], self.server.asked[-1].params)

    def answer_as_it_should(self, name: str, params: Mapping[str, str]) -> None:
        if name not in self.server.lists:
            self.reply(404, b"{}")
            return
        if self.server.etag and self.headers.get("If-None-Match") == self.server.etag:
            self.reply(304, b"")
            return
        since = params.get("updated_since", "")
        rows = [row for row in self.server.lists[name] if str(row.get("updated_at", "~")) >= since]
        size = min(int(params.get("per_page", params.get("limit", 1000))), self.server.largest_page)
        start = int(params.get("offset", params.get("cursor", params.get("after", 0))))
        if "page" in params:
            start = (int(params["page"]) - 1) * size
        page, end = rows[start : start + size], start + size
        answer: dict[str, Any] = {"data": page, "meta": {"total": len(rows)}}
        headers = {"X-Total": str(len(rows)), **({"ETag": self.server.etag} if self.server.etag else {})}
        if "offset" not in params and "page" not in params and end < len(rows):
            answer["next"] = str(end)
            following = urlencode({**params, "after": end})
            headers["Link"] = f'<{self.server.url}/{name}>; rel="first", </{name}?{following}>; rel="next"'
        shaped = self.server.shapes.get(name, lambda told: told)(answer)
        self.reply(200, json.dumps(shaped).encode(), headers)

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


Fault = Callable[[_Handler], bool]
"""Does something else than what it should; True if that was the answer."""


@contextmanager
def serving(**lists: Sequence[Row]) -> Iterator[FaultyApi]:
    """A server of lists, in a thread, until the end of the block."""
    api = FaultyApi(lists)
    thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        api.ended.set()
        api.shutdown()
        api.server_close()
        thread.join()


def nothing(handler: _Handler) -> bool:
    """No fault: this request is answered as it should be."""
    return False


def status(code: int, **headers: str) -> Fault:
    """Another status; names of headers have _ for -."""

    def fault(handler: _Handler) -> bool:
        handler.reply(code, b'{"error": "told to"}', {name.replace("_", "-"): text for name, text in headers.items()})
        return True

    return fault


def body(data: bytes, **headers: Any) -> Fault:
    """Another body; Content_Length may lie."""

    def fault(handler: _Handler) -> bool:
        handler.reply(
            200, data, {"Connection": "close"} | {name.replace("_", "-"): text for name, text in headers.items()}
        )
        handler.close_connection = True
        return True

    return fault


def packed_but_cut(data: bytes) -> Fault:
    """A body that gzip packed, of which the last bytes are missing."""
    return body(gzip.compress(data)[:-12], Content_Encoding="gzip")


def silence(handler: _Handler) -> bool:
    """No answer, as long as the server lives."""
    handler.server.ended.wait(5)
    handler.close_connection = True
    return True


def drip(handler: _Handler) -> bool:
    """An answer of which a byte comes now and then, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    while not handler.server.ended.wait(0.02):
        handler.wfile.write(b" ")
        handler.wfile.flush()
    return True


def redirect(location: str, code: int = 302) -> Fault:
    """Another address."""
    return status(code, Location=location)
