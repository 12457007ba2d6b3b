"""Corrections: single values of the shop that people corrected, and the form that corrects one."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.console.guard import Form, one
from datamart_kedro.console.page import console_of, show
from datamart_kedro.console.routes.rules import PROPOSAL, override_of, rulebook_of
from datamart_kedro.console.rulebook import Models
from datamart_kedro.errors import MartError, UsageError
from datamart_kedro.expressions.corrections import CORRECTIONS, SEPARATOR, correctable_columns
from datamart_kedro.mart.domains import published_table, source_columns
from datamart_kedro.overrides.kept import Override, newest


@dataclass(frozen=True)
class Corrected:
    """A value that is corrected.

    Attributes:
        domain: Whose row it is in.
        key: Of that row.
        column: The column.
        value: The right value; None for none at all.
        shop: What the shop says, of all corrected values of the row; empty as long as no run has staged it.
        override: Who corrected it, when and why; None if it stands in a parameter file.
    """

    domain: str
    key: str
    column: str
    value: str | None
    shop: str
    override: Override | None


def page(request: Request) -> Response:
    """All corrected values, and the form for another."""
    return _shown(request)


def propose(request: Request) -> Response:
    """Check what was entered, and begin to try it."""
    form, rulebook = request.state.form, rulebook_of(request)
    domain, _, column = one(form, "column").partition(".")
    try:
        if column not in _choices(rulebook.load()).get(domain, []):
            raise UsageError("That column cannot be corrected.", "Choose one of those that can.", state="")
        rule = (domain, CORRECTIONS, " ".join(one(form, "key").split()), column)
        value = None if "empty" in form else one(form, "value").strip()
        rulebook.propose(override_of(request, rule, form, value))
    except MartError as refused:
        return _shown(request, refused, form)
    return RedirectResponse(PROPOSAL, status_code=303)


def _shown(request: Request, refused: MartError | None = None, form: Form | None = None) -> Response:
    rulebook = rulebook_of(request)
    models = rulebook.load()
    choices = _choices(models)
    kept, shop = newest(rulebook.overrides()), console_of(request).journal().corrected
    found = [
        Corrected(domain, key, column, value, shop.get((domain, key), ""), kept.get((domain, CORRECTIONS, key, column)))
        for domain, model in models.items()
        for key, values in getattr(model, CORRECTIONS, {}).items()
        for column, value in values.items()
    ]
    return show(
        request,
        "corrections.html",
        status=400 if refused else 200,
        corrected=found,
        choices=choices,
        keys={domain: SEPARATOR.join(published_table(domain).key) for domain in choices},
        entered={name: one(form or {}, name) for name in ("column", "key", "value", "why")},
        refused=refused,
        kept="kept" in request.query_params,
    )


def _choices(models: Models) -> dict[str, list[str]]:
    """The columns that can be corrected, by domain."""
    return {
        domain: correctable_columns(source_columns(domain), published_table(domain))
        for domain, model in models.items()
        if hasattr(model, CORRECTIONS)
    }


ROUTES = [Route("/corrections", page), Route("/corrections/propose", propose, methods=["POST"])]
