"""``kedro mart versions``: the states of the mart that readers saw."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart
from datamart_kedro.mart.domains import table_name
from datamart_kedro.mart.versions import list_versions
from datamart_kedro.report import aligned


@click.command("versions")
@env_option
@click.option("--json", "as_json", is_flag=True, help="For machines, with code versions and parameters.")
def command(env: str | None, as_json: bool) -> None:
    """List the versions of the mart: when, what changed in which table, and why."""
    with open_mart(env) as mart:
        versions = list_versions(mart)
    if as_json:
        click.echo(json.dumps([asdict(version) for version in versions], default=str))
        return
    rows: list[tuple[str, ...]] = [("version", "valid from (UTC)", "table", "inserted", "updated", "deleted", "reason")]
    for version in versions:
        for domain, change in version.changes.items():
            if not (change.inserted or change.updated or change.deleted):
                continue
            counts = (f"{count:,}" for count in (change.inserted, change.updated, change.deleted))
            rows.append(
                (
                    str(version.number),
                    f"{version.valid_from:%Y-%m-%d %H:%M:%S}",
                    table_name(domain),
                    *counts,
                    change.reason,
                )
            )
    for line in aligned(rows, to_the_left=("version", "valid from (UTC)", "table", "reason")):
        click.echo(line.rstrip())
