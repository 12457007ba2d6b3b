"""The report: one HTML file with figures, charts, freshness, rules, versions and lineage, which needs no network.

It holds sums and counts, and nothing of single persons.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from datamart_kedro.errors import MartError
from datamart_kedro.facts.comparison import HEADLINES, STATES, headlines
from datamart_kedro.facts.lineage import lineage
from datamart_kedro.facts.period import DAYS, last_days, months_up_to, newest_day
from datamart_kedro.facts.quality import accounting, rule_courses
from datamart_kedro.facts.runs import freshness, results_of, runs_of
from datamart_kedro.facts.trends import courses, spread
from datamart_kedro.mart.journal import Journal
from datamart_kedro.mart.ledger import current_version
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.versions import list_versions
from datamart_kedro.metrics.answer import compiled
from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.question import question
from datamart_kedro.pages.charts import Line, line_chart
from datamart_kedro.pages.drawing import style, templates
from datamart_kedro.pages.lineage import lineage_picture

VERSIONS = 8
"""Newest versions that are shown."""
REASONS = 15
"""Reasons that are shown, those with the most rows first."""
CHARTS = ("revenue", "orders", "active_customers", "return_rate")
SPREADS = (("revenue", "department"), ("revenue", "country"))
NEEDED = ("tb_orders", "tb_order_items")


def report_page(mart: Mart, journal: Journal, time_zone: str, at: datetime, days: int = DAYS) -> str:
    """The report as HTML.

    Args:
        mart: Read only: the mart or its copy.
        journal: What the last runs did.
        time_zone: In which days begin.
        at: This instant, UTC.
        days: Days up to the newest order that the figures are of.
    """
    runs = runs_of(mart, journal)
    rules = rule_courses(results_of(mart, journal), runs)
    fresh = freshness(mart, runs)
    rejected = sorted(journal.rejected or [], key=lambda row: -row[2])
    return (
        templates()
        .get_template("report.html")
        .render(
            style=style(),
            at=at,
            version=current_version(mart),
            time_zone=time_zone,
            fresh=fresh,
            accounts=accounting(runs),
            broken=[rule for rule in rules if rule.breaches],
            rules=rules,
            rejected=rejected[:REASONS],
            rejected_total=sum(row[2] for row in rejected),
            rejected_known=journal.rejected is not None,
            more_reasons=max(0, len(rejected) - REASONS),
            versions=list_versions(mart)[: -VERSIONS - 1 : -1],
            lineage=lineage_picture(lineage(), {domain.table for domain in fresh}),
            **_figures(mart, time_zone, days),
        )
    )


def write_page(page: str, target: Path) -> None:
    """Write a page in one step: whoever has the old one open sees it whole.

    Raises:
        OSError: It cannot be written; the old one is as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.new")
    try:
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def _figures(mart: Mart, time_zone: str, count: int) -> dict[str, Any]:
    """What is told of orders; nothing if there are none."""
    newest = newest_day(mart, time_zone) if all(mart.exists(table) for table in NEEDED) else None
    if newest is None:
        return {"days": None, "cards": [], "charts": [], "spreads": [], "definitions": []}
    days = last_days(newest, count)
    cards = headlines(mart, HEADLINES, days, time_zone)
    for name in STATES:
        cards += _state(mart, name, time_zone)
    charts = [
        (course, line_chart(course.metric.title, [Line(course.metric.title, course.points)], course.metric.unit))
        for course in courses(mart, CHARTS, "month", months_up_to(days), time_zone)
    ]
    spreads = [
        (by, course) for name, by in SPREADS if _can(mart, by) for course in spread(mart, name, by, days, time_zone)
    ]
    shown = dict.fromkeys(card.metric.name for card in cards)
    return {
        "days": days,
        "cards": cards,
        "charts": charts,
        "spreads": spreads,
        "definitions": [(METRICS[name], compiled(mart, _asked(name, days), time_zone)) for name in shown],
    }


def _state(mart: Mart, name: str, time_zone: str) -> list[Any]:
    try:
        return list(headlines(mart, [name], None, time_zone))
    except MartError:  # no model has run, or there are no products: the figure is left out
        return []


def _can(mart: Mart, by: str) -> bool:
    return by != "department" or mart.exists("tb_products")


def _asked(name: str, days: Any) -> Any:
    return question(name) if METRICS[name].is_state else question(name, (), None, days.since, days.until)
