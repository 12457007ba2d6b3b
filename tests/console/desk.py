"""A console that takes changes, and who makes them."""

from __future__ import annotations

import http.client
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from datamart_kedro.commands.console import access_of, console_of, desk_of
from datamart_kedro.console.access import Access
from datamart_kedro.console.run_now import Runs
from datamart_kedro.console.serve import HOST, listen, server_of
from tests.console.serving import Answer

TOKEN = "a-token-that-is-long-enough"


@dataclass
class Clock:
    """A clock that a test turns."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Desk:
    """A console that takes changes, and a browser's cookie for it."""

    port: int
    access: Access
    clock: Clock
    runs: Runs
    cookie: str = ""

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        """Process of the run that was started last."""
        assert self.runs._newest is not None
        return self.runs._newest[1].process.pid

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str | None) -> Answer:
        """Send a request; a header that is None is left out."""
        sent: Mapping[str, str | None] = {
            "Host": f"{HOST}:{self.port}",
            "Origin": self.address if method == "POST" else None,
            "Content-Type": "application/x-www-form-urlencoded" if method == "POST" else None,
            "Cookie": self.cookie or None,
            "Content-Length": str(len(body)),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()

    def send(self, path: str, fields: dict[str, str] | list[tuple[str, str]], **headers: str | None) -> Answer:
        """Send a form."""
        return self.ask("POST", path, urlencode(fields).encode(), **headers)

    def csrf(self, path: str = "/change") -> str:
        """What stands in the forms of a page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", path).text)
        assert found is not None
        return found[1]

    def sign_in(self, token: str = TOKEN, by: str = "Ana Ruiz") -> Answer:
        """Enter the token, and keep the cookie."""
        answer = self.send("/sign-in", {"csrf": self.csrf("/sign-in"), "token": token, "by": by})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    def ended(self, path: str = "/change") -> Answer:
        """The page of what was started, once it has ended."""
        for _ in range(600):
            page = self.ask("GET", path)
            if "refresh" not in page.headers:
                return page
            time.sleep(0.1)
        raise AssertionError("what was started does not end")


def serving_desk(host: str = HOST, names: tuple[str, ...] = ()) -> Iterator[Desk]:
    """Serve the console of the project that the test is in, as the command does."""
    shutil.copy("data/datamart.duckdb", "data/published.duckdb")
    console, clock = console_of(None, show_personal=False), Clock()
    access, _ = access_of(console, host, names, None)
    access._clock = clock
    listener = listen(0)
    place = desk_of(console, access, None)
    server = server_of(console, place)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Desk(listener.getsockname()[1], access, clock, place.runs)
    server.should_exit = True
    thread.join(timeout=10)
    listener.close()
    console.close()
