"""``kedro mart sample``: the source data of a made-up shop."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import click
from click.core import ParameterSource

from datamart_kedro.errors import UsageError
from datamart_kedro.progress import progress
from datamart_kedro.sample import folder, server
from datamart_kedro.sample.server_changes import advance_tables
from datamart_kedro.sample.settings import NOTHING_WRITTEN, SPAN_DAYS, SampleShop

FIXED = ("customers", "days", "first_day", "seed", "dirt")
"""What a shop has for life."""


@click.command("sample")
@click.option("--customers", default=1000, show_default=True, help=f"Customers who register per {SPAN_DAYS} days.")
@click.option("--days", default=SPAN_DAYS, show_default=True, help="Days since the shop opened.")
@click.option("--first-day", default="2024-01-01", show_default=True, help="Day on which the shop opened.")
@click.option("--seed", default=8, show_default=True, help="Another seed, another shop.")
@click.option("--dirt", default=0.02, show_default=True, help="Share of rows with a fault, 0 to 1.")
@click.option("--to", "target", default="data/01_raw", show_default=True, help="A folder, or a postgresql:// URL.")
@click.option("--schema", default="shop", show_default=True, help="Schema in PostgreSQL.")
@click.option("--advance", type=int, metavar="DAYS", help="Let so many days pass in the shop that is there.")
@click.option("--overwrite", is_flag=True, help="Replace files or tables that are not those of a sample shop.")
@click.pass_context
def command(
    ctx: click.Context,
    customers: int,
    days: int,
    first_day: str,
    seed: int,
    dirt: float,
    target: str,
    schema: str,
    advance: int | None,
    overwrite: bool,
) -> None:
    """Make an operational shop's source data, or let time pass in it.

    The same options always make the same shop. Beside the four tables it has `faults`, every fault that was planted
    and what must become of it, and `truth`, when each customer really stopped buying.
    """
    given = [name for name in ctx.params if ctx.get_parameter_source(name) == ParameterSource.COMMANDLINE]
    in_postgres = "://" in target
    _check_options(given, advance, in_postgres=in_postgres)
    shop = None if advance is not None else new_shop(customers, days, first_day, seed, dirt)
    started = perf_counter()
    if in_postgres:
        told = to_postgres(target, schema, shop, advance, overwrite=overwrite)
    else:
        told = to_folder(Path(target), shop, advance, overwrite=overwrite)
    for line in told:
        click.echo(line)
    click.echo(f"Done in {perf_counter() - started:.1f} s.")


def new_shop(customers: int, days: int, first_day: str, seed: int, dirt: float) -> SampleShop:
    """The shop that the options describe.

    Raises:
        UsageError: An option is out of range.
    """
    try:
        first = date.fromisoformat(first_day)
        return SampleShop(seed, customers, first, first + timedelta(days=days), dirt)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--first-day {first_day} with --days {days} is not a time that a calendar has.",
            "Write the day as 2024-01-31.",
            NOTHING_WRITTEN,
        ) from None


def to_folder(place: Path, shop: SampleShop | None, advance: int | None, *, overwrite: bool) -> list[str]:
    """Write the files of a shop, or those of the shop that is there some days later."""
    shop = shop or folder.read_shop(place).advanced(advance or 0)
    if not overwrite:
        folder.check_folder(place)
    with progress("sample") as show:
        rows = folder.write_folder(place, shop, lambda written: show(f"{written:,} rows"))
    return [
        f"{place}: the shop as it is when {shop.day} begins.",
        *(f"  {table:<12}{count:>12,} rows" for table, count in rows.items()),
    ]


def to_postgres(url: str, schema: str, shop: SampleShop | None, advance: int | None, *, overwrite: bool) -> list[str]:
    """Write the tables of a shop, or what changes in them within some days."""
    with server.transaction(url) as cursor, progress("sample") as show:
        if shop is None:
            old = server.read_shop(cursor, schema)
            shop = old.advanced(advance or 0)
            changes = advance_tables(cursor, schema, old, shop, lambda rows: show(f"{rows:,} rows differ"))
            lines = [
                f"  {table:<12}{c.inserted:>12,} inserted{c.updated:>12,} updated{c.deleted:>12,} deleted"
                for table, c in changes.items()
            ]
        else:
            if not overwrite:
                server.check_schema(cursor, schema)
            rows = server.write_tables(cursor, schema, shop, lambda written: show(f"{written:,} rows"))
            lines = [f"  {table:<12}{count:>12,} rows" for table, count in rows.items()]
    return [f"Schema {schema}: the shop as it is when {shop.day} begins.", *lines]


def _check_options(given: list[str], advance: int | None, *, in_postgres: bool) -> None:
    if advance is not None and (fixed := [name for name in FIXED if name in given]):
        option = fixed[0].replace("_", "-")
        raise UsageError(
            f"--advance changes a shop that is there, which has its own {option}.",
            f"Leave --{option} out.",
            NOTHING_WRITTEN,
        )
    if "schema" in given and not in_postgres:
        raise UsageError(
            "--schema is for PostgreSQL, and --to is a folder.", "Leave --schema out, or name a URL.", NOTHING_WRITTEN
        )
