"""What features are made of besides published tables, and the files that they are saved to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from datamart_kedro.control.settlement import LastFeatures, Settled
from datamart_kedro.datasets.mart_dataset import DomainDataset, MartDataset
from datamart_kedro.mart.domains import published_table, table_name
from datamart_kedro.mart.files import first_missing, holds_rows, readable_file, write_parquet
from datamart_kedro.mart.mart import quoted
from datamart_kedro.mart.row_versions import period_of, select_versions
from datamart_kedro.mart.run import RefreshPath, current_run
from datamart_kedro.mart.settled import last_features

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from datamart_kedro.control.period import Period

logger = logging.getLogger(__name__)

REMEMBERED = ("customers", "orders", "order_items")
"""Domains whose history tells what was known."""


class TableVersions(DomainDataset[None, "ir.Table"]):
    """Every version of the rows of a domain's table, those of this run included."""

    def load(self) -> ir.Table:
        """One row per key and version, with `_valid_from` and `_valid_to`, NULL while it holds."""
        name = f"versions_{self.domain}"
        select = select_versions(self.mart, published_table(self.domain), self.domain)
        self.mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {select}")
        return self.mart.table(name, temporary=True)

    def save(self, data: None) -> None:
        """Refused: publication writes them."""
        self.refuse_to_save()


class ShopPeriod(MartDataset[None, "Period"]):
    """The days that the orders of a mart cover, and since when it remembers what was known."""

    def load(self) -> Period:
        """The period, with the orders that this run is about to publish."""
        is_built = self.mart.run is not None and "orders" in self.mart.run.built
        tables = {domain: published_table(domain) for domain in REMEMBERED}
        return period_of(self.mart, "next_orders" if is_built else table_name("orders"), tables)

    def save(self, data: None) -> None:
        """Refused: it is read off the mart."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"mart": str(self.mart.path)}


class InterimTable(MartDataset["ir.Table", "ir.Table"]):
    """A table that nodes of one run hand to one another; gone when the run ends.

    Args:
        table: Its name.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, table: str, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.table = table

    def load(self) -> ir.Table:
        """The rows.

        Raises:
            DatasetError: No run has made them, or it has ended.
        """
        if not self._exists():
            raise DatasetError(f"{self.table} is there only while a run makes features.")
        return self.mart.table(self.table, temporary=True)

    def save(self, data: ir.Table) -> None:
        """Compute the rows and keep them until the run ends."""
        select = self.mart.compile(data)
        self.mart.compute(self.table, f"CREATE OR REPLACE TEMP TABLE {quoted(self.table)} AS {select}")

    def _exists(self) -> bool:
        return self.mart.exists(self.table)

    def _describe(self) -> dict[str, Any]:
        return {"table": self.table, "mart": str(self.mart.path)}


class FeaturesBefore(DomainDataset[None, LastFeatures]):
    """How a table of features was published last.

    Args:
        domain: The table.
        mart: The `mart` block of ``globals.yml``.
        above: Domains that it is made of; the first gives it its ids.
        marks: The columns that tell how the rows of a cutoff were made, its day first.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        domain: str,
        mart: dict[str, Any],
        above: Sequence[str],
        marks: Sequence[str],
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(domain, mart, metadata)
        self.above = tuple(above)
        self.marks = tuple(marks)

    def load(self) -> LastFeatures:
        """The publication, and whether it can be told what changed since."""
        return last_features(self.mart, self.domain, self.above, self.marks)

    def save(self, data: None) -> None:
        """Refused: publication writes it."""
        self.refuse_to_save()


class InterimDays(MartDataset["ir.Table", frozenset[date]]):
    """Days that nodes of one run find in the mart; gone when the run ends.

    Args:
        table: Name of the table that holds them.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, table: str, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.rows = InterimTable(table, mart)

    def load(self) -> frozenset[date]:
        """The values of their one column, without NULL."""
        self.rows.load()
        found = self.mart.execute(f"FROM temp.{quoted(self.rows.table)}")
        return frozenset(day for (day,) in found if day is not None)

    def save(self, data: ir.Table) -> None:
        """Find them."""
        self.rows.save(data)

    def _exists(self) -> bool:
        return self.rows.exists()

    def _describe(self) -> dict[str, Any]:
        return {"table": self.rows.table, "mart": str(self.mart.path)}


class SettledCutoffs(DomainDataset[Settled, Settled]):
    """The cutoffs of a table of features whose published rows a run leaves as they are."""

    def load(self) -> Settled:
        """What the run found; none where it did not ask."""
        return self.mart.run.settled.get(self.domain, Settled()) if self.mart.run else Settled()

    def save(self, data: Settled) -> None:
        """Leave them out of what the run builds."""
        run = current_run(self.mart, self.domain)
        run.settled[self.domain] = data
        run.paths[self.domain] = RefreshPath("changes" if data.days else "full", data.reason)
        logger.info("%s: %s", self.domain, data.reason)


class FeatureFile(MartDataset["ir.Table", Any]):
    """Rows in a Parquet file, sorted by their key; the same rows give the same bytes.

    A run puts it in place when it is published. Loading gives a pandas table with Arrow's types: money stays decimal,
    whole numbers stay whole where some are missing.

    Args:
        path: The file.
        key: The columns that it is sorted by: they tell one row from another.
        mart: The `mart` block of ``globals.yml``.
        ranked: Is the first of them a text that many rows share? They are sorted faster then.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        path: str,
        key: Sequence[str],
        mart: dict[str, Any],
        ranked: bool = False,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(mart, metadata)
        self.path = Path(path)
        self.key = tuple(key)
        self.ranked = ranked

    def load(self) -> Any:
        """The rows, as a pandas table."""
        import pandas as pd  # type: ignore[import-untyped]

        return pd.read_parquet(readable_file(self.mart, self.path), dtype_backend="pyarrow")

    def save(self, data: ir.Table) -> None:
        """Write the rows beside the file; one that holds them stays as it is, unless the run is forced."""
        started, select = perf_counter(), self.mart.compile(data)
        if not self._may_differ(data) and holds_rows(self.mart, self.path, select):
            logger.info("%s: as it was", self.path.name)
            return
        write_parquet(self.mart, select, self.key, self.path, ranked=self.ranked)
        logger.info("%s: written in %.1f s", self.path.name, perf_counter() - started)

    def _may_differ(self, data: ir.Table) -> bool:
        """Is it to be expected that other rows are written, since the run changed one of their tables?"""
        import ibis.expr.operations as ops  # here, since a run without new data does without Ibis

        run = current_run(self.mart, self.path.name)
        names = {table.name.removeprefix("next_") for table in data.op().find(ops.DatabaseTable)}
        return any(decision.is_forced for decision in run.decisions.values()) or any(
            built.is_changed for domain, built in run.built.items() if domain in names
        )

    def _exists(self) -> bool:
        return readable_file(self.mart, self.path).exists()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self.path), "key": self.key}


class FilesInPlace(MartDataset[None, str]):
    """The files that are written with a table: is one missing?

    Args:
        paths: The files.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, paths: Sequence[str], mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.paths = [Path(path) for path in paths]

    def load(self) -> str:
        """The name of a file that is missing or not complete; empty if all are in place."""
        return first_missing(self.paths)

    def save(self, data: None) -> None:
        """Refused: it is read off the folder."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"paths": [str(path) for path in self.paths]}
