"""``kedro mart console``: what is published, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import settings_of_mart
from datamart_kedro.config import project_folder
from datamart_kedro.errors import UsageError

if TYPE_CHECKING:
    from datamart_kedro.console.access import Access
    from datamart_kedro.console.console import Console
    from datamart_kedro.console.run_now import Runs


LOOPBACK = "127.0.0.1"


@click.command("console")
@env_option
@click.option("--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0: any that is free.")
@click.option("--show-personal", is_flag=True, help="Show personal data that is published plainly.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Another one: everything needs the token.")
@click.option("--name", "names", multiple=True, help="Under which a proxy asks: everything needs the token.")
def command(env: str | None, port: int, show_personal: bool, host: str, names: tuple[str, ...]) -> None:
    """Serve the console until Ctrl-C, to this machine alone unless told otherwise.

    It reads what is published, also while a run is under way. Changing something needs a token.
    """
    from datamart_kedro.console.serve import serve

    console = console_of(env, show_personal=show_personal)
    access, place = access_of(console, host, names)
    serve(
        console,
        port,
        lambda address: click.echo(f"{address} (Ctrl-C ends it; the token for changes is in {place})"),
        host=host,
        access=access,
        runs_now=runs_of(console, env),
    )


def access_of(console: Console, host: str, names: tuple[str, ...]) -> tuple[Access, str]:
    """Who may change something, and where the token is that tells; who is asked from afar lets nobody read without.

    Raises:
        UsageError: The token is too short, or others can read its file.
    """
    from datamart_kedro.console.access import Access, token_of

    token, place = token_of(console.copy.with_name("console.token"))
    is_open = host == LOOPBACK and not names
    return Access(token, everything=not is_open, hosts=() if is_open else (*names, host)), place


def runs_of(console: Console, env: str | None) -> Runs:
    """What starts runs of an environment."""
    from datamart_kedro.console.run_now import Runs
    from datamart_kedro.pipeline_registry import register_pipelines

    known = [name for name in register_pipelines() if name != "__default__"]
    log = console.copy.with_name("console_run.log")
    return Runs(project_folder(), env, Path(console.settings.path), log, known)


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
