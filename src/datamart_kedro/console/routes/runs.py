"""Runs: what each did and how long it took, and the versions with what they changed."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datamart_kedro.console.filters import text_of
from datamart_kedro.console.page import console_of, show, version_of
from datamart_kedro.facts.runs import runs_of
from datamart_kedro.mart.ledger import NODE_TIMES
from datamart_kedro.mart.node_times import node_speeds
from datamart_kedro.mart.versions import list_versions

SHOWN = 40
"""Newest runs, and newest versions."""
STRENGTH = ("failed", "interrupted", "running", "erased", "published", "skipped")
"""The status of a run is the first of these that a domain of it has."""


def page(request: Request) -> Response:
    """The newest runs, how long nodes take, and the newest versions."""
    console = console_of(request)
    with console.read() as mart:
        rows = runs_of(mart, console.journal())
        versions = list_versions(mart)[: -SHOWN - 1 : -1]
        speeds = node_speeds(mart, None) if mart.exists(NODE_TIMES.name) else []
        values = version_of(mart, console)
    return show(request, "runs.html", **values, runs=_summed(rows)[:SHOWN], versions=versions, speeds=speeds[:15])


def run(request: Request) -> Response:
    """What one run did, domain by domain."""
    console = console_of(request)
    run_id = text_of(request.query_params, "run_id")
    with console.read() as mart:
        rows = [row for row in runs_of(mart, console.journal()) if row["run_id"] == run_id]
        values = version_of(mart, console)
    if not rows:
        raise HTTPException(404, "There is no such run.")
    return show(request, "run.html", **values, run=_summed(rows)[0], rows=rows)


def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per run, the newest first."""
    by_run: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_run.setdefault(row["run_id"], []).append(row)
    return [_sum(run_id, found) for run_id, found in by_run.items()]


def _sum(run_id: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    started = min(row["started_at"] for row in rows)
    finished = [row["finished_at"] for row in rows if row["finished_at"]]
    statuses = {row["status"] for row in rows}
    return {
        "run_id": run_id,
        "started_at": started,
        "seconds": (max(finished) - started).total_seconds() if finished else None,
        "status": next((status for status in STRENGTH if status in statuses), "-"),
        "domains": sorted(row["domain"] for row in rows if row["status"] != "skipped"),
        "skipped": sum(row["status"] == "skipped" for row in rows),
        "version": max((row["version"] for row in rows if row["version"]), default=None),
        "changed": sum(int(row[f"rows_{what}"] or 0) for row in rows for what in ("inserted", "updated", "deleted")),
        "error": next((row["error"] for row in rows if row["error"]), ""),
    }


ROUTES = [Route("/runs", page), Route("/runs/one", run)]
