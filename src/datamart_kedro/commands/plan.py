"""``kedro mart plan``: what a run would do."""

from __future__ import annotations

import json
from typing import Any

import click
from kedro.framework.cli.utils import _split_params, env_option, split_string
from kedro.pipeline import Pipeline

from datamart_kedro.config import project_folder
from datamart_kedro.control.decision import Decision
from datamart_kedro.control.plan import plan
from datamart_kedro.errors import UsageError
from datamart_kedro.pipeline_registry import everything, register_pipelines
from datamart_kedro.session import GatedSession
from datamart_kedro.sources.shop import close_shops


@click.command("plan")
@env_option
@click.option("--pipelines", "names", default="", callback=split_string, help="Domains to plan for; all if absent.")
@click.option("--params", type=click.UNPROCESSED, default="", callback=_split_params, help="As for `kedro run`.")
@click.option("--json", "as_json", is_flag=True, help="For machines: a list of domain, action, reason and reading.")
def command(env: str | None, names: list[str], params: dict[str, Any], as_json: bool) -> None:
    """Say what a run would do and why, without changing anything."""
    pipelines = register_pipelines()
    unknown = [name for name in names if name not in pipelines]
    if unknown:
        raise UsageError(f"There is no pipeline {', '.join(unknown)}.", f"There are {', '.join(pipelines)}.", state="")
    wanted = sum((pipelines[name] for name in names), Pipeline([])) if names else pipelines["__default__"]
    with GatedSession.create(project_folder(), env=env, runtime_params=params, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        catalog = session.checked_catalog()
        try:
            decisions = plan(wanted, everything(), catalog)
        finally:
            close_shops()
    if as_json:
        click.echo(json.dumps([_as_json(decision) for decision in decisions]))
        return
    domain, action = (max(len(getattr(d, name)) for d in decisions) for name in ("domain", "action"))
    for decision in decisions:
        reading = f"; {decision.reading}" if decision.reading else ""
        click.echo(f"{decision.domain:<{domain}}  {decision.action:<{action}}  {decision.reason}{reading}")


def _as_json(decision: Decision) -> dict[str, str | None]:
    reading = str(decision.reading) if decision.reading else None
    return {"domain": decision.domain, "action": decision.action, "reason": decision.reason, "reading": reading}
