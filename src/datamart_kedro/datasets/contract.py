"""How the contract of a domain fares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datamart_kedro.datasets.mart_dataset import MartDataset
from datamart_kedro.mart.contracts import measure
from datamart_kedro.mart.ledger import RESULTS

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from datamart_kedro.expressions.contract import Contract


class ContractResults(MartDataset["Contract", "ir.Table"]):
    """The rules of a published table: measured when saved, judged when the run is published.

    Args:
        domain: Such as ``orders``.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, domain: str, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.domain = domain

    def load(self) -> ir.Table:
        """Results of all runs for the domain: one row per run and rule."""
        results = self.mart.table(RESULTS.name)
        return results.filter(results.domain == self.domain)

    def save(self, data: Contract) -> None:
        """Measure the rules."""
        measure(self.mart, self.domain, data)

    def _exists(self) -> bool:
        return self.mart.exists(RESULTS.name)

    def _describe(self) -> dict[str, Any]:
        return {"domain": self.domain, "mart": str(self.mart.path)}
