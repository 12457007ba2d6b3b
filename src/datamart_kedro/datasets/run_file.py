"""A file that a run writes beside the mart."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, TypeVar

from datamart_kedro.datasets.mart_dataset import MartDataset
from datamart_kedro.mart.files import begin_file, readable_file

Content = TypeVar("Content")


class RunFile(MartDataset[Content, Content], Generic[Content]):
    """A file that is in place when its run is published, and stays as it was when the run fails.

    Args:
        path: The file.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, path: str, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.path = Path(path)

    @property
    def readable(self) -> Path:
        """Where it can be read: within the run that writes it, beside its place."""
        return readable_file(self.mart, self.path)

    def begin(self) -> Path:
        """Where the run that the mart is in writes it."""
        return begin_file(self.mart, self.path)

    def _exists(self) -> bool:
        return self.readable.exists()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self.path)}
