"""``kedro mart preview``: what the rules as they are now, or one more override, would change."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_published
from datamart_kedro.errors import MartError
from datamart_kedro.pipeline_registry import DOMAINS


@click.command("preview")
@env_option
@click.option(
    "--file",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Overrides to try after those that are kept, written as overrides.yml is.",
)
def command(env: str | None, file: Path | None) -> None:
    """Build all domains by the rules as they are now in a scratch place, and count the published rows that differ.

    The mart is only read, and no rule is kept.
    """
    from datamart_kedro.mart.verify import verify
    from datamart_kedro.overrides.kept import read_overrides
    from datamart_kedro.overrides.preview import preview_lines
    from datamart_kedro.rebuild import rebuilt

    try:
        with ExitStack() as stack:
            overrides = read_overrides(file) if file else []
            with open_published(env) as mart:
                click.echo("Everything is built in a scratch place, which takes as long as a full build.", err=True)
                full = stack.enter_context(rebuilt(env, mart, overrides))
            with open_published(env) as mart:
                found = verify(mart, full, DOMAINS)
    except MartError as error:
        error.show()
        sys.exit(1)
    for line in preview_lines(found, overrides):
        click.echo(line)
