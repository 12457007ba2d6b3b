"""The web application: its routes, and what it says when something is wrong."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from datamart_kedro.console import security
from datamart_kedro.console.console import Console
from datamart_kedro.console.desk import Desk
from datamart_kedro.console.page import show
from datamart_kedro.console.routes import (
    assets,
    change,
    corrections,
    customers,
    forecast,
    metrics,
    overview,
    products,
    quality,
    rules,
    runs,
    sign_in,
)
from datamart_kedro.errors import MartError, MartFileError

logger = logging.getLogger(__name__)

PAGES = (overview, customers, products, forecast, quality, runs, metrics, assets)
"""Modules of pages, each with its `ROUTES`."""
FORMS = (sign_in, rules, corrections, change)
"""Those that are there for who may change something."""


def create_app(console: Console, desk: Desk | None = None) -> Starlette:
    """The application that shows what a console reads, and takes changes from who may make them.

    Args:
        console: What is shown.
        desk: What may be changed, and by whom; None if nothing may.
    """
    pages = (*PAGES, *FORMS) if desk else PAGES
    app = Starlette(
        routes=[route for page in pages for route in page.ROUTES],
        middleware=security.middleware(desk.access if desk else None),
        exception_handlers={MartError: _refused, HTTPException: _not_found, Exception: _failed},
    )
    app.state.console, app.state.desk = console, desk
    return app


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, MartError)
    status = 503 if isinstance(error, MartFileError) else 400
    return show(request, "refused.html", status=status, title=error.happened, next_step=error.next_step)


def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = "There is no such page." if error.status_code == 404 else str(error.detail)
    return show(request, "refused.html", status=error.status_code, title=title, next_step="")


def _failed(request: Request, error: Exception) -> Response:
    logger.error("%s failed", request.url.path, exc_info=error)
    return show(
        request,
        "refused.html",
        status=500,
        title="This page could not be made.",
        next_step="The full message is in the log of the console.",
    )
