"""Is the watch alive, is the mart fresh? Answered over HTTP, on this machine only, beside the metrics."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from datamart_kedro.errors import UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
TEXT_OF = {200: "200 OK", 404: "404 Not Found", 405: "405 Method Not Allowed", 503: "503 Service Unavailable"}


@dataclass(frozen=True)
class Health:
    """How a watch does.

    Attributes:
        live: Does it still go round?
        ready: Did it see the shop, and is there a mart to read?
        stale: Was the shop not seen for too long?
        under_way: ``check``, ``run`` or nothing.
        failures: Looks and runs in a row that failed.
        error: What failed last, empty when all is well.
        last_success_at: When the shop was seen last, UTC, in ISO 8601.
        age_s: Seconds since then, or since the watch began.
        version: Of the mart, None until it is known.
        listening: Are notifications heard?
    """

    live: bool
    ready: bool
    stale: bool
    under_way: str | None
    failures: int
    error: str
    last_success_at: str | None
    age_s: float
    version: int | None
    listening: bool

    def status(self, path: str) -> int:
        """HTTP status of a page: 200 if what it asks for holds, 503 if not, 404 if there is no such page."""
        holds = {
            "/health": self.live and self.ready and not self.stale,
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/health/fresh": not self.stale,
        }
        return 404 if path not in holds else 200 if holds[path] else 503


def pages(health: Callable[[], Health], registry: CollectorRegistry) -> WSGIApplication:
    """``/health`` and its parts as JSON, and ``/metrics``."""
    metrics: Any = make_wsgi_app(registry)

    def answer(request: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = request["PATH_INFO"].rstrip("/")
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _said(start, 405, {"error": "Only GET is answered."})
        now = health()  # brings gauges up to date
        if path == "/metrics":
            return metrics(request, start)  # type: ignore[no-any-return]
        status = now.status(path)
        return _said(start, status, {"error": "There is /health and /metrics."} if status == 404 else asdict(now))

    return answer


def _said(start: StartResponse, status: int, body: dict[str, Any]) -> list[bytes]:
    start(TEXT_OF[status], [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(body).encode()]


class HealthServer:
    """Serves pages on this machine, in threads of its own.

    Args:
        port: 0 for any that is free.
        application: What is served.

    Raises:
        UsageError: The port is taken.
    """

    def __init__(self, port: int, application: WSGIApplication) -> None:
        try:
            self._server = make_server(HOST, port, application, _Server, _SilentHandler)
        except OSError as error:
            raise UsageError(
                f"Port {port} cannot be served: {error.strerror}.",
                "Is another watch under way? Otherwise choose another port with --port, or watch.port in globals.yml.",
            ) from None
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://{HOST}:{self._server.server_port}"

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: somebody asks every few seconds."""
