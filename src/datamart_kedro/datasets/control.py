"""What the gate reads and writes."""

from __future__ import annotations

from typing import NoReturn

from kedro.io import DatasetError

from datamart_kedro.control.decision import Decision, DomainState
from datamart_kedro.datasets.mart_dataset import DomainDataset
from datamart_kedro.mart.ledger import domain_state, load_decision, save_decision


class DomainStateDataset(DomainDataset[None, DomainState]):
    """A domain's last publication in ``tb_control_data_update``, and what is staged for it."""

    def load(self) -> DomainState:
        """What the mart knows of the domain."""
        return domain_state(self.mart, self.domain)

    def save(self, data: None) -> NoReturn:
        """Refused: the ledger is written by publication."""
        self.refuse_to_save()


class GateDecision(DomainDataset[Decision, Decision]):
    """What the current check decided for a domain: its row of ``tmp_tb_control_data_update``."""

    def load(self) -> Decision:
        """The decision.

        Raises:
            DatasetError: The domain has not been checked yet.
        """
        decision = load_decision(self.mart, self.domain)
        if decision is None:
            raise DatasetError(f"{self.domain} has not been checked yet: run check_{self.domain} first.")
        return decision

    def save(self, data: Decision) -> None:
        """Keep the decision."""
        save_decision(self.mart, data)

    def _exists(self) -> bool:
        return load_decision(self.mart, self.domain) is not None
