"""``kedro mart rejected``: rows that were set aside."""

from __future__ import annotations

from pathlib import Path

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.rejected import count_rejected, export_rejected
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.report import aligned

HEADER = ("domain", "reason", "rows", "since run", "state")
FORMATS = (".csv", ".json", ".parquet")


@click.command("rejected")
@env_option
@click.option("--domain", default=None, help="The one to look at; all if absent.")
@click.option("--run", "run_id", default=None, help="Those of this run; those that are still set aside if absent.")
@click.option("--reason", default=None, help="Only rows rejected for this reason, among others.")
@click.option("--closed", is_flag=True, help="Those that are no longer set aside, with what became of them.")
@click.option("--to", "target", type=click.Path(path_type=Path), default=None, help="Write the rows to a new file.")
def command(
    env: str | None, domain: str | None, run_id: str | None, reason: str | None, closed: bool, target: Path | None
) -> None:
    """Count the rows that were rejected by domain and reason, and export them whole.

    The file's ending tells its format: .csv, .json (one row per line) or .parquet.
    """
    if target is not None and target.suffix not in FORMATS:
        raise UsageError(f"{target} is none of {', '.join(FORMATS)}.", "Give the file one of these endings.", state="")
    if target is not None and not target.parent.is_dir():
        raise UsageError(
            f"There is no folder {target.parent}.", "Make it, or name another.", state="Nothing was written."
        )
    if domain is not None and domain not in DOMAINS:
        raise UsageError(f"There is no domain {domain}.", f"There are {', '.join(DOMAINS)}.", state="")
    if target is not None and target.exists():
        raise UsageError(f"{target} exists already.", "Name a new file.", state="Nothing was written.")
    with open_mart(env, whole=True) as mart:
        counts = count_rejected(mart, domain, run_id, reason, closed=closed)
        if target is not None:
            rows = export_rejected(mart, target, domain, run_id, reason, closed=closed)
    lines = [(name, why, f"{count:,}", since, outcome) for name, why, count, since, outcome in counts]
    for line in aligned([HEADER, *lines], to_the_left=(*HEADER[:2], *HEADER[3:])):
        click.echo(line)
    if target is not None:
        click.echo(f"{rows:,} rows are in {target}.")
