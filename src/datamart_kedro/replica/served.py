"""What a replica serves: the published tables of all domains, their histories, and the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.history import history_of
from datamart_kedro.mart.ledger import FORGOTTEN, LEDGER, PRUNED
from datamart_kedro.mart.mart import quoted
from datamart_kedro.replica.settings import MAX_NAME_BYTES
from datamart_kedro.replica.snapshot import Snapshot

TYPES: Mapping[str, str] = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(39,0)",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIMESTAMP": "timestamp with time zone",  # naive instants of the mart are UTC
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "UUID": "uuid",
    "JSON": "jsonb",
}
"""Types of the mart's engine, and those of PostgreSQL that hold the same values, as `format_type` names them."""


WROTE, ENDED = "_version", "_version_to"
"""Columns with the version that wrote a row, and with the one that replaced or deleted it."""


@dataclass(frozen=True)
class Served:
    """A table of the mart that PostgreSQL serves.

    Attributes:
        table: The table, with the meanings of all its columns.
        kinds: Its columns in the mart, in order, with the engine's types.
        stamp: Column with the version that wrote the row, or ended it; None for ledgers, which are older than any.
        seen: Figure, in SQL of both stores, that differs between most contents with the same number of rows.
        history: Name of the table with the rows that its versions replaced or deleted, if it has one.
        oldest: The version that its history, or itself if it is one, was cut back to; 0 if it never was.
    """

    table: PublishedTable
    kinds: Mapping[str, str]
    stamp: str | None
    seen: str
    history: str | None = None
    oldest: int = 0

    @property
    def name(self) -> str:
        """Name of the table, the same in both stores."""
        return self.table.name

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """Its columns in the mart, in order, with their types in PostgreSQL.

        Raises:
            ReplicaError: PostgreSQL cannot hold one.
        """
        return {name: postgres_type(self.name, name, kind) for name, kind in self.kinds.items()}

    @property
    def key(self) -> tuple[str, ...]:
        """Its primary key."""
        return self.table.key

    @property
    def texts(self) -> list[str]:
        """Its text columns."""
        return [name for name, kind in self.columns.items() if kind in ("text", "jsonb")]

    @property
    def is_history(self) -> bool:
        """Does it keep the superseded rows of another table?"""
        return self.stamp == ENDED

    @property
    def names_persons(self) -> bool:
        """Does erasing a person change it, without a version?"""
        return bool(self.table.personal.person) or self.table is LEDGER

    @property
    def reaches_back_to(self) -> int:
        """The oldest version from which the mart still knows all that changed since."""
        return self.oldest if self.history else 0

    @property
    def signature(self) -> str:
        """Figures, in SQL of both stores, that tell most contents of the table from others."""
        return f"count(*), coalesce({self.seen}, 0)"

    def rows(self, condition: str = "true") -> str:
        """SELECT of its rows in the mart."""
        return f"SELECT {_list(self.columns)} FROM {quoted(self.name)} WHERE {condition}"

    def rows_at(self, version: int) -> str:
        """SELECT of the rows that it had at a version, as far as its history reaches back; ledgers: as of now."""
        if self.stamp is None:
            return self.rows()
        if self.is_history:
            return self.rows(f"{ENDED} <= {version}")
        current = self.rows(f"{WROTE} <= {version}")
        if self.history is None:
            return current
        return (
            f"{current} UNION ALL SELECT {_list(self.columns)} FROM {quoted(self.history)}"
            f" WHERE {WROTE} <= {version} AND {ENDED} > {version}"
        )

    def gone_keys(self, version: int) -> str | None:
        """SELECT of the keys that it held at a version, or after, and does not hold now; None if rows never go."""
        if self.history is None:
            return None
        same_key = " AND ".join(f"now.{quoted(name)} = gone.{quoted(name)}" for name in self.key)
        return (
            f"SELECT DISTINCT {_list(self.key)} FROM {quoted(self.history)} AS gone WHERE _version_to > {version}"
            f" AND NOT EXISTS (SELECT 1 FROM {quoted(self.name)} AS now WHERE {same_key})"
        )


def served_tables(snapshot: Snapshot) -> list[Served]:
    """What a mart has to serve; domains that never ran have nothing yet.

    Raises:
        ReplicaError: PostgreSQL cannot hold a column or a name.
    """
    from datamart_kedro.pipeline_registry import DOMAINS, MODELS

    oldest = _oldest_versions(snapshot)
    found = [
        served
        for table in map(published_table, [*DOMAINS, *MODELS])
        for served in _with_history(snapshot, table, oldest.get(table.name, 0))
    ]
    ledger = Served(LEDGER, _columns(snapshot, LEDGER), None, "count(*) FILTER (WHERE status = 'running')")
    pruned = Served(PRUNED, _columns(snapshot, PRUNED), None, "sum(oldest_version)")
    when = "sum(CAST(extract(epoch FROM forgotten_at) AS bigint))"
    forgotten = Served(FORGOTTEN, _columns(snapshot, FORGOTTEN), None, when)
    return [*found, *(served for served in (ledger, pruned, forgotten) if served.kinds)]


def _oldest_versions(snapshot: Snapshot) -> dict[str, int]:
    """For each published table whose history was cut, the oldest version that can still be read."""
    if not snapshot.columns(PRUNED.name):
        return {}
    return dict(snapshot.rows(f"SELECT table_name, max(oldest_version) FROM {PRUNED.name} GROUP BY table_name"))


def _with_history(snapshot: Snapshot, table: PublishedTable, oldest: int) -> Iterator[Served]:
    history = history_of(table)
    current_columns, history_columns = _columns(snapshot, table), _columns(snapshot, history)
    if current_columns:
        known = replace(table, columns={**table.columns, **VERSION_COLUMNS})
        kept = history.name if history_columns else None
        yield Served(known, current_columns, WROTE, f"sum({WROTE})", kept, oldest)
    if history_columns:
        yield Served(history, history_columns, ENDED, f"sum({ENDED})", oldest=oldest)


def _columns(snapshot: Snapshot, table: PublishedTable) -> dict[str, str]:
    columns = snapshot.columns(table.name)
    for name in (table.name, *columns):
        if len(name.encode()) > MAX_NAME_BYTES:
            raise ReplicaError(
                f"{table.name}: PostgreSQL cannot keep the name {name}, which is longer than {MAX_NAME_BYTES} bytes.",
                "Give it a shorter name.",
            )
    return columns


def postgres_type(table: str, column: str, kind: str) -> str:
    """The type of PostgreSQL that holds every value of a type of the mart's engine.

    Raises:
        ReplicaError: There is none.
    """
    if decimal := re.fullmatch(r"DECIMAL\((\d+),\s*(\d+)\)", kind):
        return f"numeric({decimal[1]},{decimal[2]})"
    if kind not in TYPES:
        raise ReplicaError(
            f"{table}.{column} is of type {kind[:100]}, which is not served in PostgreSQL.",
            f"Cast it, in the node that builds {table}, to text, a number, a date, an instant or a boolean.",
        )
    return TYPES[kind]


def _list(names: Mapping[str, str] | tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)
