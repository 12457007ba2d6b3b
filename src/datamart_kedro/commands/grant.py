"""``kedro mart grant``: let a role read what PostgreSQL serves."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import replica_of


@click.command("grant")
@click.argument("role")
@env_option
@click.option("--revoke", is_flag=True, help="Take the rights back.")
def command(role: str, env: str | None, revoke: bool) -> None:
    """Let ROLE read the served tables and their functions, those of later runs included, and nothing else.

    ROLE is a name as the server has it; upper and lower case count.
    """
    from datamart_kedro.replica.rights import grant, rights_lines

    with replica_of(env) as replica:
        rights = grant(replica.settings, replica.url, role, revoke=revoke)
    for line in rights_lines(rights, revoke=revoke):
        click.echo(line)
