"""Style sheet and script: two files of ours, by name, and no folder."""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.pages.drawing import style


def style_sheet(request: Request) -> Response:
    """How pages look."""
    return Response(style() + _static("console.css"), media_type="text/css")


def script(request: Request) -> Response:
    """What makes pages handier; they work without it."""
    return Response(_static("console.js"), media_type="text/javascript")


def icon(request: Request) -> Response:
    """The picture beside the page's name."""
    return Response(_static("icon.svg"), media_type="image/svg+xml")


def _static(name: str) -> str:
    return files("datamart_kedro.pages").joinpath("static", name).read_text(encoding="utf-8")


ROUTES = [
    Route("/style.css", style_sheet),
    Route("/console.js", script),
    Route("/icon.svg", icon),
]
