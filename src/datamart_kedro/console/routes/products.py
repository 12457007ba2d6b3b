"""Products: what is in stock, what it earns, and what is no longer sold."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.filters import Filters, filters_of
from datamart_kedro.console.page import console_of, show, version_of
from datamart_kedro.facts.comparison import headlines
from datamart_kedro.facts.period import newest_day
from datamart_kedro.facts.trends import spread
from datamart_kedro.mart import stories
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import missing_table

SPREADS = (("margin_rate", "department"), ("margin_rate", "category"), ("return_rate", "department"))


def page(request: Request) -> Response:
    """Stock as it is now, and what was sold in some days."""
    console = console_of(request)
    with console.read() as mart:
        if not mart.exists("tb_products"):
            raise missing_table("tb_products", "The page of products")
        newest = console.remember("newest day", partial(newest_day, mart, console.time_zone)) or date.today()
        filters = filters_of(request.query_params, newest)
        figures = console.remember(("products", filters.key), partial(_figures, mart, filters, console.time_zone))
        values = {**version_of(mart, console), **figures, "filters": filters}
    return show(request, "products.html", **values)


def _figures(mart: Mart, filters: Filters, zone: str) -> dict[str, Any]:
    has_sales = mart.exists("tb_orders") and mart.exists("tb_order_items")
    days = filters.days
    return {
        "cards": headlines(mart, ["stock_out_rate", "products"], None, zone)
        + (headlines(mart, ["margin_rate", "return_rate"], days, zone) if has_sales else []),
        "availability": spread(mart, "products", "availability", None, zone),
        "stock_outs": spread(mart, "stock_out_rate", "department", None, zone),
        "spreads": [
            (dimension, course)
            for name, dimension in SPREADS
            if has_sales
            for course in spread(mart, name, dimension, days, zone)
        ],
        "missed": stories.missed_sales(mart, _begin(days.since, zone), _begin(days.until, zone)) if has_sales else [],
        "discontinued": stories.newly_discontinued(mart),
    }


def _begin(day: date, zone: str) -> datetime:
    """The instant, UTC, without zone, at which a day begins."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


ROUTES = [Route("/products", page)]
