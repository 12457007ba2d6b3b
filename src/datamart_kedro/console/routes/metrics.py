"""Metrics: what each means, its figures by any dimension, its SQL, and the version that it was read from."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.console import Console
from datamart_kedro.console.filters import UNKNOWN, choice_of, day_of, text_of
from datamart_kedro.console.page import console_of, show, version_of
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.versions import resolve_version
from datamart_kedro.metrics.answer import Answer, answer, columns_of, described, records
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import DIMENSIONS, dimensions_of
from datamart_kedro.metrics.metric import TIME
from datamart_kedro.metrics.question import question
from datamart_kedro.pages.charts import WIDE, Line, line_chart

ROWS = 500
"""Figures that a page shows; a file holds all."""
NOTHING = "nothing"


def index(request: Request) -> Response:
    """All metrics."""
    console = console_of(request)
    with console.read() as mart:
        values = version_of(mart, console)
    known = [(metric, dimensions_of(metric)) for metric in METRICS.values()]
    return show(request, "metrics.html", **values, metrics=known, dimensions=DIMENSIONS)


def metric(request: Request) -> Response:
    """One metric by a dimension, of some rows and days, as of a version; as a page, or as a file."""
    console = console_of(request)
    name = request.path_params["name"]
    if name not in METRICS:
        raise HTTPException(404)
    form = choice_of(request.query_params, "format", ("html", "csv", "json"))
    with console.read() as mart:
        by = choice_of(request.query_params, "by", (NOTHING, *dimensions_of(METRICS[name])))
        found = _answer(request, console, mart, name, () if by == NOTHING else (by,))
        values: dict[str, Any] = {"version": found.version, "valid_from": found.valid_from}
    if form != "html":
        return _file(found, form)
    return show(
        request,
        "metric.html",
        **values,
        answer=found,
        columns=columns_of(found),
        by=by,
        choices=(NOTHING, *dimensions_of(found.metric)),
        filters=[dimension for dimension in dimensions_of(found.metric) if dimension not in TIME],
        chosen={dimension: values[0] or UNKNOWN for dimension, values in found.question.where.items()},
        asked_version=text_of(request.query_params, "version"),
        chart=_chart(found, by) if by in TIME else "",
        rows=found.figures[:ROWS],
        left_out=max(0, len(found.figures) - ROWS),
        address=_with(request, "format"),
    )


def _answer(request: Request, console: Console, mart: Mart, name: str, by: tuple[str, ...]) -> Answer:
    query = request.query_params
    where = {}
    for dimension in dimensions_of(METRICS[name]):
        value = text_of(query, dimension)
        if value and dimension not in TIME:
            where[dimension] = ["" if value == UNKNOWN else value]
    since, last = day_of(query, "since"), day_of(query, "until")
    until = last.fromordinal(last.toordinal() + 1) if last else None
    if METRICS[name].is_state:
        since = until = None
    as_of = text_of(query, "version")
    version = resolve_version(mart, as_of) if as_of else None
    asked = question(name, by, where, since, until)
    key = ("metric", name, by, repr(where), since, until, version)
    return console.remember(key, partial(answer, mart, asked, console.time_zone, version))


def _chart(found: Answer, by: str) -> Any:
    apart: dict[str, list[tuple[Any, Any]]] = {}
    for figure in found.figures:
        place = found.question.by.index(by)
        rest = ", ".join(str(v) for n, v in enumerate(figure.group) if n != place)
        apart.setdefault(rest or found.metric.title, []).append((figure.group[place], figure.value))
    lines = [Line(label, points) for label, points in list(apart.items())[:3]]
    return line_chart(f"{found.metric.title} by {by}", lines, found.metric.unit, width=WIDE)


def _file(found: Answer, form: str) -> Response:
    name = f"{found.metric.name}_version_{found.version}.{form}"
    saved = {"Content-Disposition": f'attachment; filename="{name}"'}
    if form == "json":
        text = json.dumps({**described(found), "rows": list(records(found))}, default=str, indent=2)
        return Response(text, media_type="application/json", headers=saved)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns_of(found), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in records(found))
    return Response(stream.getvalue(), media_type="text/csv", headers=saved)


def _harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _with(request: Request, without: str) -> str:
    """The path and query of a request, to which more can be added."""
    query = {name: value for name, value in request.query_params.items() if name != without and value}
    return f"{request.url.path}?{urlencode(query)}"


ROUTES = [Route("/metrics", index), Route("/metrics/{name}", metric)]
