"""Templates with what they need to show figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from datamart_kedro.commands.periods import words
from datamart_kedro.facts.comparison import Headline
from datamart_kedro.metrics.numbers import NONE, in_words, shown
from datamart_kedro.pages.charts import bar, sparkline


@cache
def templates() -> Environment:
    """The templates of report and console; what they are given is escaped."""
    environment = Environment(
        loader=PackageLoader("datamart_kedro.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": shown,
        "in_words": in_words,
        "change": change_of,
        "instant": instant,
        "count": lambda number: NONE if number is None else f"{number:,}",
        "percent": percent,
        "seconds": lambda seconds: NONE if seconds is None else f"{seconds:,.1f} s",
        "ago": lambda period: f"{words(period)} ago",
    }
    environment.globals |= {"bar": bar, "sparkline": sparkline, "dash": NONE, "one_day": timedelta(days=1)}
    return environment


def style() -> str:
    """The style sheet of both."""
    return files("datamart_kedro.pages").joinpath("style.css").read_text(encoding="utf-8")


def change_of(headline: Headline) -> str:
    """A change, in percent, or in percentage points of a share."""
    change = headline.change
    if change is None:
        return "no comparison"
    rounded = (change * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
    unit = "points" if headline.metric.unit in ("rate", "probability") else "%"
    return f"{rounded:+} {unit}" if rounded else "unchanged"


def percent(share: Decimal | float | None) -> str:
    """A share in percent, to one place."""
    return shown(None if share is None else Decimal(str(share)), "rate")


def instant(at: datetime | None) -> str:
    """An instant, UTC, to the minute."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M}"
