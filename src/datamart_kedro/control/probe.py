"""A domain's source, looked at without reading it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from datamart_kedro.columns import SourceColumn
from datamart_kedro.errors import SourceError
from datamart_kedro.sources.query import SourceQuery
from datamart_kedro.sources.shop import Shop
from datamart_kedro.sources.state import SourceState

logger = logging.getLogger(__name__)

IMPOSSIBLE = {
    "instant": (
        "BOOLEAN",
        "INTEGER",
        "BIGINT",
        "SMALLINT",
        "TINYINT",
        "HUGEINT",
        "DOUBLE",
        "FLOAT",
        "TIME",
        "INTERVAL",
    ),
    "number": ("BOOLEAN", "DATE", "TIMESTAMP", "TIME", "INTERVAL"),
    "flag": ("DATE", "TIMESTAMP", "TIME", "INTERVAL", "DOUBLE", "FLOAT", "DECIMAL"),
    "id": ("BOOLEAN", "DATE", "TIMESTAMP", "TIME", "INTERVAL", "DOUBLE", "FLOAT", "DECIMAL"),
    "text": (),
}
"""Types of the engine that a column of a kind cannot be made of, besides nested ones."""


@dataclass(frozen=True)
class Probe:
    """What can be asked of a domain's source before it is read."""

    shop: Shop
    query: SourceQuery

    def state(self) -> SourceState:
        """Rows, newest change and fingerprint; instants in UTC, without zone."""
        try:
            state = self.shop.check(self.query.sql)
        except SourceError as error:
            raise self.named(error) from None
        newest = state.newest_updated_at
        return SourceState(state.rows, _naive_utc(newest) if newest else None, state.fingerprint)

    def columns(self) -> dict[str, str]:
        """Columns that the query gives, with the engine's types."""
        try:
            return self.shop.describe(self.query.sql)
        except SourceError as error:
            raise self.named(error) from None

    def named(self, error: SourceError) -> SourceError:
        """The same refusal, with the domain and its query in front."""
        return SourceError(f"{self.query.domain}: {error.happened}", f"{error.next_step} Query: {self.query.file}")


def require_columns(probe: Probe, columns: Mapping[str, SourceColumn]) -> None:
    """Refuse a source without a required column, or with one of an impossible type; name the columns left out.

    Raises:
        SourceError: Naming the place and the columns.
    """
    found = probe.columns()
    missing = [name for name, column in columns.items() if column.required and name not in found]
    domain, place = probe.query.domain, probe.shop.place(probe.query.sql)
    if missing:
        raise SourceError(
            f"{domain}: {place} gives no column {', '.join(missing)}; it gives {', '.join(found)}.",
            f"Give the shop's column that name in {probe.query.file}: SELECT its_name AS {missing[0]}.",
        )
    for name, column in columns.items():
        if name in found and not _is_possible(column, found[name]):
            raise SourceError(
                f"{domain}: {place} gives {name} as {found[name]}, which cannot be {_article(column.kind)}.",
                f"Cast it in {probe.query.file}.",
            )
    if extra := [name for name in found if name not in columns]:
        logger.info("%s: columns that the mart does not use: %s", domain, ", ".join(extra))


def _is_possible(column: SourceColumn, kind: str) -> bool:
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION", "BLOB")):
        return False
    group = column.kind if column.kind in IMPOSSIBLE else "number"
    return not kind.startswith(IMPOSSIBLE[group])


def _article(kind: str) -> str:
    words = {"id": "an id", "instant": "an instant", "flag": "a yes or no", "text": "a text", "integer": "an integer"}
    return words.get(kind, "a number")


def _naive_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant
