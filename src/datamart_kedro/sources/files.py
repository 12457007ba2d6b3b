"""Files as a source: CSV, Parquet and JSON, read by the engine with the domain's SELECT."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import literal, quoted
from datamart_kedro.sources.digests import Digests
from datamart_kedro.sources.file_errors import refusal_of, unreadable_file
from datamart_kedro.sources.parts import LocalParts
from datamart_kedro.sources.query import require_own_names
from datamart_kedro.sources.state import SourceState
from datamart_kedro.sources.transcode import Transcoder

COLUMNAR = (".parquet",)
"""Files that can be read again at little cost, and so are not copied before staging."""
ROW_BY_ROW = {"PARQUET_SCAN", "READ_PARQUET", "PROJECTION", "FILTER", "UNION"}
"""Operators of the engine that cost little each time; a join or a sum is done once."""
DATA_FILES = (".csv", ".tsv", ".txt", ".gz", ".zst", ".parquet", ".json", ".jsonl", ".ndjson")
LITERAL = re.compile(rb"'((?:[^']|'')*)'")

FileKey = tuple[str, int, int]
"""Path, size and modification time (ns) of a file."""


class FileSource:
    """The files that a SELECT names, by paths relative to the project.

    Args:
        project: Folder that relative paths start from.
        temp_folder: Where transcoded copies are kept during a run, and digests of files from run to run.
        encodings: For a path or pattern, as the SELECT writes it, the encoding of its files if it is not UTF-8.
    """

    def __init__(
        self,
        project: Path,
        temp_folder: Path,
        encodings: Mapping[str, str] | None = None,
    ) -> None:
        self.project = project
        self._digests = Digests(temp_folder / "digests.json")
        self._transcoder = Transcoder(temp_folder / "transcoded", dict(encodings or {}))
        self._checked: dict[str, tuple[FileKey, ...]] = {}
        self._open_views: set[str] = set()

    def __repr__(self) -> str:
        return f"FileSource({str(self.project)!r})"

    def place(self, query: str) -> str:
        """The paths that the query reads, for messages."""
        return ", ".join(_path_literals(query)) or "its query"

    def check(self, query: str) -> SourceState:
        """Fingerprint the content of the files; one with the size and time of a known file is not read again.

        Raises:
            SourceError: A file is missing, empty or a directory.
        """
        files = self._files(query)
        if not files:
            return self._check_rows(query)
        self._checked[query] = tuple(_key(file) for file in files)
        state = hashlib.blake2b(digest_size=16)
        for file in files:
            name = file.relative_to(self.project) if file.is_relative_to(self.project) else file
            with unreadable_file(file):
                state.update(f"{name}\0{self._digests.of(file)}\0".encode())
        return SourceState(rows=None, newest_updated_at=None, fingerprint=f"files:{state.hexdigest()}")

    def describe(self, query: str) -> dict[str, str]:
        """Columns of the query with the engine's types."""
        with self._engine() as engine, self._clear_errors(query):
            found = engine.execute(f"DESCRIBE {self._readable(query)}").fetchall()
        require_own_names(str(name) for name, *_ in found)
        return {str(name): str(kind) for name, kind, *_ in found}

    def extract(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        table: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> int:
        """Make a temporary table of the rows, or a view where they can be read again at little cost.

        Returns:
            Number of rows.

        Raises:
            SourceError: A file cannot be read, or is not the one that was checked any more; nothing is left behind.
        """
        return self._extract(query, mart, table, on_rows)[1]

    def parts(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        name: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> LocalParts:
        """The rows, to be asked for in parts: files tell which of their rows changed only by reading them.

        Raises:
            SourceError: As for `extract`.
        """
        kind, rows = self._extract(query, mart, name, on_rows)
        return LocalParts(mart, name, kind, rows)

    def _extract(
        self, query: str, mart: duckdb.DuckDBPyConnection, table: str, on_rows: Callable[[int], None] | None
    ) -> tuple[str, int]:
        """Make a temporary TABLE or VIEW; which of the two, and the number of rows."""
        files = self._files(query)
        self._checked.setdefault(query, tuple(_key(file) for file in files))
        with self._clear_errors(query):
            is_columnar = bool(files) and all(file.suffix in COLUMNAR for file in files)
            kind = "VIEW" if is_columnar and _is_row_by_row(mart, query) else "TABLE"
            mart.execute(f"CREATE OR REPLACE TEMP {kind} {quoted(table)} AS {self._readable(query)}")
            (rows,) = mart.execute(f"SELECT count(*) FROM temp.{quoted(table)}").fetchall()[0]
        try:
            self._require_unchanged(query)
        except SourceError:
            mart.execute(f"DROP {kind} temp.{quoted(table)}")
            raise
        if kind == "VIEW":
            self._open_views.add(query)
        if on_rows:
            on_rows(rows)
        return kind, int(rows)

    def confirm(self) -> None:
        """Make sure that files which were read after `extract`, through a view, are still those that were checked.

        Raises:
            SourceError: One of them changed.
        """
        for query in sorted(self._open_views):
            self._require_unchanged(query)

    def close(self) -> None:
        """Forget what was checked, and remove transcoded copies."""
        self._checked.clear()
        self._open_views.clear()
        self._transcoder.close()

    def _files(self, query: str) -> list[Path]:
        found: list[Path] = []
        for pattern in _path_literals(query):
            paths = self._found(pattern)
            if not paths:
                raise SourceError(
                    f"There is no file {pattern}.",
                    f"Put it there (paths start at {self.project}), or correct the path in the query.",
                )
            for path in paths:
                _must_hold_data(path, pattern)
            found += paths
        return found

    def _require_unchanged(self, query: str) -> None:
        """Refuse files that are not those that were checked: they would be published under the wrong fingerprint."""
        if tuple(_key(file) for file in self._files(query)) != self._checked[query]:
            raise SourceError(
                f"{self.place(query)} changed between check and reading.",
                "Run again when whoever writes it is done.",
            )

    def _check_rows(self, query: str) -> SourceState:
        """Fingerprint the rows themselves where the query names no local file."""
        with self._engine() as engine, self._clear_errors(query):
            rows, content = engine.execute(
                f"SELECT count(*), coalesce(sum(hash(source)), 0) FROM ({query}\n) AS source"
            ).fetchall()[0]
        return SourceState(rows=int(rows), newest_updated_at=None, fingerprint=f"rows:{rows}:{content}")

    def _readable(self, query: str) -> str:
        """The query with declared files replaced by their UTF-8 copies."""
        for pattern in _path_literals(query):
            if pattern in self._transcoder.encodings:
                copies = self._transcoder.copies(pattern, self._found(pattern))
                query = query.replace(literal(pattern), literal(copies))
        return query

    def _found(self, pattern: str) -> list[Path]:
        return sorted(Path(path) for path in glob(str(self.project / pattern), recursive=True))

    @contextmanager
    def _engine(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect() as engine:
            engine.execute(f"SET file_search_path = {literal(str(self.project))}")
            yield engine

    @contextmanager
    def _clear_errors(self, query: str) -> Iterator[None]:
        """Say in one message what the engine says in twenty lines."""
        try:
            yield
        except duckdb.Error as error:
            files = {str(file): pattern for pattern in _path_literals(query) for file in self._found(pattern)}
            raise refusal_of(error, files, self.place(query)) from None


def _key(file: Path) -> FileKey:
    with unreadable_file(file):
        status = file.stat()
    return str(file), status.st_size, status.st_mtime_ns


def _must_hold_data(path: Path, pattern: str) -> None:
    if path.is_dir():
        raise SourceError(f"{pattern} is a directory, not a file.", f"Name its files, such as {pattern}/*.csv.")
    if _key(path)[1] == 0:
        raise SourceError(f"The file {pattern} is empty.", "Export it again: it needs at least a header and a row.")


def _is_row_by_row(mart: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Does a SELECT neither join, nor sum, nor sort?"""
    ((_, plan),) = mart.execute(f"EXPLAIN (FORMAT json) {query}").fetchall()
    return _operators(json.loads(plan)) <= ROW_BY_ROW


def _operators(plan: list[dict[str, Any]]) -> set[str]:
    """Names of the operators of a plan."""
    names = {str(node["name"]).strip() for node in plan}
    return names.union(*(_operators(node["children"]) for node in plan))


def _path_literals(query: str) -> list[str]:
    """String literals of a SELECT that name local files; none of a query that the engine cannot read."""
    written = query.encode()  # the engine counts in bytes
    starts = (start for start, kind in duckdb.tokenize(query) if kind == duckdb.token_type.string_const)
    found = (LITERAL.match(written, start) for start in starts)
    texts = (text[1].decode().replace("''", "'") for text in found if text)
    return [text for text in dict.fromkeys(texts) if text.lower().endswith(DATA_FILES) and "://" not in text]
