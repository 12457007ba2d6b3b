"""``kedro mart status``: is the mart fresh?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime, timedelta

import click
from kedro.framework.cli.utils import env_option, split_string

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.commands.periods import Period, words
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.domains import MODELLED, pipeline_of, table_name
from datamart_kedro.mart.run import now
from datamart_kedro.mart.status import DomainStatus, status_of
from datamart_kedro.pipeline_registry import DOMAINS, FEATURES, MODELS, register_pipelines
from datamart_kedro.report import aligned

STALE = 2
"""Exit code if a domain was not checked for longer than was asked for."""
HEADER = ("domain", "rows", "version", "checked", "published", "newest row", "by", "last run", "pending")


@click.command("status")
@env_option
@click.option("--max-age", type=Period(), default=None, help="Exit with 2 if a domain was not checked for so long.")
@click.option("--pipelines", "names", default="", callback=split_string, help="Whose tables to look at; all if absent.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(env: str | None, max_age: timedelta | None, names: list[str], as_json: bool) -> None:
    """Say how fresh each domain is, what the last run did, and what is left over.

    A domain is as fresh as its last check: what its source held then is published. The source is not asked. Features
    and models run when somebody asks for them: --max-age looks at them only if --pipelines names them.
    """
    unknown = [name for name in names if name not in register_pipelines()]
    if unknown:
        raise UsageError(f"There is no pipeline {', '.join(unknown)}.", "See `kedro registry list`.", state="")
    with open_mart(env) as mart:
        made = [domain for domain in [*FEATURES, *MODELS] if mart.exists(table_name(domain))]
        asked = [domain for domain in [*DOMAINS, *made] if not names or pipeline_of(domain) in _parts_of(names)]
        statuses = [status_of(mart, domain) for domain in asked]
    at = now()
    held = [status for status in statuses if names or status.domain in DOMAINS]
    stale = [status.domain for status in held if max_age is not None and is_stale(status, at, max_age)]
    if as_json:
        click.echo(json.dumps({"domains": [asdict(status) for status in statuses], "stale": stale}, default=str))
    else:
        for line in aligned([HEADER, *(_row(status, at) for status in statuses)], to_the_left=HEADER[:1] + HEADER[3:]):
            click.echo(line.rstrip())
        for error in dict.fromkeys(status.last_error for status in statuses if status.last_error):
            click.echo(error)
    if stale:
        click.echo(f"Stale: {', '.join(stale)}", err=True)
        sys.exit(STALE)


def _parts_of(names: list[str]) -> set[str]:
    """Pipelines, with those that are the sum of others taken apart."""
    sums = {"__default__": DOMAINS, "models": list(MODELLED.values())}
    return {part for name in names for part in sums.get(name, [name])}


def is_stale(status: DomainStatus, at: datetime, max_age: timedelta) -> bool:
    """Was the domain checked too long ago, or never?"""
    return status.checked_at is None or at - status.checked_at > max_age


def _row(status: DomainStatus, at: datetime) -> tuple[str, ...]:
    return (
        status.domain,
        "-" if status.rows is None else f"{status.rows:,}",
        "-" if status.version is None else f"{status.version:,}",
        *(
            f"{words(at - instant)} ago" if instant is not None else absent
            for instant, absent in (
                (status.checked_at, "never"),
                (status.published_at, "never"),
                (status.newest_change_at, "-"),
            )
        ),
        status.last_path or "-",
        status.last_status or "-",
        status.pending or "nothing",
    )
