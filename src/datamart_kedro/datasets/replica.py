"""The replica of an environment."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb
from kedro.io import CatalogProtocol, DatasetError, SharedMemoryCatalogProtocol

from datamart_kedro.config import settings_of
from datamart_kedro.datasets.mart_dataset import MartDataset
from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import refusal_in
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.readable import refresh_copy

if TYPE_CHECKING:
    from datamart_kedro.replica.report import ReplicaReport
    from datamart_kedro.replica.settings import ReplicaSettings

logger = logging.getLogger(__name__)


def serve(catalog: CatalogProtocol[Any, Any] | SharedMemoryCatalogProtocol) -> None:
    """Bring what is read elsewhere up to date: the readable copy of the mart, and its replica.

    A copy that cannot be written, or a replica that cannot be reached, fails nothing: it catches up at the next run.
    """
    if "replica" not in catalog:
        return
    replica = catalog.get("replica")
    assert isinstance(replica, Replica)
    write_copy(replica.mart)
    try:
        report = catalog.load("replica")
    except DatasetError as error:
        logger.warning(refusal_in(error) or error)
        return
    if report is None:
        return
    from datamart_kedro.replica.report import report_lines

    done, *notes = report_lines(report)
    logger.info(done)
    for note in notes:
        logger.warning(note)


def write_copy(mart: Mart) -> None:
    """Bring the readable copy of a mart up to date, and say so if that fails.

    Args:
        mart: Open for writing.
    """
    try:
        refresh_copy(mart)
    except (duckdb.Error, OSError) as error:
        logger.warning(
            "%s could not be written and is as it was: %s The next run tries again.",
            mart.settings.readable_copy,
            first_line(error),
        )


class Replica(MartDataset[None, "ReplicaReport | None"]):
    """A PostgreSQL schema that serves the mart. Runs bring it up to date after they have published.

    Args:
        replica: The `replica` block of ``globals.yml``.
        mart: The `mart` block of ``globals.yml``.
        credentials: ``url`` of the server, if there is a replica.
        metadata: For Kedro-Viz.
    """

    def __init__(
        self,
        replica: dict[str, Any],
        mart: dict[str, Any],
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(mart, metadata)
        self._block = replica
        self.url: str | None = (credentials or {}).get("url")

    @property
    def is_enabled(self) -> bool:
        """Is there a replica?"""
        return bool(self._block.get("enabled"))

    @property
    def settings(self) -> ReplicaSettings:
        """The `replica` block, checked.

        Raises:
            ParameterError: A key is unknown, or its value is out of range.
        """
        from datamart_kedro.replica.settings import ReplicaSettings  # here: other environments do without it

        return settings_of(ReplicaSettings, "replica", self._block)

    def load(self) -> ReplicaReport | None:
        """Bring the replica to the version of the mart and say what was done; None if there is no replica.

        Raises:
            ReplicaError: The replica holds what it held before.
        """
        if not self.is_enabled:
            return None
        from datamart_kedro.replica.synchronise import synchronise  # here: other environments do without a driver

        return synchronise(self.mart, self.settings, self.url)

    def save(self, data: None) -> NoReturn:
        """Refused: a replica follows its mart."""
        self.refuse_to_save()

    def _describe(self) -> dict[str, Any]:
        return {"schema": self._block.get("schema"), "enabled": self.is_enabled}
