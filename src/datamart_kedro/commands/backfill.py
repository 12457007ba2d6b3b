"""``kedro mart backfill``: read a past window of the sources again."""

from __future__ import annotations

from datetime import datetime

import click
from kedro.framework.cli.utils import env_option, split_string

from datamart_kedro.config import project_folder
from datamart_kedro.control.reading import instant_of
from datamart_kedro.errors import ParameterError, UsageError
from datamart_kedro.mart.run import now
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.session import GatedSession


@click.command("backfill")
@env_option
@click.option("--since", required=True, help="A date or an instant (UTC), such as 2026-10-01 or 2026-10-01T12:00Z.")
@click.option("--domain", "names", default="", callback=split_string, help="Those to read; all if absent.")
def command(env: str | None, since: str, names: list[str]) -> None:
    """Read again what changed in the sources since a date, and publish what was missed.

    Rows are asked for by their updated_at; a domain whose source has none is read in whole. The watermark never goes
    back: the next run reads on from where it was.
    """
    unknown = [name for name in names if name not in DOMAINS]
    if unknown:
        raise UsageError(f"There is no domain {', '.join(unknown)}.", f"There are {', '.join(DOMAINS)}.", state="")
    parameters = {"force": names or DOMAINS, "read_since": _past(since).isoformat()}
    with GatedSession.create(project_folder(), env=env, runtime_params=parameters, save_on_close=False) as session:
        session.run()


def _past(since: str) -> datetime:
    """The instant, UTC, from which to read."""
    try:
        at = instant_of(since)
    except ParameterError as error:
        raise UsageError(f"--since is {since[:60]!r}.", error.next_step, state="") from None
    assert at is not None
    if at > now():
        raise UsageError(
            f"--since is {at:%Y-%m-%d %H:%M:%S} UTC, which is still to come.", "Give a past one.", state=""
        )
    return at
