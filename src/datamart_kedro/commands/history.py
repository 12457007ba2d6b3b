"""``kedro mart history``: what past runs did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.mart.node_times import NodeSpeed, node_speeds
from datamart_kedro.mart.status import past_runs
from datamart_kedro.report import aligned

COUNTS = ("read", "staged", "rejected", "superseded", "inserted", "updated", "deleted")
NODES = ("node", "rows", "seconds", "usually", "of runs", "in run")
HEADER = ("started (UTC)", "domain", "status", "path", *COUNTS, "version", "seconds", "why")


@click.command("history")
@env_option
@click.option("--domain", default=None, help="The one to look at; all if absent.")
@click.option("--limit", default=40, show_default=True, help="Rows at most.")
@click.option("--nodes", is_flag=True, help="How long each node took when it ran last, and usually.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(env: str | None, domain: str | None, limit: int, nodes: bool, as_json: bool) -> None:
    """Show what past runs did, the newest first: rows, versions, seconds, and why.

    The path tells whether a domain was refreshed by its changes, or in full.

    With --nodes, how long each node took when it ran last, the slowest first, beside the median of the runs before.
    """
    with open_mart(env) as mart:
        if nodes:
            _show_nodes(node_speeds(mart, domain), as_json)
            return
        runs = past_runs(mart, domain, limit)
    if as_json:
        click.echo(json.dumps(runs, default=str))
        return
    texts = (HEADER[0], "domain", "status", "path", "why")
    for line in aligned([HEADER, *(_row(run) for run in runs)], to_the_left=texts):
        click.echo(line.rstrip())


def _show_nodes(speeds: Sequence[NodeSpeed], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(speed) for speed in speeds]))
        return
    rows = [
        (
            speed.node,
            "-" if speed.rows is None else f"{speed.rows:,}",
            f"{speed.seconds:.2f}",
            "-" if speed.usual_seconds is None else f"{speed.usual_seconds:.2f}",
            str(speed.runs),
            speed.run_id,
        )
        for speed in speeds
    ]
    for line in aligned([NODES, *rows], to_the_left=("node", "in run")):
        click.echo(line.rstrip())


def _row(run: dict[str, Any]) -> tuple[str, ...]:
    counts = (run[f"rows_{name}"] for name in COUNTS)
    error = str(run["error"] or "").splitlines()
    return (
        f"{run['started_at']:%Y-%m-%d %H:%M:%S}",
        run["domain"],
        run["status"],
        run["path"] or "-",
        *("-" if count is None else f"{count:,}" for count in counts),
        "-" if run["version"] is None else f"{run['version']:,}",
        _seconds(run["started_at"], run["finished_at"]),
        error[0] if error else _why(run),
    )


def _why(run: dict[str, Any]) -> str:
    """What opened the gate or kept it closed, and why the domain was refreshed by that path."""
    return "; ".join(dict.fromkeys(filter(None, (run["reason"], run["path_reason"]))))


def _seconds(started_at: datetime, finished_at: datetime | None) -> str:
    return "-" if finished_at is None else f"{(finished_at - started_at).total_seconds():.1f}"
