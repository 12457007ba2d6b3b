"""The overview: figures with their change, how they went, and where sales come from."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.filters import UNKNOWN, Filters, filters_of
from datamart_kedro.console.page import console_of, freshest, show, version_of
from datamart_kedro.facts.comparison import HEADLINES, headlines
from datamart_kedro.facts.period import months_up_to, newest_day
from datamart_kedro.facts.trends import Course, courses, spread
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import answer, missing_table
from datamart_kedro.metrics.question import question
from datamart_kedro.pages.charts import Line, line_chart

COURSES = ("revenue", "orders", "active_customers", "average_order")
OPTIONS = 60
"""Values of a filter that are offered at most."""


def page(request: Request) -> Response:
    """The figures of some days, of all rows or those of a country or department."""
    console = console_of(request)
    with console.read() as mart:
        newest = console.remember("newest day", partial(newest_day, mart, console.time_zone))
        if newest is None:
            raise missing_table("tb_orders", "The overview")
        filters = filters_of(request.query_params, newest)
        zone = console.time_zone
        figures = console.remember(("overview", filters.key), partial(_figures, mart, filters, zone))
        options = console.remember("options", partial(_options, mart, zone))
        values = {
            **version_of(mart, console),
            **figures,
            "checked": freshest(mart, console),
            "filters": filters,
            "options": options,
            "newest": newest,
        }
    return show(request, "overview.html", **values)


def _figures(mart: Mart, filters: Filters, zone: str) -> dict[str, Any]:
    by = [("revenue", "department"), ("revenue", "country")]
    months = months_up_to(filters.days)
    return {
        "cards": headlines(mart, HEADLINES, filters.days, zone, filters.where),
        "months": months,
        "charts": [(course, _chart(course)) for course in courses(mart, COURSES, "month", months, zone, filters.where)],
        "spreads": [
            (dimension, course, _links(course, dimension, filters))
            for name, dimension in by
            for course in spread(mart, name, dimension, filters.days, zone, filters.where)
        ],
    }


def _chart(course: Course) -> Any:
    title = f"{course.metric.title} by month{f', {course.apart}' if course.apart else ''}"
    return line_chart(title, [Line(course.metric.title, course.points)], course.metric.unit)


def _links(course: Course, dimension: str, filters: Filters) -> dict[str, str]:
    """Where a group leads: the same page, of that group alone."""
    return {str(group): filters.link("/", **{dimension: str(group)}) for group, _ in course.points}


def _options(mart: Mart, zone: str) -> dict[str, list[str]]:
    """The values that a person can choose from, sorted."""
    found = {}
    for dimension, metric in (("country", "orders"), ("department", "products")):
        figures = answer(mart, question(metric, [dimension]), zone).figures
        found[dimension] = [str(f.group[0] or UNKNOWN) for f in figures][:OPTIONS]
    return found


ROUTES = [Route("/", page)]
