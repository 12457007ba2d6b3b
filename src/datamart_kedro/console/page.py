"""Showing a page of the console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from datamart_kedro.columns import PERSONAL
from datamart_kedro.console.console import Console
from datamart_kedro.console.desk import Desk
from datamart_kedro.console.guard import SIGN_IN
from datamart_kedro.console.job import Course
from datamart_kedro.errors import MartError
from datamart_kedro.mart.ledger import current_version
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.run import now
from datamart_kedro.mart.versions import list_versions
from datamart_kedro.pages.drawing import templates

MENU = (
    ("/", "Overview"),
    ("/customers", "Customers"),
    ("/products", "Products"),
    ("/forecast", "Forecast"),
    ("/quality", "Quality"),
    ("/runs", "Runs"),
    ("/metrics", "Metrics"),
)
CHANGE = (("/rules", "Rules"), ("/corrections", "Corrections"), ("/change", "Run now"))
"""Pages of what may be changed."""
AGAIN_S = "2"
"""Seconds after which the browser loads a page again on which something is under way; it needs no script for it."""


def console_of(request: Request) -> Console:
    """The console that a request is for."""
    console = request.app.state.console
    assert isinstance(console, Console)
    return console


def desk_of(request: Request) -> Desk:
    """Where a request that changes something is made."""
    desk = request.app.state.desk
    assert isinstance(desk, Desk)
    return desk


def show(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page from its template.

    Args:
        request: What was asked.
        template: Below ``templates/console``; it extends ``base.html``.
        status: Of HTTP.
        values: What the template shows.
    """
    console = console_of(request)
    page = (
        templates()
        .get_template(f"console/{template}")
        .render(
            menu=(*MENU, *CHANGE) if request.app.state.desk else MENU,
            path=request.url.path,
            console=console,
            under_way=console.under_way(),
            at=now(),
            session=getattr(request.state, "session", None),
            **values,
        )
    )
    return HTMLResponse(page, status_code=status)


def signed_in(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """A page for who is signed in alone; others are sent to where the token is entered."""

    @wraps(page)
    def asked(request: Request) -> Response:
        if request.state.session is None:
            return RedirectResponse(SIGN_IN, status_code=303)
        return page(request)

    return asked


def refreshed_while(answer: Response, course: Course | None) -> Response:
    """An answer that the browser asks for again while a command runs."""
    if course is not None and course.is_running:
        answer.headers["Refresh"] = AGAIN_S
    return answer


def version_of(mart: Mart, console: Console) -> dict[str, Any]:
    """The version that a page shows, and since when it holds: every page says so."""

    def read() -> dict[str, Any]:
        number = current_version(mart)
        started = {known.number: known.valid_from for known in list_versions(mart)}
        return {"version": number, "valid_from": started.get(number)}

    return dict(console.remember("version", read))


def freshest(mart: Mart, console: Console) -> timedelta | None:
    """How long ago the shop was looked at; None if never."""
    from datamart_kedro.facts.runs import freshness, runs_of

    checked = [f.checked_at for f in freshness(mart, runs_of(mart, console.journal())) if f.is_of_shop and f.checked_at]
    return now() - min(checked) if checked else None


def personal(console: Console, domain: str, column: str, value: Any) -> Any:
    """A value of a column that is marked as personal data, as the console shows it."""
    if value is None or (console.show_personal and console.personal.treatment(domain, column) == "plain"):
        return value
    return PERSONAL


def notice(error: MartError) -> dict[str, str]:
    """What takes the place of a part of a page that cannot be shown."""
    return {"happened": error.happened, "next_step": error.next_step}
