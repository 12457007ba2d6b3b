"""``kedro mart replay``: let in what was set aside, now that a rule or the source is mended."""

from __future__ import annotations

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.config import project_folder
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.ledger import last_run_of
from datamart_kedro.mart.rejected import AGAIN, GONE, STAGED, SUPERSEDED, count_closed, count_open
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.report import aligned
from datamart_kedro.session import GatedSession

HEADER = ("domain", "set aside", STAGED, SUPERSEDED, GONE, AGAIN, "as before")


@click.command("replay")
@env_option
@click.option("--domain", default=None, help="The one whose rows to replay; all that have any if absent.")
def command(env: str | None, domain: str | None) -> None:
    """Bring the rows that are set aside through staging again, and say what became of each.

    Their domains are read and built anew, whatever their gates say, and published with all that depends on them. A row
    is staged, superseded by another row of its key, gone from the source, rejected again with other reasons or values,
    or as it was before.
    """
    if domain is not None and domain not in DOMAINS:
        raise UsageError(f"There is no domain {domain}.", f"There are {', '.join(DOMAINS)}.", state="")
    with open_mart(env, whole=True) as mart:
        before = {name: rows for name, rows in count_open(mart).items() if domain in (None, name)}
    if not before:
        click.echo("No row is set aside.")
        return
    parameters = {"force": list(before)}
    with GatedSession.create(project_folder(), env=env, runtime_params=parameters, save_on_close=False) as session:
        session.run()
    with open_mart(env, whole=True) as mart:
        closed = count_closed(mart, last_run_of(mart))
    rows = []
    for name, count in before.items():
        outcomes = [closed.get(name, {}).get(outcome, 0) for outcome in (STAGED, SUPERSEDED, GONE, AGAIN)]
        rows.append((name, *(f"{value:,}" for value in (count, *outcomes, count - sum(outcomes)))))
    for line in aligned([HEADER, *rows]):
        click.echo(line)
