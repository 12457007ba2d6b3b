"""``kedro mart verify``: is the mart what a full build would be?"""

from __future__ import annotations

import sys
from contextlib import ExitStack

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.errors import MartError
from datamart_kedro.pipeline_registry import DOMAINS

DIFFERENT = 1
"""Exit code if something differs."""
UNKNOWN = 3
"""Exit code if that cannot be told."""


@click.command("verify")
@env_option
def command(env: str | None) -> None:
    """Build all domains in full in a scratch place, and compare every published row with what a full build gives.

    The mart is only read. Exit code 0 if they are alike, 1 if not, 3 if that cannot be told: the sources cannot be
    read, or they differ from what was published last.
    """
    from datamart_kedro.mart.verify import verification_lines, verify
    from datamart_kedro.rebuild import rebuilt

    try:
        with ExitStack() as stack:
            with open_mart(env) as mart:
                click.echo("Everything is built in a scratch place, which takes as long as a full build.", err=True)
                full = stack.enter_context(rebuilt(env, mart))
            with open_mart(env) as mart:  # as it is now: runs went on meanwhile
                found = verify(mart, full, DOMAINS)
    except MartError as error:
        error.show()
        sys.exit(UNKNOWN)
    for line in verification_lines(found):
        click.echo(line)
    if found.is_alike:
        return
    if found.moved:
        click.echo("Bring the mart up to date with `kedro run`, and verify again while the sources rest.")
        sys.exit(UNKNOWN)
    click.echo("Mend it with `kedro run --params full=true`.")
    sys.exit(DIFFERENT)
