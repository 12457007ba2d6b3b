"""Customers: how many, which kinds there are, who may leave, and the story of one."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.columns import PERSONAL
from datamart_kedro.console.filters import Filters, filters_of, text_of
from datamart_kedro.console.page import console_of, notice, personal, show, version_of
from datamart_kedro.errors import MartError
from datamart_kedro.facts.comparison import headlines
from datamart_kedro.facts.period import months_up_to, newest_day
from datamart_kedro.facts.trends import courses, spread
from datamart_kedro.mart import stories
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import answers, missing_table
from datamart_kedro.metrics.question import question
from datamart_kedro.pages.charts import Line, line_chart

CARDS = ("active_customers", "new_customers", "returning_customers", "average_order")
PROFILE = tuple(stories.CUSTOMER.columns)


def page(request: Request) -> Response:
    """How many customers there are, of which kinds, and who may leave."""
    console = console_of(request)
    if customer_id := text_of(request.query_params, "customer_id"):
        return RedirectResponse(f"/customers/story?{urlencode({'customer_id': customer_id})}", status_code=303)
    with console.read() as mart:
        newest = console.remember("newest day", partial(newest_day, mart, console.time_zone))
        if newest is None:
            raise missing_table("tb_orders", "The page of customers")
        filters = filters_of(request.query_params, newest)
        zone = console.time_zone
        figures = console.remember(("customers", filters.key), partial(_figures, mart, filters, zone))
        risks = console.remember("risks", partial(_risks, mart, zone))
        values = {**version_of(mart, console), **figures, **risks, "filters": filters}
    return show(request, "customers.html", **values)


def story(request: Request) -> Response:
    """What is known of one customer; personal data only where it may be shown."""
    console = console_of(request)
    customer_id = text_of(request.query_params, "customer_id")
    with console.read() as mart:
        found = stories.customer(mart, customer_id) if mart.exists("tb_customers") else None
        if found is None:
            raise HTTPException(404, "There is no customer of this id.")
        marked = stories.CUSTOMER.personal_columns
        profile = {
            name: personal(console, "customers", name, value) if name in marked else value
            for name, value in found.items()
        }
        orders = stories.orders_of(mart, customer_id)
        values = {
            **version_of(mart, console),
            "customer_id": customer_id,
            "profile": profile,
            "hidden": PERSONAL in profile.values(),
            "meanings": stories.CUSTOMER.columns,
            "orders": orders,
            "charts": _course_of(orders),
            "scores": stories.scores_of(mart, customer_id),
            "segments": stories.segments_of(mart, customer_id),
            "max_orders": stories.MAX_ORDERS,
        }
    return show(request, "story.html", **values)


def _figures(mart: Mart, filters: Filters, zone: str) -> dict[str, Any]:
    months = months_up_to(filters.days)
    lines = [
        Line(course.metric.title, course.points)
        for course in courses(mart, ("new_customers", "returning_customers"), "month", months, zone, filters.where)
    ]
    return {
        "cards": headlines(mart, CARDS, filters.days, zone, filters.where),
        "chart": line_chart("New and returning customers by month", lines, "count"),
        "months": months,
        "types": spread(mart, "customers", "customer_type", None, zone),
        "countries": spread(mart, "customers", "country", None, zone),
    }


def _risks(mart: Mart, zone: str) -> dict[str, Any]:
    """What models tell; where they have not run, what makes them."""
    found: dict[str, Any] = {"segments": [], "risk": [], "leaving": [], "notices": []}
    try:
        found["segments"] = _segments(mart, zone)
    except MartError as error:
        found["notices"].append(notice(error))
    try:
        found["risk"] = headlines(mart, ["churn_risk"], None, zone)
        found["leaving"] = stories.most_likely_to_leave(mart)
    except MartError as error:
        found["notices"].append(notice(error))
    return found


def _segments(mart: Mart, zone: str) -> list[dict[str, Any]]:
    """Segments with their customers, and the risk that these leave where a model tells it."""
    asked = [question("customers", ["segment"])]
    has_scores = mart.exists("tb_churn_scores")
    asked += [question("churn_risk", ["segment"])] * has_scores
    counts, *risks = answers(mart, asked, zone)
    risk_of = {figure.group[0]: figure.value for risk in risks for figure in risk.figures}
    rows = [{"name": f.group[0], "customers": f.value, "risk": risk_of.get(f.group[0])} for f in counts.figures]
    return sorted(rows, key=lambda row: (row["name"] is None, -(row["customers"] or 0)))


def _course_of(orders: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """A chart of the net amount of each order, for each currency."""
    by_currency: dict[str, list[tuple[Any, Any]]] = {}
    for order in reversed(orders):
        by_currency.setdefault(str(order["currency"]), []).append((order["ordered_at"].date(), order["net_amount"]))
    return [
        (currency, line_chart(f"Net amount of orders, {currency}", [Line("Net amount", points)], "money"))
        for currency, points in sorted(by_currency.items())
    ]


ROUTES = [Route("/customers", page), Route("/customers/story", story)]
