"""What all datasets of the mart have in common: the mart file that they read and write."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from kedro.io import AbstractDataset, DatasetError

from datamart_kedro.mart.mart import Mart, MartSettings, mart_at

Saved = TypeVar("Saved")
Loaded = TypeVar("Loaded")


class MartDataset(AbstractDataset[Saved, Loaded], Generic[Saved, Loaded]):
    """A dataset of a mart.

    Args:
        mart: The `mart` block of ``globals.yml``, with absolute paths.
        metadata: For Kedro-Viz.
    """

    def __init__(self, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        self.mart: Mart = mart_at(MartSettings(**mart))
        self.metadata = metadata

    @property
    def project(self) -> Path:
        """Folder that relative paths start from."""
        return Path(self.mart.settings.project)

    @property
    def temp_folder(self) -> Path:
        """Where files of a run may be kept."""
        return Path(self.mart.settings.temp_folder)

    def refuse_to_save(self) -> NoReturn:
        """Say that only runs and shops write this."""
        raise DatasetError(f"{type(self).__name__} cannot be saved: it is read only.")


class DomainDataset(MartDataset[Saved, Loaded]):
    """Something of one domain of a mart.

    Args:
        domain: Such as ``orders``.
        mart: The `mart` block of ``globals.yml``.
        metadata: For Kedro-Viz.
    """

    def __init__(self, domain: str, mart: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        super().__init__(mart, metadata)
        self.domain = domain

    def _describe(self) -> dict[str, Any]:
        return {"domain": self.domain, "mart": str(self.mart.path)}
