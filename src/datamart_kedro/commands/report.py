"""``kedro mart report``: one HTML file of what is published."""

from __future__ import annotations

from pathlib import Path

import click
from kedro.framework.cli.utils import env_option

from datamart_kedro.commands.open_mart import open_catalog
from datamart_kedro.datasets.html_report import HtmlReport
from datamart_kedro.errors import UsageError


@click.command("report")
@env_option
@click.option("--to", "target", type=click.Path(path_type=Path), default=None, help="The file; it is replaced.")
@click.option("--days", type=click.IntRange(1, 3660), default=None, help="Days up to the newest order; 30 by default.")
def command(env: str | None, target: Path | None, days: int | None) -> None:
    """Make one HTML file of what is published: figures, charts, freshness, rules, versions and lineage.

    It needs no network, and holds no personal data.
    """
    from datamart_kedro.mart.journal import journal_of
    from datamart_kedro.mart.run import now
    from datamart_kedro.pages.report import report_page, write_page

    with open_catalog(env) as (mart, catalog):
        report = catalog.get("report")
        assert isinstance(report, HtmlReport)
        place = target or report.path
        time_zone = catalog.load("params:formats").time_zone
        page = report_page(mart, journal_of(mart), time_zone, now(), days or report.days)
        try:
            write_page(page, place)
        except OSError as error:
            raise UsageError(
                f"{place} cannot be written: {error.strerror}.", "Name another file with --to.", state=""
            ) from None
    click.echo(f"{place}: {len(page.encode()) / 1000:,.0f} kB")
