"""The forecast of a series: the days that were, those to come, and how sure they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.filters import choice_of, text_of
from datamart_kedro.console.page import console_of, notice, show, version_of
from datamart_kedro.errors import UsageError
from datamart_kedro.mart import stories
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart
from datamart_kedro.metrics.answer import missing_table
from datamart_kedro.pages.charts import WIDE, Band, Line, line_chart

MEASURES = ("y_net_amount", "y_units")
PAST = 56
"""Days before the forecast that are shown."""
NEEDED = ("tb_forecasts", "ft_sales_daily")


def page(request: Request) -> Response:
    """The forecast of a series; where no model has run, what makes it."""
    console = console_of(request)
    measure = choice_of(request.query_params, "measure", MEASURES)
    chosen = text_of(request.query_params, "series") or "total"
    with console.read() as mart:
        values = version_of(mart, console)
        lacking = next((name for name in NEEDED if not mart.exists(name)), None)
        if lacking:
            return show(
                request,
                "forecast.html",
                **values,
                notices=[notice(missing_table(lacking, "The forecast"))],
                origin=None,
                series=[],
                chosen=chosen,
                measure=measure,
                measures=MEASURES,
            )
        origin = stories.forecast_origin(mart, chosen)
        if origin is None:
            raise UsageError("There is no forecast of this series.", "Choose one of those offered.", state="")
        values |= {"notices": [], "origin": origin, "chosen": chosen, "measure": measure, "measures": MEASURES}
        values |= {"series": console.remember("series", lambda: stories.series(mart)), **_course(mart, chosen, measure)}
    return show(request, "forecast.html", **values)


def _course(mart: Mart, chosen: str, measure: str) -> dict[str, Any]:
    ahead_sql = stories.forecast_sql(chosen, measure)
    ahead = mart.execute(ahead_sql)
    past_sql = stories.sales_sql(chosen, measure, ahead[0][0] - timedelta(days=PAST))
    past = mart.execute(past_sql)
    band = [(day, lower, upper) for day, _, lower, upper in ahead if lower is not None and upper is not None]
    chart = line_chart(
        f"Forecast of {chosen}",
        [Line("what was sold", past), Line("forecast", [(day, value) for day, value, *_ in ahead])],
        "money" if measure == "y_net_amount" else "count",
        Band("interval", band) if band else None,
        width=WIDE,
    )
    return {
        "chart": chart,
        "ahead": ahead,
        "sql": f"{past_sql};\n\n{ahead_sql};",
        "meaning": published_table("forecasts").columns[measure],
    }


ROUTES = [Route("/forecast", page)]
