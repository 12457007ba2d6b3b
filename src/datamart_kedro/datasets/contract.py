"""How the contract of a domain fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datamart_kedro.datasets.mart_dataset import DomainDataset
from datamart_kedro.mart.contracts import measure
from datamart_kedro.mart.ledger import RESULTS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from datamart_kedro.expressions.contract import Contract


class ContractResults(DomainDataset["Contract", "ir.Table"]):
    """The rules of a published table: measured when saved, judged when the run is published."""

    def load(self) -> ir.Table:
        """Results of all runs for the domain: one row per run and rule."""
        results = self.mart.table(RESULTS.name)
        return results.filter(results.domain == self.domain)

    def save(self, data: Contract) -> None:
        """Measure the rules."""
        measure(self.mart, self.domain, data)

    def _exists(self) -> bool:
        return self.mart.exists(RESULTS.name)
