"""``kedro mart forget``: erase a customer from the whole mart, and prove it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import env_option
from kedro.io import CatalogProtocol

from datamart_kedro.commands.open_mart import open_catalog, open_mart, overrides_file_of, settings_of_mart
from datamart_kedro.datasets.features import FeatureFile
from datamart_kedro.datasets.replica import serve
from datamart_kedro.datasets.source import SourceDataset
from datamart_kedro.errors import UsageError
from datamart_kedro.expressions.corrections import CORRECTIONS
from datamart_kedro.mart.domains import published_tables
from datamart_kedro.mart.files import erase_from_file
from datamart_kedro.mart.forget import Forgetting, forget, preview_forgetting
from datamart_kedro.mart.forgotten import forgotten_at
from datamart_kedro.mart.journal import write_journal
from datamart_kedro.mart.mart import Mart, literal
from datamart_kedro.mart.rewrite import rewrite
from datamart_kedro.mart.run import new_run_id
from datamart_kedro.overrides.kept import read_overrides
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.report import aligned
from datamart_kedro.sources.shop import remove_kept

NOTHING_CHANGED = "Nothing was changed."


@click.command("forget")
@env_option
@click.option("--customer-id", "person", default=None, help="The customer, by the id in tb_customers.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be erased, and change nothing.")
@click.option("--keep-out", is_flag=True, help="Also a customer the mart knows nothing of: never take one in.")
@click.option("--list", "is_list", is_flag=True, help="Show when customers were erased; it is not kept who they were.")
def command(env: str | None, person: str | None, yes: bool, dry_run: bool, keep_out: bool, is_list: bool) -> None:
    """Erase a customer from published, staged and rejected rows and from the history, and prove it by a search.

    Orders of the customer stay, without customer and address, so that no figure changes. The customer does not come
    back with the next run. See docs/personal-data.md for what is out of the mart's reach.
    """
    if is_list:
        _list(env)
        return
    if not (person or "").strip():
        raise UsageError("Nobody is named.", "Name a customer with --customer-id.", NOTHING_CHANGED)
    assert person is not None
    person = person.strip()
    tables = published_tables()
    corrected_in = _corrected_in(env, person)
    with open_catalog(env, write=True) as (mart, catalog):
        found = preview_forgetting(mart, tables, person, prove=dry_run)
        if not found.erasures and not found.was_forgotten and not keep_out:
            raise UsageError(
                "The mart holds nothing of that customer.",
                "Check the id (`SELECT customer_id FROM tb_customers`). Should that customer never come in, add"
                " --keep-out.",
                NOTHING_CHANGED,
            )
        if dry_run or not yes:
            _tell(found)
        if dry_run:
            click.echo(NOTHING_CHANGED)
            return
        if not yes:
            click.confirm("Erase this for good?", abort=True)
        done = forget(mart, tables, person, new_run_id("forget"))
        if yes:
            _tell(done)
        serve(catalog)
        for path, rows in _erase_from_files(mart, catalog, person):
            click.echo(f"{path}: {rows:,} rows erased")
        for folder in _remove_answers(catalog):
            click.echo(f"{folder}: what was kept of the shop's answers is gone; the next run asks for all of them")
        write_journal(mart)
        rewrite(mart)
    for place in corrected_in:
        click.echo(f"Corrections in {place} name the customer: delete their entries there, and from its history.")
    values = f"{done.values} value{'s' if done.values != 1 else ''}"
    click.echo(f"Searched {done.searched} columns of the mart for the id and {values}: 0 rows found.")
    if done.shared:
        click.echo(f"{done.shared} more are also those of other customers, and stay in their rows.")
    click.echo("The mart file was written anew, without free blocks. The customer is not taken in again.")


def _erase_from_files(mart: Mart, catalog: CatalogProtocol[Any, Any], person: str) -> Iterator[tuple[Path, int]]:
    """Erase the customer from the files of features; models that were trained before keep nothing of one row."""
    for name in catalog:
        file = catalog.get(name)
        if isinstance(file, FeatureFile) and "customer_id" in file.key:
            condition = f"CAST(customer_id AS VARCHAR) = {literal(person)}"
            if rows := erase_from_file(mart, file.path, file.key, condition):
                yield file.path, rows


def _remove_answers(catalog: CatalogProtocol[Any, Any]) -> Iterator[Path]:
    """Remove what was kept of an API's answers, which hold the customer as the shop does."""
    for domain in DOMAINS:
        source = catalog.get(f"source_{domain}")
        if isinstance(source, SourceDataset) and (folder := remove_kept(source.settings, source.project)):
            yield folder


def _corrected_in(env: str | None, person: str) -> list[str]:
    """The files with corrections of a customer, taken out or not: they are out of the mart's reach."""
    file = overrides_file_of(env)
    rule = ("customers", CORRECTIONS, person)
    found = [str(file)] if any(override.rule[:3] == rule for override in read_overrides(file)) else []
    _, parameters = settings_of_mart(env)
    is_in_force = person in getattr(parameters.get("customers"), CORRECTIONS, {})
    return found or (["the parameter files"] if is_in_force else [])


def _list(env: str | None) -> None:
    with open_mart(env) as mart:
        instants = forgotten_at(mart)
    for at in instants:
        click.echo(f"{at:%Y-%m-%d %H:%M:%S} UTC")
    click.echo(f"{len(instants)} customers were erased.")


def _tell(found: Forgetting) -> None:
    if not found.erasures:
        click.echo("The mart holds nothing of that customer.")
        return
    rows = [(e.table, f"{e.erased:,}", f"{e.changed:,}") for e in found.erasures]
    for line in aligned([("table", "rows erased", "rows changed"), *rows]):
        click.echo(line)
