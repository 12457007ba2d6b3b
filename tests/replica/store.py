"""A mart, its replica, and what each of them holds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.replica.report import ReplicaReport
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.synchronise import synchronise
from datamart_kedro.replica.verify import Verification, verification_lines, verify
from tests.project import psql

TABLES = ("tb_customers", "tb_products", "tb_order_items", "tb_orders")

Rows = list[dict[str, Any]]


class Store:
    """A mart file of its own.

    Args:
        folder: Where it is.
        versions: Files that it can be a copy of.
    """

    def __init__(self, folder: Path, versions: Mapping[int, Path]) -> None:
        self.mart = Mart(MartSettings(str(folder / "mart.duckdb"), str(folder / "spill"), str(folder)))
        self._versions = versions

    def become(self, version: int) -> None:
        """Be as the shop's mart was at a version."""
        self.mart.close()
        shutil.copy(self._versions[version], self.mart.path)

    def execute(self, *statements: str) -> None:
        """Change the mart as nobody should."""
        self.mart.close()
        with duckdb.connect(self.mart.path) as connection:
            for statement in statements:
                connection.execute(statement)

    def publish(self, *statements: str) -> None:
        """Make the next version, of rows that the statements write, as publication would."""
        self.execute(
            *statements,
            "INSERT INTO tb_control_data_update (run_id, domain, status, version, started_at)"
            " SELECT 'later ' || max(version), 'orders', 'published', max(version) + 1,"
            " max(started_at) + INTERVAL 1 SECOND FROM tb_control_data_update",
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a SELECT."""
        with duckdb.connect(self.mart.path, read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, table: str) -> Rows:
        """Rows of a table, sorted by all that they hold."""
        with duckdb.connect(self.mart.path, read_only=True) as connection:
            found = connection.execute(f"SELECT * FROM {table}")
            return _sorted([column[0] for column in found.description], found.fetchall())


@dataclass
class Replica:
    """A schema that a mart is served in.

    Attributes:
        store: The mart.
        url: The server's address.
        settings: The `replica` block of ``globals.yml``, but for its defaults.
    """

    store: Store
    url: str
    settings: dict[str, Any] = field(default_factory=dict)

    def synchronise(self) -> ReplicaReport:
        """Bring it to the mart's version."""
        try:
            return synchronise(self.store.mart, ReplicaSettings(**self.settings), self.url)
        finally:
            self.store.mart.close()

    def verify(self) -> Verification:
        """Compare it with the mart."""
        try:
            return verify(self.store.mart, ReplicaSettings(**self.settings), self.url)
        finally:
            self.store.mart.close()

    def differences(self) -> list[str]:
        """What is wrong with it, line by line, but for the summary."""
        return list(verification_lines(self.verify()))[:-1]

    def repair(self) -> ReplicaReport:
        """Compare every row with the mart's, and mend what differs."""
        doubted = [table.table for table in self.verify().different]
        try:
            return synchronise(self.store.mart, ReplicaSettings(**self.settings), self.url, doubted)
        finally:
            self.store.mart.close()

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements on the server and return the rows of the last."""
        return psql(self.url, *statements)

    def rows(self, table: str, schema: str = "datamart") -> Rows:
        """Rows of a table as the mart writes them: instants in UTC without zone, sorted by all that they hold."""
        quoted = '"' + schema.replace('"', '""') + '"'
        names = [
            name
            for (name,) in self.execute(
                f"SELECT attname FROM pg_attribute WHERE attrelid = '{quoted}.{table}'::regclass AND attnum > 0"
                " AND NOT attisdropped"
            )
        ]
        return _sorted(names, self.execute("SET TimeZone = 'UTC'", f"SELECT * FROM {quoted}.{table}"))

    def version(self) -> int | None:
        """The version that it says it holds."""
        found = self.execute("SELECT version FROM datamart.replica_state")
        return found[0][0] if found else None

    def written_by(self, table: str, key: str) -> dict[Any, str]:
        """For each key of a table, the transaction that wrote its row."""
        return dict(self.execute(f"SELECT {key}, xmin::text FROM datamart.{table}"))


def _sorted(names: list[str], rows: list[tuple[Any, ...]]) -> Rows:
    found = [dict(zip(names, map(_without_zone, row), strict=True)) for row in rows]
    return sorted(found, key=lambda row: [repr(row[name]) for name in sorted(row)])


def _without_zone(value: Any) -> Any:
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value
