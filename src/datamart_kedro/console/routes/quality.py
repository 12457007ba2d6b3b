"""Quality: rules over time, rows that were set aside, and where each row went."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.filters import choice_of
from datamart_kedro.console.page import console_of, show, version_of
from datamart_kedro.facts.quality import accounting, rule_courses
from datamart_kedro.facts.runs import freshness, results_of, runs_of

ALL = "all"


def page(request: Request) -> Response:
    """How far the data can be trusted, of all domains or one."""
    console = console_of(request)
    with console.read() as mart:
        journal = console.journal()
        runs = runs_of(mart, journal)
        fresh = freshness(mart, runs)
        domains = (ALL, *(domain.domain for domain in fresh))
        chosen = choice_of(request.query_params, "domain", domains)
        rules = rule_courses(results_of(mart, journal), runs)
        values = version_of(mart, console)
    rejected = sorted(journal.rejected or [], key=lambda row: -row[2])
    return show(
        request,
        "quality.html",
        **values,
        domains=domains,
        chosen=chosen,
        fresh=[domain for domain in fresh if chosen in (ALL, domain.domain)],
        broken=[rule for rule in rules if chosen in (ALL, rule.domain) and rule.breaches],
        kept=[rule for rule in rules if chosen in (ALL, rule.domain) and not rule.breaches],
        rejected=[row for row in rejected if chosen in (ALL, row[0])],
        rejected_known=journal.rejected is not None,
        accounts=[row for row in accounting(runs) if chosen in (ALL, row.domain)],
    )


ROUTES = [Route("/quality", page)]
