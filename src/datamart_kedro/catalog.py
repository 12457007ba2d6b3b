"""The catalog of the project."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import CatalogCommandsMixin
from kedro.io import DataCatalog, MemoryDataset


class MartCatalog(DataCatalog, CatalogCommandsMixin):
    """Kedro's catalog, which takes parameters for what they are.

    Kedro 1.7 imports pandas to find out how each parameter is to be copied, which doubles the start of a run that
    finds nothing new.
    """

    def __setitem__(self, key: str, value: Any) -> None:
        """Keep a dataset, or a value such as a parameter."""
        is_parameter = key == "parameters" or key.startswith("params:")
        super().__setitem__(key, MemoryDataset(value, copy_mode="deepcopy") if is_parameter else value)
