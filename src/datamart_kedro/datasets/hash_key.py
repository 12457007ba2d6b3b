"""The key that personal data is hashed with."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from datamart_kedro.control.personal_data import HashKey


class HashKeyDataset(AbstractDataset[None, HashKey | None]):
    """A key out of the credentials.

    Args:
        credentials: ``hash_key``, if personal data is hashed.
        metadata: For Kedro-Viz.
    """

    def __init__(self, credentials: dict[str, Any] | None = None, metadata: dict[str, Any] | None = None) -> None:
        self._secret = (credentials or {}).get("hash_key")
        self.metadata = metadata

    def load(self) -> HashKey | None:
        """The key, None if there is none."""
        return HashKey(str(self._secret)) if self._secret else None

    def save(self, data: None) -> NoReturn:
        """Refused: people choose it."""
        raise DatasetError("A key is set in the environment or in conf/local/credentials.yml.")

    def _describe(self) -> dict[str, Any]:
        return {"is_set": bool(self._secret)}
