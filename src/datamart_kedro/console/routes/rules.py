"""Rules: what they are, who changed them and why, and the form that changes one."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from datamart_kedro.console.guard import Form, one
from datamart_kedro.console.page import desk_of, refreshed_while, show, signed_in
from datamart_kedro.console.rulebook import Models, Rulebook
from datamart_kedro.errors import MartError, UsageError
from datamart_kedro.expressions.corrections import CORRECTIONS
from datamart_kedro.overrides.editable import ABSENT, Editable, editable_rules, given_value
from datamart_kedro.overrides.kept import LONGEST, Override, newest, this_second

PROPOSAL = "/rules/proposal"


def rulebook_of(request: Request) -> Rulebook:
    """The rules that a request is about."""
    return desk_of(request).rulebook


def page(request: Request) -> Response:
    """All rules, and what was changed."""
    rulebook = rulebook_of(request)
    overrides = rulebook.overrides()
    blocks: dict[str, list[Editable]] = {}
    for rule in editable_rules(rulebook.load()):
        blocks.setdefault(rule.rule[0], []).append(rule)
    return show(
        request,
        "rules.html",
        blocks=blocks,
        overrides=overrides[::-1],
        newest=newest(overrides),
        proposal=rulebook.proposal(),
        kept="kept" in request.query_params,
    )


@signed_in
def edit(request: Request) -> Response:
    """The form that changes a rule, or an entry of one that is a map."""
    rule = _editable(rulebook_of(request).load(), tuple(request.query_params.getlist("rule")))
    return _form(request, rule, request.query_params.get("entry", ""))


def propose(request: Request) -> Response:
    """Check what was entered, and begin to try it."""
    form, rulebook = request.state.form, rulebook_of(request)
    way = tuple(form.get("rule", ()))
    rule = _editable(rulebook.load(), way)
    try:
        rulebook.propose(_override(request, rule, form))
    except MartError as refused:
        return _form(request, rule, one(form, "entry"), refused, form)
    return RedirectResponse(PROPOSAL, status_code=303)


@signed_in
def proposal(request: Request) -> Response:
    """The change that is tried, and what it would change."""
    found = rulebook_of(request).proposal()
    course = found.job.course() if found else None
    is_correction = found is not None and _page_of(found.override) == "/corrections"
    answer = show(request, "proposal.html", proposal=found, course=course, is_correction=is_correction, absent=ABSENT)
    return refreshed_while(answer, course)


def keep(request: Request) -> Response:
    """Keep the change that was tried."""
    kept = rulebook_of(request).keep(one(request.state.form, "proposal"), request.state.session.by)
    return RedirectResponse(f"{_page_of(kept)}?kept", status_code=303)


def drop(request: Request) -> Response:
    """Forget the change that is tried."""
    dropped = rulebook_of(request).drop(one(request.state.form, "proposal"))
    return RedirectResponse(_page_of(dropped), status_code=303)


def _page_of(override: Override) -> str:
    return "/corrections" if override.rule[1] == CORRECTIONS else "/rules"


def override_of(request: Request, rule: tuple[str, ...], form: Form, value: Any) -> Override:
    """What a form says, as an override.

    Raises:
        UsageError: No reason is given, or one that is no line of text.
    """
    why, by = " ".join(one(form, "why").split()), request.state.session.by
    if not why:
        raise UsageError("Why is missing.", "Say why; it stays beside the change.", state="")
    if len(why) > LONGEST or not why.isprintable():
        raise UsageError("Why is too long, or no text.", f"Say it in at most {LONGEST} characters.", state="")
    removed = "removed" in form
    return Override(rule=rule, value=None if removed else value, removed=removed, by=by, at=this_second(), why=why)


def _override(request: Request, rule: Editable, form: Form) -> Override:
    way = rule.rule
    if rule.is_map:
        entry = " ".join(one(form, "entry").split())
        if not entry:
            raise UsageError("The entry is missing.", "Say which text gets this meaning.", state="")
        way = (*way, entry)
    elif "removed" in form:
        raise UsageError(f"{rule.name} is no map: nothing can be taken out of it.", "Enter a value.", state="")
    return override_of(request, way, form, given_value(rule, one(form, "value")))


def _editable(models: Models, way: tuple[str, ...]) -> Editable:
    found = next((rule for rule in editable_rules(models) if rule.rule == way), None)
    if found is None:
        raise HTTPException(404)
    return found


def _form(
    request: Request, rule: Editable, entry: str, refused: MartError | None = None, form: Form | None = None
) -> Response:
    """The form, with what was entered if it was refused."""
    now_says = rule.value.get(entry) if rule.is_map else rule.value
    shown = "\n".join(now_says) if rule.is_list else "" if now_says is None else str(now_says)
    return show(
        request,
        "rule.html",
        status=400 if refused else 200,
        rule=rule,
        entry=entry,
        is_known=rule.is_map and entry in rule.value,
        value=one(form, "value") if form else shown,
        why=one(form, "why") if form else "",
        refused=refused,
    )


ROUTES = [
    Route("/rules", page),
    Route("/rules/edit", edit),
    Route("/rules/propose", propose, methods=["POST"]),
    Route(PROPOSAL, proposal),
    Route("/rules/keep", keep, methods=["POST"]),
    Route("/rules/drop", drop, methods=["POST"]),
]
