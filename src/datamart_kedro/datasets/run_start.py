"""When a run started."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from datamart_kedro.datasets.mart_dataset import MartDataset
from datamart_kedro.mart.run import current_run


class RunStart(MartDataset[None, datetime]):
    """The instant at which the run that the mart is in started, UTC, without zone."""

    def load(self) -> datetime:
        """The instant."""
        return current_run(self.mart, "What is stamped with the start of a run").started_at

    def save(self, data: None) -> None:
        """Refused: it is read off the run."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"mart": str(self.mart.path)}
