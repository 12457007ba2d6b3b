"""Two marts of one typed shop: one refreshed by changes, one built in full each time, which have to be the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import chdir
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, NamedTuple

import psycopg2
import pyarrow as pa
from psycopg2.extras import execute_values

from tests.project import Project
from tests.test_changes import content
from tests.typed_shop import SCHEMAS, TypedShop

KINDS = {pa.int64(): "BIGINT", pa.string(): "TEXT", pa.decimal128(12, 2): "NUMERIC(12, 2)"}
ALWAYS = {"full_from_share": 1.0, "overlap_minutes": 1}
"""Changes alone are read and built, however many they are in a tiny shop."""


class Refreshed(NamedTuple):
    """How a domain was refreshed."""

    path: str
    reason: str
    rows_read: int


@dataclass
class Pair:
    """A typed shop, and two projects that read it.

    Attributes:
        by_changes: The project that is refreshed.
        in_full: The project that is built anew.
        shop: What both read.
        env: The environment of both.
        params: Parameters of all runs.
        write: Brings the shop's rows to where the projects read them; files by default.
    """

    by_changes: Project
    in_full: Project
    shop: TypedShop
    env: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    write: Callable[[], None] | None = None

    def refresh(self, *pipelines: str, **params: Any) -> dict[str, Refreshed]:
        """Run both marts, see that they are the same, and tell how the first one was refreshed."""
        if self.write:
            self.write()
        for project in (self.by_changes, self.in_full):
            if not self.write:
                self.shop.write(project)
        self.run(*pipelines, **params)
        with chdir(self.in_full.folder):
            given = {"refresh": ALWAYS, **self.params, **params}
            self.in_full.run(*pipelines, env=self.env, params={**given, "force": False, "full": True})
        found, expected = content(self.by_changes), content(self.in_full)
        assert found.keys() == expected.keys()
        for table, rows in expected.items():
            assert (table, found[table]) == (table, rows)
        return self.how()

    def run(self, *pipelines: str, **params: Any) -> None:
        """Run the first mart alone."""
        with chdir(self.by_changes.folder):
            self.by_changes.run(*pipelines, env=self.env, params={"refresh": ALWAYS, **self.params, **params})

    def how(self) -> dict[str, Refreshed]:
        """How the last run refreshed each domain that it built."""
        rows = self.by_changes.query(
            "SELECT domain, path, path_reason, rows_read FROM tb_control_data_update WHERE path IS NOT NULL"
            " AND started_at = (SELECT max(started_at) FROM tb_control_data_update)"
        )
        return {domain: Refreshed(*how) for domain, *how in rows}


def write_to_server(shop: TypedShop, url: str, clock: str) -> None:
    """Bring the rows of a shop into the schema ``shop`` of a PostgreSQL server.

    Args:
        shop: Its instants without zone are UTC if the server keeps a zone, else as they stand.
        url: The server.
        clock: Type of all instants: TIMESTAMP or TIMESTAMPTZ.
    """
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS shop")
        for domain, schema in SCHEMAS.items():
            columns = ", ".join(f"{name} {KINDS.get(kind, clock)}" for name, kind in schema.items())
            cursor.execute(f"CREATE TABLE IF NOT EXISTS shop.{domain} ({columns})")
            cursor.execute(f"TRUNCATE shop.{domain}")
            rows = [tuple(_value(row[name], clock) for name in schema) for row in shop.rows[domain]]
            execute_values(cursor, f"INSERT INTO shop.{domain} VALUES %s", rows)
    connection.close()


def _value(value: Any, clock: str) -> Any:
    return value.replace(tzinfo=UTC) if clock == "TIMESTAMPTZ" and hasattr(value, "tzinfo") else value
