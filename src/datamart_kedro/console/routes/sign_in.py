"""Signing in: the token is entered once, and a session holds from then on."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.console.access import LASTS_S, Access
from datamart_kedro.console.guard import COOKIE, SIGN_IN, one
from datamart_kedro.console.page import desk_of, show


def page(request: Request) -> Response:
    """The form for the token."""
    return _shown(request, refused=False)


def sign_in(request: Request) -> Response:
    """Begin a session, if the token is right."""
    form = request.state.form
    name = _access(request).sign_in(one(form, "token"), one(form, "by"))
    if name is None:
        return _shown(request, refused=True)
    answer = RedirectResponse("/change", status_code=303)
    is_encrypted = urlsplit(request.headers.get("origin", "")).scheme == "https"
    answer.set_cookie(COOKIE, name, max_age=LASTS_S, httponly=True, samesite="strict", secure=is_encrypted)
    return answer


def sign_out(request: Request) -> Response:
    """End the session."""
    _access(request).sign_out(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(SIGN_IN, status_code=303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _shown(request: Request, *, refused: bool) -> Response:
    csrf = _access(request).sign_in_csrf
    return show(request, "sign_in.html", status=403 if refused else 200, csrf=csrf, refused=refused)


def _access(request: Request) -> Access:
    return desk_of(request).access


ROUTES = [
    Route(SIGN_IN, page),
    Route(SIGN_IN, sign_in, methods=["POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
]
