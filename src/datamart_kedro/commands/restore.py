"""``kedro mart restore``: rebuild a lost mart file."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import replica_of
from datamart_kedro.datasets.replica import write_copy


@click.command("restore")
@env_option
@click.option("--from-replica", is_flag=True, required=True, help="From the tables that PostgreSQL serves.")
def command(env: str | None, from_replica: bool) -> None:
    """Rebuild a lost mart file, with its history, from the replica that served it.

    A mart that is there is never written over. What is not served is lost, and named.
    """
    from datamart_kedro.replica.restore import restore, restored_lines

    with replica_of(env) as replica:
        restored = restore(replica.mart.settings, replica.settings, replica.url)
        replica.mart.open(write=True)
        write_copy(replica.mart)
    for line in restored_lines(restored):
        click.echo(line)
