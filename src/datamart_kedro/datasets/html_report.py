"""The report that is made after runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kedro.io import CatalogProtocol, SharedMemoryCatalogProtocol

from datamart_kedro.datasets.mart_dataset import MartDataset

if TYPE_CHECKING:
    from datamart_kedro.expressions.formats import Formats

logger = logging.getLogger(__name__)


def report_run(catalog: CatalogProtocol[Any, Any] | SharedMemoryCatalogProtocol) -> None:
    """Make the report of what a run has published, if the environment wants one.

    A report that cannot be made fails nothing: the run is published.
    """
    report = catalog.get("report") if "report" in catalog else None
    if not isinstance(report, HtmlReport) or not report.is_wanted:
        return
    try:
        report.write(catalog.load("params:formats"))
    except Exception as error:  # whatever it is, the mart is published
        logger.warning("The report %s could not be made, and is as it was: %s", report.path, error)
    else:
        logger.info("Report: %s", report.path)


class HtmlReport(MartDataset[None, str]):
    """One HTML file with what the mart says, see `datamart_kedro.pages.report`.

    Args:
        report: The `report` block of ``globals.yml``.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, report: dict[str, Any], mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.path = Path(report["path"])
        self.is_wanted = bool(report.get("after_each_run"))
        self.days = int(report.get("days", 30))

    def write(self, formats: Formats) -> None:
        """Make the report anew, of the mart as it is now.

        Args:
            formats: How the shop writes; days begin in its time zone.
        """
        from datamart_kedro.mart.journal import journal_of  # here: runs without a report do without all this
        from datamart_kedro.mart.run import now
        from datamart_kedro.pages.report import report_page, write_page

        page = report_page(self.mart, journal_of(self.mart), formats.time_zone, now(), self.days)
        write_page(page, self.path)

    def load(self) -> str:
        """The report that was made last."""
        return self.path.read_text(encoding="utf-8")

    def save(self, data: None) -> NoReturn:
        """Refused: it is made of the mart."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self.path), "after_each_run": self.is_wanted}
