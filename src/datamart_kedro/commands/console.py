"""``kedro mart console``: what is published, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import credentials_of, overrides_file_of, settings_of_mart
from datamart_kedro.config import project_folder
from datamart_kedro.errors import UsageError

if TYPE_CHECKING:
    from datamart_kedro.console.access import Access
    from datamart_kedro.console.console import Console
    from datamart_kedro.console.desk import Desk


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
    access, place = access_of(console, host, names, env)
    serve(
        console,
        port,
        lambda address: click.echo(f"{address} (Ctrl-C ends it; the token for changes is in {place})"),
        host=host,
        desk=desk_of(console, access, env),
    )


def access_of(console: Console, host: str, names: tuple[str, ...], env: str | None) -> tuple[Access, str]:
    """Who may change something, and where the token is that tells; who is asked from afar lets nobody read without.

    Raises:
        UsageError: A token is too short, or others can read its file.
    """
    from datamart_kedro.console.access import Access, named_tokens, token_of

    token, place = token_of(console.copy.with_name("console.token"))
    named = named_tokens(credentials_of(env).get("console", {}).get("tokens", {}))
    is_open = host == LOOPBACK and not names
    return Access(token, named, everything=not is_open, hosts=() if is_open else (*names, host)), place


def desk_of(console: Console, access: Access, env: str | None) -> Desk:
    """Where changes of an environment are made."""
    from datamart_kedro.console.desk import Desk
    from datamart_kedro.console.rulebook import Rulebook
    from datamart_kedro.console.run_now import Runs
    from datamart_kedro.expressions.formats import Rules
    from datamart_kedro.pipeline_registry import DOMAINS, register_pipelines

    def load() -> dict[str, Rules]:
        _, parameters = settings_of_mart(env)
        return {block: parameters[block] for block in ("formats", *DOMAINS) if block in parameters}

    project = project_folder()
    runs = Runs(
        project,
        env,
        Path(console.settings.path),
        console.copy.with_name("console_run.log"),
        [name for name in register_pipelines() if name != "__default__"],
    )
    draft, log = (console.copy.with_name(name) for name in ("console_change.yml", "console_change.log"))
    return Desk(access, runs, Rulebook(project, env, overrides_file_of(env), draft, log, load))


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
