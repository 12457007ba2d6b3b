"""``kedro mart prune``: shorten the history."""

from __future__ import annotations

from datetime import timedelta

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_catalog, published_tables
from datamart_kedro.commands.periods import Period
from datamart_kedro.datasets.replica import serve
from datamart_kedro.mart.rollback import prune
from datamart_kedro.mart.run import now


@click.command("prune")
@env_option
@click.option("--keep", type=Period(), required=True, help="How far back the mart can still be read, such as 90d.")
def command(env: str | None, keep: timedelta) -> None:
    """Remove superseded rows that nobody can ask for any more, and rows that are no longer rejected; others stay."""
    with open_catalog(env, write=True) as (mart, catalog):
        removed = prune(mart, published_tables(mart), now() - keep)
        serve(catalog)
    for table, rows in removed.items():
        click.echo(f"{table}: {rows:,} rows removed")
