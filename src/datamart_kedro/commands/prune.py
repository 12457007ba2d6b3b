"""``kedro mart prune``: shorten the history."""

from __future__ import annotations

import re
from datetime import timedelta

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart, published_tables
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.rollback import prune
from datamart_kedro.mart.run import now

PERIOD = re.compile(r"^(\d{1,5})d$")


@click.command("prune")
@env_option
@click.option("--keep", required=True, help="How far back the mart can still be read, such as 90d.")
def command(env: str | None, keep: str) -> None:
    """Remove superseded rows that nobody can ask for any more; current rows stay."""
    period = PERIOD.match(keep)
    if period is None:
        raise UsageError(f"{keep!r} is not a number of days.", "Write it such as 90d.", state="Nothing was removed.")
    with open_mart(env, write=True) as mart:
        removed = prune(mart, published_tables(mart), now() - timedelta(days=int(period[1])))
    for table, rows in removed.items():
        click.echo(f"{table}_history: {rows:,} rows removed")
