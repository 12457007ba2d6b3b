"""What holds for every request: who may be called, how long a question may be, and what a page may load."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from datamart_kedro.console.access import Access
from datamart_kedro.console.guard import Guard

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
"""Names under which the console answers; a foreign name that is made to lead here (DNS rebinding) is refused."""
MAX_TARGET = 2000
"""Bytes of path and query."""
MAX_QUERY_FIELDS = 40
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def middleware(access: Access | None) -> list[Middleware]:
    """What every request goes through, outermost first.

    Args:
        access: Who may change something; None where nothing can be changed.
    """
    names: Sequence[str] = access.hosts if access else ()
    return [
        Middleware(Headers),
        Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, *names], www_redirect=False),
        Middleware(ShortTargets),
        *([Middleware(Guard, access=access)] if access else []),
    ]


class Headers:
    """Gives every answer the headers above."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ShortTargets:
    """Refuses a path and query that no page of ours has."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            query: bytes = scope["query_string"]
            is_long = len(scope["raw_path"]) + len(query) > MAX_TARGET
            if is_long or query.count(b"&") + query.count(b";") >= MAX_QUERY_FIELDS:
                await PlainTextResponse("The address is too long.", status_code=414)(scope, receive, send)
                return
        await self.app(scope, receive, send)
