"""``kedro mart rollback``: publish an earlier version again."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_catalog, published_tables
from datamart_kedro.datasets.replica import serve
from datamart_kedro.mart.domains import table_name
from datamart_kedro.mart.ledger import current_version
from datamart_kedro.mart.rollback import roll_back
from datamart_kedro.mart.run import new_run_id
from datamart_kedro.mart.versions import resolve_version


@click.command("rollback")
@click.argument("version")
@env_option
def command(version: str, env: str | None) -> None:
    """Publish the content of an earlier version as a new one.

    VERSION is a number such as 3, or an instant such as 2026-10-01T00:00 (UTC). The mart stays there until a source, a
    rule or the code changes, or a run is forced.
    """
    with open_catalog(env, write=True) as (mart, catalog):
        number = resolve_version(mart, version)
        counts = roll_back(mart, published_tables(mart), number, new_run_id("rollback"))
        current = current_version(mart)
        serve(catalog)
    changed = {domain: c for domain, c in counts.items() if c.inserted or c.updated or c.deleted}
    if not changed:
        click.echo(f"The mart holds the content of version {number} already; it stays at version {current}.")
        return
    for domain, c in changed.items():
        click.echo(f"{table_name(domain)}: {c.inserted:,} rows inserted, {c.updated:,} updated, {c.deleted:,} deleted")
    click.echo(
        f"Version {current} holds the content of version {number}. It stays until something is new;"
        " `kedro run --params force=true` reads the sources again."
    )
