"""A domain's source: what it looks like, and its rows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from datamart_kedro.columns import CLOCK
from datamart_kedro.config import settings_of
from datamart_kedro.control.probe import Probe
from datamart_kedro.control.reading import Reading
from datamart_kedro.datasets.mart_dataset import Loaded, MartDataset, Saved
from datamart_kedro.errors import SourceError
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.mart.forgotten import without_forgotten
from datamart_kedro.mart.ledger import staged_load
from datamart_kedro.progress import progress
from datamart_kedro.sources.parts import CLOCKS, SourceParts, Totals
from datamart_kedro.sources.query import read_query
from datamart_kedro.sources.shop import ShopSettings, open_shop

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from datamart_kedro.mart.source_changes import Changes

logger = logging.getLogger(__name__)


class SourceDataset(MartDataset[Saved, Loaded]):
    """The SELECT of a domain in its shop.

    Args:
        domain: Such as ``orders``; its SELECT is ``<queries>/<domain>.sql``.
        source: The `source` block of ``globals.yml``.
        mart: The `mart` block of ``globals.yml``.
        credentials: ``url`` of the shop's server, or what its API wants to know; empty for files.
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
        self._credentials = credentials or {}

    def probe(self) -> Probe:
        """The source, ready to be asked."""
        query = read_query(self.project / self.settings.queries, self.domain)
        return Probe(open_shop(self.settings, self.project, self.temp_folder, self._credentials), query)

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
                rows, whole = self._read(probe, lambda read: show(f"{read:,} rows"))
        except SourceError as error:
            raise probe.named(error) from None
        if whole == 0 and not self.settings.allow_empty:
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

    def _read(self, probe: Probe, on_rows: Callable[[int], None]) -> tuple[int, int]:
        """Make ``source_<domain>`` of what changed, or of all rows.

        Returns:
            How many rows were read, and how many the source has.
        """
        run = self.mart.run
        decision = run.decisions.get(self.domain) if run else None
        columns = json.loads((decision and decision.source_columns) or "{}")
        if run is None or decision is None or columns.get(CLOCK) not in CLOCKS:
            rows = probe.shop.extract(probe.query.sql, self.mart.connection, f"source_{self.domain}", on_rows)
            return rows, rows
        formats = Formats(**json.loads(decision.parameters).get("formats", {}))
        parts = probe.shop.parts(probe.query.sql, self.mart.connection, f"whole_{self.domain}", on_rows)
        run.totals[self.domain] = totals = parts.totals(columns[CLOCK], formats.time_zone)
        if decision.since is not None and decision.reading is not None:
            found = self._read_changes(parts, columns, formats, decision.reading, totals)
            if not isinstance(found, Reading):
                run.changes[self.domain] = found
                parts.close()
                return found.rows, totals.rows
            logger.info("%s: all rows are read, since %s", self.domain, found.reason)
            run.decisions[self.domain] = replace(decision, reading=found)
        return parts.read_all(f"source_{self.domain}"), totals.rows

    def _read_changes(
        self, parts: SourceParts, columns: dict[str, str], formats: Formats, reading: Reading, totals: Totals
    ) -> Changes | Reading:
        from datamart_kedro.mart.source_changes import ChangedSource  # here, with Ibis

        staged = staged_load(self.mart, self.domain)
        assert staged is not None and self.mart.run is not None
        source = ChangedSource(self.mart, self.domain, parts, columns, formats, staged)
        return source.read(reading, totals, self.mart.run.refresh.full_from_share)
