"""``kedro mart diff``: what changed between two versions."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_mart, published_tables
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.difference import CellChange, Difference
from datamart_kedro.mart.versions import resolve_version
from datamart_kedro.report import aligned


@click.command("diff")
@click.argument("earlier")
@click.argument("later")
@env_option
@click.option("--table", "name", default=None, help="Such as tb_orders; all published tables if absent.")
@click.option("--key", default=None, help="Value of the key of one row; several columns with commas. Needs --table.")
@click.option("--limit", default=20, show_default=True, help="Rows whose values are shown, for each table.")
@click.option("--show-personal", is_flag=True, help="Show the values of personal data too.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(
    earlier: str,
    later: str,
    env: str | None,
    name: str | None,
    key: str | None,
    limit: int,
    show_personal: bool,
    as_json: bool,
) -> None:
    """Show what changed between two versions, by counts and by cell.

    EARLIER and LATER are versions such as 3, or instants such as 2026-10-01T00:00 (UTC).
    """
    with open_mart(env) as mart:
        tables = {table.name: table for table in published_tables(mart).values()}
        if name is not None and name not in tables:
            raise UsageError(f"There is no published table {name}.", f"There are {', '.join(tables)}.", state="")
        if key is not None and name is None:
            raise UsageError("--key needs --table.", "Name the table whose key it is.", state="")
        versions = resolve_version(mart, earlier), resolve_version(mart, later)
        differences = {
            table_name: Difference(mart, table, *versions)
            for table_name, table in tables.items()
            if name in (None, table_name)
        }
        counts = {table_name: difference.counts() for table_name, difference in differences.items()}
        wanted = tuple(key.split(",")) if key is not None else ()
        cells = {
            table_name: difference.cells(limit, wanted, show_personal=show_personal)
            for table_name, difference in differences.items()
        }
    if as_json:
        click.echo(
            json.dumps(
                {
                    table_name: {**counts[table_name], "cells": [asdict(cell) for cell in cells[table_name]]}
                    for table_name in differences
                },
                default=str,
            )
        )
        return
    rows: list[tuple[str, ...]] = [("table", "inserted", "updated", "deleted")]
    rows += [(table_name, *(f"{count:,}" for count in found.values())) for table_name, found in counts.items()]
    for line in aligned(rows):
        click.echo(line)
    for table_name, changes in cells.items():
        for change in changes:
            click.echo(f"{table_name} {_key(change)}: {_what(change)}")


def _key(change: CellChange) -> str:
    return ", ".join(str(value) for value in change.key)


def _what(change: CellChange) -> str:
    if not change.column:
        return change.change
    before, after = ("NULL" if value is None else value for value in (change.before, change.after))
    return f"{change.column} {before} -> {after}"
