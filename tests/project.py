"""A copy of the project, to run as people do."""

from __future__ import annotations

import csv
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.session import GatedSession


@dataclass
class Project:
    """A project in a folder of its own.

    Attributes:
        folder: Where it is; also the working directory of the test.
    """

    folder: Path

    @property
    def mart(self) -> Path:
        """The mart file."""
        return self.folder / "data" / "datamart.duckdb"

    def source(self, domain: str) -> Path:
        """The file that a domain is read from."""
        return self.folder / "data" / "01_raw" / f"{domain}.csv"

    def write_source(self, domain: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write a domain's CSV file anew."""
        self.source(domain).parent.mkdir(parents=True, exist_ok=True)
        with self.source(domain).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)

    def session(self, env: str | None = None, **params: Any) -> GatedSession:
        """A session, as a notebook has one."""
        return GatedSession.create(self.folder, env=env, runtime_params=params, save_on_close=False)

    def run(self, *pipelines: str, env: str | None = None, params: Mapping[str, Any] | None = None, **how: Any) -> None:
        """Run pipelines in this process; all without names."""
        with self.session(env, **(params or {})) as session:
            session.run(pipeline_names=list(pipelines) or None, **how)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the mart as a tool outside does."""
        with self.reader() as query:
            return query(sql)

    @contextmanager
    def reader(self) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
        """Read it several times, and open it once."""
        with duckdb.connect(self.mart, read_only=True) as connection:
            yield lambda sql: connection.execute(sql).fetchall()

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every published table and its history."""
        with self.reader() as query:
            return self._content(query)

    def _content(self, query: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
        tables = query(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'tb\\_%' ESCAPE '\\'"
            " AND table_name NOT LIKE 'tb_control%' AND table_name NOT IN ('tb_rejected_rows', 'tb_contract_results')"
            " ORDER BY table_name"
        )
        return {name: query(f"SELECT * FROM {name} ORDER BY ALL") for (name,) in tables}

    def execute(self, sql: str) -> None:
        """Change the mart as nobody should."""
        with duckdb.connect(self.mart) as connection:
            connection.execute(sql)

    @contextmanager
    def held_mart(self) -> Iterator[int]:
        """Hold the mart open for writing in a process of its own, and give the process's id."""
        code = f"import duckdb, time; c = duckdb.connect({str(self.mart)!r}); print('open', flush=True); time.sleep(60)"
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
            process.kill()

    def cli(
        self, *arguments: str, file_size: int | None = None, cwd: str = ".", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the project in a process of its own, such as ``kedro run``.

        Args:
            arguments: The command.
            file_size: Bytes that a file may have, as if the disk were full.
            cwd: Where it is started, below the project.
            environment: Variables to set.
        """
        limit = file_size and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size)))
        return subprocess.run(
            [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
            cwd=self.folder / cwd,
            env={**os.environ, "DO_NOT_TRACK": "1", **environment},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit or None,
        )


def psql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements on a PostgreSQL server, each by itself, and return the rows of the last."""
    import psycopg2

    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
