"""``kedro mart verify-replica``: is the replica like the mart, row by row?"""

from __future__ import annotations

import sys

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import replica_of
from datamart_kedro.errors import MartError

DIFFERENT = 1
"""Exit code if something differs."""
UNKNOWN = 3
"""Exit code if that cannot be told."""


@click.command("verify-replica")
@env_option
@click.option("--repair", is_flag=True, help="Mend what differs, and bring the replica up to date.")
def command(env: str | None, repair: bool) -> None:
    """Compare every row that the replica serves with the mart, as of the version that the replica holds.

    Exit code 0 if they are alike, 1 if not, 3 if that cannot be told. A replica that is behind is not broken.
    """
    from datamart_kedro.replica.report import report_lines
    from datamart_kedro.replica.synchronise import synchronise
    from datamart_kedro.replica.verify import verification_lines, verify

    try:
        with replica_of(env) as replica:
            place = replica.mart, replica.settings, replica.url
            found = verify(*place)
            for line in verification_lines(found):
                click.echo(line)
            if repair and not found.is_alike:
                for line in report_lines(synchronise(*place, doubted=[table.table for table in found.different])):
                    click.echo(line)
    except MartError as error:
        error.show()
        sys.exit(UNKNOWN)
    if not (repair or found.is_alike):
        click.echo("Mend it with `kedro mart verify-replica --repair`.")
        sys.exit(DIFFERENT)
