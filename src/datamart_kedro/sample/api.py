"""The sample shop as a paged JSON API on this machine: the worked example of docs/rest-sources.md."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import duckdb

from datamart_kedro.errors import UsageError
from datamart_kedro.mart.mart import literal, quoted
from datamart_kedro.sample.settings import NOTHING_WRITTEN
from datamart_kedro.sample.tables import TABLES

LISTS = ("customers", "products", "orders", "order_items")
LARGEST_PAGE = 1000
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
NUMBERS = ("bigint", "integer", "numeric")
ADDRESS = {"ship_city": "city", "ship_region": "region", "ship_postal_code": "postal_code", "ship_country": "country"}
"""Columns of an order that the API gives in one object, `ship_to`."""
CHANGED = "(try_cast(updated_at AS TIMESTAMPTZ) >= {since}::TIMESTAMPTZ OR try_cast(updated_at AS TIMESTAMPTZ) IS NULL)"
"""Rows that changed since; those that do not tell are always among them."""

Row = Mapping[str, str | None]


class SampleApi(ThreadingHTTPServer):
    """A server of the files of a sample shop; when they are replaced, it serves the new ones.

    Args:
        folder: With the files that `kedro mart sample` writes.
        port: Where it listens on this machine; any that is free if 0.
        token: What a request has to show.

    Raises:
        UsageError: There are no such files, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int, token: str) -> None:
        for name, columns in ((name, TABLES[name]) for name in LISTS):
            if _header(folder / f"{name}.csv") != ",".join(columns):
                raise UsageError(
                    f"There is no sample shop in {folder}: {name}.csv is missing, or has other columns.",
                    "Make one with `kedro mart sample`, or name its folder with --from.",
                    NOTHING_WRITTEN,
                )
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise UsageError(
                f"Port {port} cannot be used: {error.strerror}.", "Name another with --port.", NOTHING_WRITTEN
            ) from None
        self.token = token
        self._folder = folder
        self._lock = threading.Lock()
        self._engine = duckdb.connect()
        self._loaded: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"

    def rows(self, name: str, condition: str, limit: int) -> list[dict[str, str | None]]:
        """Rows of a list in the order of its file, each with its number there as `_n`."""
        with self._lock:
            self._load(name)
            found = self._engine.execute(
                f"SELECT * FROM {quoted(name)} WHERE {condition} ORDER BY _n LIMIT {limit}"
            ).fetchall()
        return [dict(zip(("_n", *TABLES[name]), row, strict=True)) for row in found]

    def count(self, name: str, condition: str = "true") -> int:
        """How many rows a list has."""
        with self._lock:
            self._load(name)
            ((rows,),) = self._engine.execute(f"SELECT count(*) FROM {quoted(name)} WHERE {condition}").fetchall()
        return int(rows)

    def _load(self, name: str) -> None:
        """Read a file, unless it was read as it is."""
        file = self._folder / f"{name}.csv"
        written = file.stat().st_mtime_ns
        if self._loaded.get(name) != written:
            self._engine.execute(
                f"CREATE OR REPLACE TABLE {quoted(name)} AS SELECT row_number() OVER () AS _n, * FROM read_csv("
                f"{literal(str(file))}, all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"',"
                " parallel = false)"
            )
            self._loaded[name] = written


class _Handler(BaseHTTPRequestHandler):
    """Answers one request: each list is paged in its own way, so that the example shows all of them."""

    server: SampleApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for an answer: two are held up by the system

    def do_GET(self) -> None:
        """Answer with a page."""
        parts = urlsplit(self.path)
        name, asked = parts.path.strip("/"), dict(parse_qsl(parts.query))
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self._answer(HTTPStatus.UNAUTHORIZED, '{"error":"who are you?"}')
        elif name not in LISTS:
            self._answer(HTTPStatus.NOT_FOUND, '{"error":"there is no such list"}')
        else:
            try:
                body, headers = getattr(self, f"_{name}")(asked)
            except (ValueError, duckdb.Error):
                self._answer(HTTPStatus.BAD_REQUEST, '{"error":"a parameter is not what it should be"}')
            else:
                self._answer(HTTPStatus.OK, body, headers)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error."""

    def _customers(self, asked: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """By number of the page, with the number of all rows."""
        size = _size(asked.get("per_page"))
        page = int(asked.get("page", 1))
        rows = self.server.rows("customers", f"_n > {(page - 1) * size}", size)
        total = self.server.count("customers")
        return f'{{"data":{_list("customers", rows)},"meta":{{"page":{page},"total":{total}}}}}', {}

    def _products(self, asked: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """By offset, with the number of all rows in a header; the answer is the list itself."""
        rows = self.server.rows("products", f"_n > {int(asked.get('offset', 0))}", _size(asked.get("limit")))
        return _list("products", rows), {"X-Total-Count": str(self.server.count("products"))}

    def _orders(self, asked: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """By cursor, with the number of rows; if asked for, only what changed since an instant."""
        size = _size(asked.get("limit"))
        since = asked.get("updated_since")
        changed = CHANGED.format(since=literal(since)) if since else "true"
        rows = self.server.rows("orders", f"_n > {int(asked.get('cursor', 0))} AND {changed}", size + 1)
        cursor = str(rows[size - 1]["_n"]) if len(rows) > size else None
        told = f'"next_cursor":{json.dumps(cursor)},"total":{self.server.count("orders", changed)}'
        return f'{{"orders":{_list("orders", rows[:size])},{told}}}', {}

    def _order_items(self, asked: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """By the header `Link`."""
        size, after = _size(asked.get("per_page")), int(asked.get("after", 0))
        rows = self.server.rows("order_items", f"_n > {after}", size + 1)
        following = urlencode({"per_page": size, "after": str(rows[size - 1]["_n"])}) if len(rows) > size else ""
        headers = {"Link": f'<{self.server.url}/order_items?{following}>; rel="next"'} if following else {}
        return f'{{"items":{_list("order_items", rows[:size])}}}', headers

    def _answer(self, status: HTTPStatus, body: str, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _header(file: Path) -> str:
    """The first line of a file, empty if there is none."""
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return ""


def _size(asked: str | None) -> int:
    return max(1, min(int(asked or 100), LARGEST_PAGE))


def _list(name: str, rows: Sequence[Row]) -> str:
    return "[" + ",".join(json_of(name, row) for row in rows) + "]"


def json_of(name: str, row: Row) -> str:
    """A row as the API gives it: numbers as they are written in the file, and an order's address as one object."""
    fields = {
        column: _value(row[column], kind)
        for column, kind in TABLES[name].items()
        if name != "orders" or column not in ADDRESS
    }
    if name == "orders":
        fields["ship_to"] = _object({field: _value(row[column], "text") for column, field in ADDRESS.items()})
    return _object(fields)


def _object(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def _value(text: str | None, kind: str) -> str:
    """A value as JSON: a number where the column has numbers and this is one, as it is written."""
    is_number = text is not None and kind.startswith(NUMBERS) and NUMBER.fullmatch(text)
    return str(text) if is_number else json.dumps(text, ensure_ascii=False)
