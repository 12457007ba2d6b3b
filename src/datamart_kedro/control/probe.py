"""A domain's source, looked at without reading it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from datamart_kedro.columns import SourceColumn
from datamart_kedro.errors import SchemaError, SourceError
from datamart_kedro.sources.query import SourceQuery
from datamart_kedro.sources.shop import Shop
from datamart_kedro.sources.state import SourceState

logger = logging.getLogger(__name__)

TEXTS = {"VARCHAR", "ENUM", '"NULL"'}
WHOLE = {
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
}
TIMES = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}
POSSIBLE = {
    "id": TEXTS | WHOLE | {"UUID"},
    "instant": TEXTS | TIMES,
    "flag": TEXTS | WHOLE | {"BOOLEAN"},
    "number": TEXTS | WHOLE | {"DECIMAL", "DOUBLE", "FLOAT"},
}
"""Types of the engine that a column of a kind can be made of; a text is made of all that are not nested."""
NESTED = ("STRUCT", "MAP", "UNION", "BLOB")


@dataclass(frozen=True)
class Probe:
    """What can be asked of a domain's source before it is read."""

    shop: Shop
    query: SourceQuery

    def state(self, time_zone: str = "UTC") -> SourceState:
        """Rows, newest change and fingerprint; the change in UTC, without zone.

        Args:
            time_zone: IANA zone of times without an offset.
        """
        try:
            state = self.shop.check(self.query.sql)
        except SourceError as error:
            raise self.named(error) from None
        newest = state.newest_updated_at
        return SourceState(state.rows, _naive_utc(newest, time_zone) if newest else None, state.fingerprint)

    def columns(self) -> dict[str, str]:
        """Columns that the query gives, with the engine's types."""
        try:
            return self.shop.describe(self.query.sql)
        except SourceError as error:
            raise self.named(error) from None

    def named(self, error: SourceError) -> SourceError:
        """The same refusal, with the domain and its query in front."""
        return SourceError(f"{self.query.domain}: {error.happened}", f"{error.next_step} Query: {self.query.file}")


def require_columns(probe: Probe, columns: Mapping[str, SourceColumn]) -> dict[str, str]:
    """Refuse a source without a required column, or with one of an impossible type; name the columns left out.

    Returns:
        What it gives: columns with the engine's types.

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
    return found


def require_columns_of_before(
    probe: Probe,
    columns: Mapping[str, SourceColumn],
    found: Mapping[str, str],
    before: Mapping[str, str],
    accepted: Sequence[object],
) -> None:
    """Refuse a source that no longer gives an optional column: what is published from it would be emptied in silence.

    Columns that are new or of another type are named in the log.

    Args:
        probe: The source.
        columns: The domain's canonical columns.
        found: Columns that it gives, with the engine's types.
        before: Columns that it gave when it was last published; empty if that is not known.
        accepted: Columns whose loss is accepted, such as ``orders.shipping_method``.

    Raises:
        SchemaError: Naming the columns, and how to accept their loss.
    """
    domain, place = probe.query.domain, probe.shop.place(probe.query.sql)
    used_before = [name for name in before if name in columns]
    gone = [name for name in used_before if name not in found]
    refused = [name for name in gone if f"{domain}.{name}" not in accepted]
    if refused:
        raise SchemaError(
            f"{domain}: {place} no longer gives {', '.join(refused)}: what is published from it would be emptied.",
            f"Put it back in the shop or in {probe.query.file}. If it is gone for good,"
            f" `kedro run --params accept_loss={domain}.{refused[0]}` lets it go; earlier values stay in the history.",
        )
    if gone:
        logger.warning("%s: %s is gone from the source, as was accepted.", domain, ", ".join(gone))
    for name in columns:
        if before and name in found and name not in before:
            logger.info("%s: the source gives %s now.", domain, name)
        elif name in found and found[name] != before.get(name, found[name]):
            logger.info("%s: the source gives %s as %s now, as %s before.", domain, name, found[name], before[name])


def _is_possible(column: SourceColumn, kind: str) -> bool:
    if kind.endswith("]") or kind.startswith(NESTED):
        return False
    return column.kind == "text" or kind.partition("(")[0] in POSSIBLE.get(column.kind, POSSIBLE["number"])


def _article(kind: str) -> str:
    words = {"id": "an id", "instant": "an instant", "flag": "a yes or no", "text": "a text", "integer": "an integer"}
    return words.get(kind, "a number")


def _naive_utc(at: datetime, time_zone: str) -> datetime:
    instant = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(time_zone))
    return instant.astimezone(UTC).replace(tzinfo=None)
