"""Change: start a run, see how far it is, and stop it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.console.guard import SIGN_IN
from datamart_kedro.console.page import show
from datamart_kedro.console.run_now import Asked, Runs

AGAIN_S = "2"
"""Seconds after which the browser loads the page of a run again that is under way; it needs no script for it."""


def page(request: Request) -> Response:
    """The form for a run, and the newest run that was started here."""
    if request.state.session is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    runs = _runs(request)
    seen = runs.seen()
    answer = show(request, "change.html", known=runs.known, seen=seen, csrf=request.state.session.csrf)
    if seen is not None and seen.exit_code is None:
        answer.headers["Refresh"] = AGAIN_S
    return answer


def start(request: Request) -> Response:
    """Start a run."""
    form = request.state.form
    _runs(request).start(Asked(tuple(form.get("pipeline", ())), force="force" in form, full="full" in form))
    return RedirectResponse("/change", status_code=303)


def stop(request: Request) -> Response:
    """Stop the run that was started here."""
    _runs(request).stop()
    return RedirectResponse("/change", status_code=303)


def _runs(request: Request) -> Runs:
    runs = request.app.state.runs
    assert isinstance(runs, Runs)
    return runs


ROUTES = [
    Route("/change", page),
    Route("/change/run", start, methods=["POST"]),
    Route("/change/stop", stop, methods=["POST"]),
]
