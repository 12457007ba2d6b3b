"""What nodes of one run hand to one another, and nobody reads afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kedro.io import DatasetError

from datamart_kedro.datasets.mart_dataset import DomainDataset
from datamart_kedro.mart.domains import source_columns
from datamart_kedro.mart.mart import quoted

if TYPE_CHECKING:
    import ibis.expr.types as ir


class JudgedRows(DomainDataset["ir.Table", "ir.Table"]):
    """The rows of a source with what is to become of them; gone when the run ends.

    They are kept in a temporary table where values had to be made out of text, which is done once. Where the source
    has types of its own they are a view: reading them again costs less than writing them.
    """

    @property
    def name(self) -> str:
        """The table or view that holds them."""
        return f"judged_{self.domain}"

    def load(self) -> ir.Table:
        """The rows.

        Raises:
            DatasetError: No run has judged them, or it has ended.
        """
        if not self._exists():
            raise DatasetError(f"{self.name} is there only while a run stages {self.domain}; tmp_{self.domain} stays.")
        return self.mart.table(self.name, temporary=True)

    def save(self, data: ir.Table) -> None:
        """Keep the rows for the nodes and tables that are made of them."""
        kind = "TABLE" if self._is_read_from_text() else "VIEW"
        select = self.mart.compile(data)
        self.mart.compute(self.name, f"CREATE OR REPLACE TEMP {kind} {quoted(self.name)} AS {select}")
        self.mart.remember(data, self.name, temporary=True)

    def _is_read_from_text(self) -> bool:
        """Has any number, instant or flag to be read from text?"""
        found = self.mart.columns(f"source_{self.domain}")
        wanted = source_columns(self.domain)
        return any(
            column.kind not in ("id", "text") and found.get(name) == "VARCHAR" for name, column in wanted.items()
        )

    def _exists(self) -> bool:
        return self.mart.exists(self.name)
