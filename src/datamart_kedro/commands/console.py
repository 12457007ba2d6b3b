"""``kedro mart console``: what is published, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import settings_of_mart
from datamart_kedro.errors import UsageError

if TYPE_CHECKING:
    from datamart_kedro.console.console import Console


@click.command("console")
@env_option
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any that is free.")
@click.option("--show-personal", is_flag=True, help="Show personal data that is published plainly.")
def command(env: str | None, port: int, show_personal: bool) -> None:
    """Serve the console on this machine alone, until Ctrl-C.

    It reads what is published, also while a run is under way, and changes nothing.
    """
    from datamart_kedro.console.serve import serve

    serve(console_of(env, show_personal=show_personal), port, lambda address: click.echo(f"{address} (Ctrl-C ends it)"))


def console_of(env: str | None, *, show_personal: bool) -> Console:
    """The console of an environment.

    Raises:
        UsageError: The environment has no readable copy.
    """
    from datamart_kedro.console.console import Console

    settings, parameters = settings_of_mart(env)
    if settings.readable_copy is None:
        raise UsageError(
            "The console reads the readable copy of the mart, and this environment has none.",
            "Set mart.readable_copy in its globals.yml, then run once.",
            state="",
        )
    return Console(
        settings,
        Path(settings.readable_copy),
        parameters["formats"].time_zone,
        parameters["personal_data"],
        show_personal=show_personal,
        command=f"kedro run --env={env}" if env else "kedro run",
    )
