"""Change: start a run, see how far it is, and stop it."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.console.guard import one
from datamart_kedro.console.page import desk_of, refreshed_while, show, signed_in
from datamart_kedro.console.run_now import Asked, Runs
from datamart_kedro.errors import UsageError


@signed_in
def page(request: Request) -> Response:
    """The form for a run, and the newest run that was started here."""
    runs = _runs(request)
    asked, course = runs.seen() or (None, None)
    answer = show(request, "change.html", known=runs.known, asked=asked, course=course)
    return refreshed_while(answer, course)


def start(request: Request) -> Response:
    """Start a run."""
    form = request.state.form
    asked = Asked(
        tuple(form.get("pipeline", ())),
        force="force" in form,
        full="full" in form,
        since=_day(one(form, "since")),
        accept_loss=one(form, "accept_loss").strip(),
        by=request.state.session.by,
    )
    _runs(request).start(asked)
    return RedirectResponse("/change", status_code=303)


def stop(request: Request) -> Response:
    """Stop the run that was started here."""
    _runs(request).stop()
    return RedirectResponse("/change", status_code=303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError("That is no day.", "Give one such as 2026-10-01.", state="") from None


def _runs(request: Request) -> Runs:
    return desk_of(request).runs


ROUTES = [
    Route("/change", page),
    Route("/change/run", start, methods=["POST"]),
    Route("/change/stop", stop, methods=["POST"]),
]
