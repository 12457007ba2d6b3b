"""A domain's source: what it looks like, and its rows."""

from __future__ import annotations

import logging
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from datamart_kedro.config import settings_of
from datamart_kedro.control.probe import Probe
from datamart_kedro.datasets.mart_dataset import Loaded, MartDataset, Saved
from datamart_kedro.errors import SourceError
from datamart_kedro.mart.forgotten import without_forgotten
from datamart_kedro.progress import progress
from datamart_kedro.sources.query import read_query
from datamart_kedro.sources.shop import ShopSettings, open_shop

if TYPE_CHECKING:
    import ibis.expr.types as ir

logger = logging.getLogger(__name__)


class SourceDataset(MartDataset[Saved, Loaded]):
    """The SELECT of a domain in its shop.

    Args:
        domain: Such as ``orders``; its SELECT is ``<queries>/<domain>.sql``.
        source: The `source` block of ``globals.yml``.
        mart: The `mart` block of ``globals.yml``.
        credentials: ``url`` of the shop's server, if it has one.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        domain: str,
        source: dict[str, Any],
        mart: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(mart, metadata)
        self.domain = domain
        self.settings = settings_of(ShopSettings, "source", source)
        self._url = (credentials or {}).get("url")

    def probe(self) -> Probe:
        """The source, ready to be asked."""
        query = read_query(self.project / self.settings.queries, self.domain)
        return Probe(open_shop(self.settings, self.project, self.temp_folder, self._url), query)

    def save(self, data: Saved) -> NoReturn:
        """Refused: a shop is only read."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"domain": self.domain, "kind": self.settings.kind, "queries": self.settings.queries}


class SourceProbe(SourceDataset[None, Probe]):
    """A domain's source, looked at without reading it."""

    def load(self) -> Probe:
        """The source, ready to be asked."""
        return self.probe()


class SourceTable(SourceDataset[None, "ir.Table"]):
    """The rows of a domain's source: extracted into the engine when loaded, gone when the run ends."""

    def load(self) -> ir.Table:
        """Read the rows.

        Raises:
            SourceError: They cannot be read, or there are none.
        """
        started = perf_counter()
        probe = self.probe()
        name = f"source_{self.domain}"
        self.mart.open(write=True)
        try:
            with progress(name) as show:
                rows = probe.shop.extract(
                    probe.query.sql, self.mart.connection, name, lambda read: show(f"{read:,} rows")
                )
        except SourceError as error:
            raise probe.named(error) from None
        if rows == 0 and not self.settings.allow_empty:
            raise SourceError(
                f"{self.domain}: {probe.shop.place(probe.query.sql)} has no rows.",
                "Check the export. If that is right, set source.allow_empty to true in globals.yml.",
            )
        seconds = perf_counter() - started
        logger.info(
            "%s: %s rows in %.1f s (%s rows/s)", name, f"{rows:,}", seconds, f"{rows / max(seconds, 1e-3):,.0f}"
        )
        if self.mart.run is not None:
            self.mart.run.loaded[self.domain] = rows
        return self.mart.table(without_forgotten(self.mart, self.domain, name), temporary=True)
