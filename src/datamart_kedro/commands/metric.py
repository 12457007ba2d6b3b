"""``kedro mart metric``: a figure, what it means, and where it comes from."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import click
from kedro.framework.cli.utils import env_option, split_string

from datamart_kedro.commands.open_mart import open_catalog
from datamart_kedro.errors import UsageError
from datamart_kedro.mart.versions import resolve_version
from datamart_kedro.report import aligned

if TYPE_CHECKING:
    from datamart_kedro.metrics.answer import Answer


@click.command("metric")
@click.argument("name", required=False)
@env_option
@click.option("--by", default="", callback=split_string, help="Dimensions, such as month,department.")
@click.option("--where", "where", multiple=True, help="Such as country=DE; again for another value or dimension.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), default=None, help="First day.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), default=None, help="The day after the last one.")
@click.option("--version", "as_of", default=None, help="Read the mart as of a version or an instant (UTC).")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.option("--sql", "only_sql", is_flag=True, help="Print the SQL instead, and read nothing.")
def command(
    name: str | None,
    env: str | None,
    by: list[str],
    where: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    as_of: str | None,
    form: str,
    only_sql: bool,
) -> None:
    """Show a metric by some dimensions; without NAME, list the metrics.

    Amounts of different currencies are never added: they are shown apart.
    """
    from datamart_kedro.metrics.answer import answer, compiled
    from datamart_kedro.metrics.question import question

    if name is None:
        _list_metrics()
        return
    asked = question(name, by, _filters(where), _day(since), _day(until))
    with open_catalog(env) as (mart, catalog):
        version = None if as_of is None else resolve_version(mart, as_of)
        time_zone = catalog.load("params:formats").time_zone
        if only_sql:
            click.echo(compiled(mart, asked, time_zone, version))
            return
        found = answer(mart, asked, time_zone, version)
    click.echo({"table": _table, "csv": _csv, "json": _json}[form](found))


def _list_metrics() -> None:
    from datamart_kedro.metrics.definitions import METRICS
    from datamart_kedro.metrics.dimensions import dimensions_of

    rows = [(metric.name, metric.unit, ", ".join(dimensions_of(metric))) for metric in METRICS.values()]
    for line in aligned([("metric", "unit", "by"), *rows], to_the_left=("metric", "unit", "by")):
        click.echo(line.rstrip())


def _filters(given: tuple[str, ...]) -> dict[str, list[str]]:
    """Values by dimension.

    Raises:
        UsageError: One is not written as dimension=value.
    """
    found: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"{text[:60]!r} is no filter.", "Write it such as country=DE, or country= for unknown.", state=""
            )
        found.setdefault(name, []).append(value)
    return found


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _table(found: Answer) -> str:
    from datamart_kedro.metrics.answer import columns_of
    from datamart_kedro.metrics.numbers import NONE, in_words, shown

    by = found.question.by
    rows = [
        (
            *map(in_words, one.group),
            shown(one.value, found.metric.unit),
            *((NONE if v is None else f"{v:,}") for v in (one.numerator, one.denominator) if found.metric.denominators),
        )
        for one in found.figures
    ]
    since = f" of {found.valid_from:%Y-%m-%d %H:%M:%S} UTC" if found.valid_from else ""
    notes = [f"{found.metric.title}: {found.metric.meaning}"]
    notes += [f"Divided by: {found.metric.denominator}."] if found.metric.denominator else []
    lines = aligned([tuple(columns_of(found)), *rows], to_the_left=by or ("",))
    return "\n".join([*(line.rstrip() for line in lines), *notes, f"Read from version {found.version}{since}."])


def _csv(found: Answer) -> str:
    from datamart_kedro.metrics.answer import columns_of, records

    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns_of(found), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(found))
    return stream.getvalue().rstrip("\n")


def _json(found: Answer) -> str:
    from datamart_kedro.metrics.answer import described, records

    rows = [
        {name: value if isinstance(value, int | None) else str(value) for name, value in row.items()}
        for row in records(found)
    ]
    return json.dumps({**described(found), "rows": rows}, indent=2)
