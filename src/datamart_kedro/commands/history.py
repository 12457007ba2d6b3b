"""``kedro mart history``: what past runs did."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.mart.status import past_runs
from datamart_kedro.report import aligned

COUNTS = ("read", "staged", "rejected", "superseded", "inserted", "updated", "deleted")
HEADER = ("started (UTC)", "domain", "status", *COUNTS, "version", "seconds", "why")


@click.command("history")
@env_option
@click.option("--domain", default=None, help="The one to look at; all if absent.")
@click.option("--limit", default=40, show_default=True, help="Rows at most.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(env: str | None, domain: str | None, limit: int, as_json: bool) -> None:
    """Show what past runs did, the newest first: rows, versions, seconds, and why."""
    with open_mart(env) as mart:
        runs = past_runs(mart, domain, limit)
    if as_json:
        click.echo(json.dumps(runs, default=str))
        return
    texts = (HEADER[0], "domain", "status", "why")
    for line in aligned([HEADER, *(_row(run) for run in runs)], to_the_left=texts):
        click.echo(line.rstrip())


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    counts = (run[f"rows_{name}"] for name in COUNTS)
    error = str(run["error"] or "").splitlines()
    return (
        f"{run['started_at']:%Y-%m-%d %H:%M:%S}",
        run["domain"],
        run["status"],
        *("-" if count is None else f"{count:,}" for count in counts),
        "-" if run["version"] is None else f"{run['version']:,}",
        _seconds(run["started_at"], run["finished_at"]),
        error[0] if error else str(run["reason"] or ""),
    )


def _seconds(started_at: datetime, finished_at: datetime | None) -> str:
    return "-" if finished_at is None else f"{(finished_at - started_at).total_seconds():.1f}"
