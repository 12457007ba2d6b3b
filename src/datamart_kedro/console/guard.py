"""What a request that changes something has to bring: a session, the secret of its form, and our own origin."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from datamart_kedro.console.access import Access, Session, is_same

COOKIE = "datamart_session"
SIGN_IN = "/sign-in"
ALWAYS = (SIGN_IN, "/style.css", "/console.js", "/icon.svg")
"""What is shown before the token is entered."""
SAFE = ("GET", "HEAD")
MAX_BODY = 64_000
MAX_FIELDS = 500
MAX_FIELD = 2_000
FORM = "application/x-www-form-urlencoded"

Form = dict[str, list[str]]


class Guard:
    """Lets a request through, or answers it; no page can forget to ask.

    Args:
        app: What is guarded.
        access: The token, and the sessions.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app = app
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its session and its form, or refuse it."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        session = self.access.session(request.cookies.get(COOKIE, ""))
        scope.setdefault("state", {}).update(session=session, form={})
        if request.method in SAFE:
            refused = self._refuse_reading(request, session)
        else:
            refused = refuse_origin(request.headers) or await self._refuse_change(request, session)
        await (refused or self.app)(scope, receive, send)

    def _refuse_reading(self, request: Request, session: Session | None) -> Response | None:
        if self.access.everything and session is None and request.url.path not in ALWAYS:
            return RedirectResponse(SIGN_IN, status_code=303)
        return None

    async def _refuse_change(self, request: Request, session: Session | None) -> Response | None:
        if session is None and request.url.path != SIGN_IN:
            return said(
                "Nothing was changed: nobody is signed in, or the session is over. Sign in, then try again.", 403
            )
        body = await body_of(request)
        if body is None:
            return said("Nothing was changed: the form is too long.", 413)
        form = form_of(body)
        if form is None:
            return said("Nothing was changed: a field is too long, or there are too many.", 400)
        known = self.access.sign_in_csrf if request.url.path == SIGN_IN else session.csrf if session else ""
        if not known or not is_same(one(form, "csrf"), known):
            return said("Nothing was changed: the form is not of this session. Load the page again.", 403)
        request.scope["state"]["form"] = form
        return None


def refuse_origin(headers: Headers) -> Response | None:
    """Refuse what another site's page sends, and what is no form."""
    origin = urlsplit(headers.get("origin", ""))
    if origin.scheme not in ("http", "https") or origin.netloc.lower() != headers.get("host", "").lower():
        return said("Nothing was changed: the form was sent from elsewhere.", 403)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return said("Nothing was changed: this is no form.", 415)
    return None


async def body_of(request: Request) -> bytes | None:
    """What was sent; None once it is too long, whatever length was announced."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def form_of(body: bytes) -> Form | None:
    """The fields of a form, each with its values; None if they are too many or too long, or no text."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        return None
    form: Form = {}
    for name, value in pairs:
        if len(name) > MAX_FIELD or len(value) > MAX_FIELD:
            return None
        form.setdefault(name, []).append(value)
    return form


def one(form: Form, name: str) -> str:
    """The only value of a field; empty if it has none, or several."""
    values = form.get(name, [])
    return values[0] if len(values) == 1 else ""


def said(text: str, status: int) -> Response:
    """A refusal in plain words."""
    return PlainTextResponse(text, status_code=status)
