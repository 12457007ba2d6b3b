"""A table of the mart."""

from __future__ import annotations

import logging
from datetime import datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from datamart_kedro.columns import PERSONAL
from datamart_kedro.datasets.mart_dataset import MartDataset
from datamart_kedro.errors import MissingTableError
from datamart_kedro.mart.domains import domain_of, personal_columns, pipeline_of, published_table, table_name
from datamart_kedro.mart.keys import is_key_unique
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.publication import build
from datamart_kedro.mart.readable import reading, release
from datamart_kedro.mart.rejected import find_closed
from datamart_kedro.mart.slices import sliced
from datamart_kedro.mart.staged import kept_in, note_staged, seen_as, show_next
from datamart_kedro.mart.versions import resolve_version, select_as_of

if TYPE_CHECKING:
    import ibis.expr.types as ir
    from kedro.io.core import TablePreview  # type: ignore[attr-defined]

logger = logging.getLogger(__name__)

PREVIEW_ROWS = 10


class MartTable(MartDataset["ir.Table", "ir.Table"]):
    """A table of the mart, as an Ibis expression: nothing is read until it is asked for.

    Within a run, what changes in a ``tb_`` table is built beside the published one; the nodes that follow see the
    table as it will be, readers when the run is published. A ``tmp_`` table is replaced at once.

    Args:
        table: Its name.
        mart: The `mart` block of ``globals.yml``.
        load_args: ``as_of``, a version such as 3 or an instant such as 2026-10-01T00:00 (UTC): how a published table
            was then; the current rows if absent.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        table: str,
        mart: dict[str, Any],
        load_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(mart, metadata)
        self.table = table
        self.as_of: int | str | datetime | None = (load_args or {}).get("as_of")

    def load(self) -> ir.Table:
        """The table.

        Raises:
            MissingTableError: Nobody has made it yet.
            VersionError: It is asked for as of a version that cannot be read.
        """
        if self.as_of is not None:
            return self._load_as_of(self.as_of)
        name, mart = self._readable_name(), self._reading()
        if not mart.exists(name):
            raise MissingTableError(
                f"There is no table {self.table} in the mart yet.",
                f"Make it with `kedro run --pipelines={pipeline_of(domain_of(self.table))}`, or all domains with"
                " `kedro run`.",
            )
        return mart.table(name, temporary=name.startswith("next_"))

    def save(self, data: ir.Table) -> None:
        """Compute the expression in the engine and keep its rows."""
        started = perf_counter()
        domain = domain_of(self.table)
        if self.table == table_name(domain):
            rows = self._build(data, domain)
        else:
            rows = self._stage(data, domain, self.mart.compile(data))
        if self.mart.run is not None:
            self.mart.run.rows[self.table] = rows
        logger.info("%s: %s rows in %.1f s", self.table, f"{rows:,}", perf_counter() - started)

    def _stage(self, data: ir.Table, domain: str, select: str) -> int:
        """Keep staged rows: in place of those before, or beside them if only changes were read."""
        run, kept = self.mart.run, kept_in(self.mart.run, self.table)
        if self._is_known_to_be_empty(domain):
            select = f"SELECT * FROM ({select}) LIMIT 0"
        self.mart.compute(self.table, f"CREATE OR REPLACE TABLE {quoted(kept)} AS {select}")
        self.mart.remember(data, kept)
        if run is not None and domain in run.loaded:
            if domain in run.changes:
                show_next(self.mart, domain)
            else:
                note_staged(self.mart, run, domain)
            find_closed(self.mart, domain)
            self._let_go_of_source(domain)
        return self.mart.rows(kept)

    def _build(self, data: ir.Table, domain: str) -> int:
        """Find out what changes; slice by slice, where all rows are built and come in slices."""
        table, run = published_table(domain), self.mart.run
        scope = run.scopes.get(domain) if run is not None else None
        slices = None if scope else sliced(self.mart, data, table.key, f"slice_{domain}")
        select = slices.select if slices else self.mart.compile(data, few_rows=scope is not None and scope.has_few_rows)
        return build(self.mart, table, domain, select, slices)

    def _let_go_of_source(self, domain: str) -> None:
        """Free the memory of the rows that a domain was staged from: its staged rows are saved last."""
        for name in (f"judged_{domain}", f"source_{domain}_without_forgotten", f"source_{domain}"):
            self.mart.drop_temporary(name)

    def _is_known_to_be_empty(self, domain: str) -> bool:
        """Are these the duplicates of rows whose keys all differ? Grouping them would tell the same, and cost more."""
        domain = domain.removesuffix("_duplicates")
        return self.table == f"tmp_{domain}_duplicates" and is_key_unique(
            self.mart, f"judged_{domain}", published_table(domain).key
        )

    def _load_as_of(self, as_of: int | str | datetime) -> ir.Table:
        mart = self._reading()
        version = resolve_version(mart, as_of)
        name = f"{self.table}_as_of_{version}"
        select = select_as_of(mart, published_table(domain_of(self.table)), version)
        mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {select}")
        return mart.table(name, temporary=True)

    def preview(self) -> TablePreview:
        """The first rows, for Kedro-Viz; personal data is not shown."""
        from kedro_datasets._typing import TablePreview

        if not self._exists():
            return TablePreview({"columns": [], "index": [], "data": []})
        mart = self._reading()
        rows = mart.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {quoted(self.table)} LIMIT {PREVIEW_ROWS}")
        columns = list(mart.columns(self.table))
        hidden = [name in personal_columns(self.table) for name in columns]
        data = [
            [value and PERSONAL if hide else value for value, hide in zip(row, hidden, strict=True)] for row in rows
        ]
        return TablePreview({"columns": columns, "index": list(range(len(data))), "data": data})

    def _readable_name(self) -> str:
        run = self.mart.run
        domain = domain_of(self.table)
        if run and self.table == table_name(domain) and domain in run.built:
            return f"next_{domain}"
        return seen_as(run, self.table)

    def _reading(self) -> Mart:
        """Where the table is read: within a run the mart, else the copy of what is published if it is there."""
        copy = reading(self.mart)
        return copy if copy is not self.mart and copy.exists(self.table) else self.mart

    def _exists(self) -> bool:
        return self._reading().exists(self.table)

    def _release(self) -> None:
        """Let go of the file; the next load sees what was published since."""
        if not self.mart.is_written:
            release(self.mart)

    def _describe(self) -> dict[str, Any]:
        return {"table": self.table, "mart": str(self.mart.path)}
