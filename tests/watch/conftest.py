"""What tests of the watch share: the tiny shop in PostgreSQL, and a watch in a process of its own."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.project import Project, psql
from tests.shop import SHOP
from tests.sources.test_postgres_runs import TYPES
from tests.watch.test_health import samples

LONG_S = 120.0
"""A test fails that waits for longer; nothing takes so long."""


def make_shop(url: str) -> None:
    """The tiny shop in an empty database."""
    psql(url, "CREATE SCHEMA shop")
    for domain, rows in SHOP.items():
        columns = list(rows[0])
        typed = ", ".join(f"{name} {TYPES.get(name, 'text')}" for name in columns)
        values = ", ".join("(" + ", ".join(f"'{row[name]}'" for name in columns) + ")" for row in rows)
        psql(url, f"CREATE TABLE shop.{domain} ({typed})", f"INSERT INTO shop.{domain} VALUES {values}")


def without_replica(project: Project) -> None:
    """Have the environment `postgres` serve nothing."""
    settings = project.folder / "conf" / "postgres" / "globals.yml"
    settings.write_text(settings.read_text().replace("enabled: true", "enabled: false"))


@pytest.fixture
def shop_url(project: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the tiny shop in PostgreSQL, which the environment `postgres` reads."""
    make_shop(postgres)
    without_replica(project)
    monkeypatch.setenv("DATAMART_SHOP_URL", postgres)
    return postgres


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + LONG_S
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)
    return found


class Watching:
    """A watch in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it is asked again and again
        self.process = process
        self.log = log
        self.url = until(lambda: re.search(r"Health and metrics: (http://[0-9.:]+)/health", self.said()))[1]

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text()

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        found: dict[str, Any] = json.loads(httpx.get(f"{self.url}/health", trust_env=False).text)
        return found

    def metric(self, name: str) -> float:
        """One of its figures; 0 if there is none yet."""
        return samples(httpx.get(f"{self.url}/metrics", trust_env=False).text).get(name, 0.0)

    def published(self, runs: int = 1) -> None:
        """Wait until so many runs have published something, and nothing is under way."""
        until(lambda: self.metric("datamart_runs_total published") >= runs and self.health()["under_way"] is None)

    def workers(self) -> list[int]:
        """Processes that work for it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(LONG_S)


@contextmanager
def watching(project: Project, *options: str, **settings: object) -> Iterator[Watching]:
    """Watch a project; settings are those of the `watch` block."""
    env = options[options.index("--env") + 1] if "--env" in options else "local"
    file = project.folder / "conf" / env / "globals.yml"
    before = file.read_text() if file.exists() else ""
    file.write_text(f"{before}\nwatch: {json.dumps({'port': 0, **settings})}\n")
    log = project.folder / "watch.log"
    with (
        log.open("wb") as stream,
        subprocess.Popen(
            [str(Path(sys.executable).parent / "kedro"), "mart", "watch", *options],
            cwd=project.folder,
            env={**os.environ, "DO_NOT_TRACK": "1"},
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Watching(process, log)
        finally:
            process.kill()
