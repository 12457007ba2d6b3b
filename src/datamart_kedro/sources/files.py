"""Files as a source: CSV, Parquet and JSON, read by the engine with the domain's SELECT."""

from __future__ import annotations

import codecs
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import duckdb

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import first_line, literal, quoted
from datamart_kedro.sources.state import SourceState

CHUNK = 1 << 20
COLUMNAR = (".parquet",)
"""Files that can be read again at little cost, and so are not copied before staging."""
DATA_FILES = (".csv", ".tsv", ".txt", ".gz", ".zst", ".parquet", ".json", ".jsonl", ".ndjson")

FileKey = tuple[str, int, int]
"""Path, size and modification time (ns) of a file."""


class FileSource:
    """The files that a SELECT names, by paths relative to the project.

    Args:
        project: Folder that relative paths start from.
        temp_folder: Where transcoded copies are kept during a run.
        encodings: For a path or pattern, as the SELECT writes it, the encoding of its files if it is not UTF-8.
        digests: Digests of files that have been read before; new ones are added.
    """

    def __init__(
        self,
        project: Path,
        temp_folder: Path,
        encodings: Mapping[str, str] | None = None,
        digests: dict[FileKey, str] | None = None,
    ) -> None:
        self.project = project
        self.temp_folder = temp_folder / "transcoded"
        self.encodings = dict(encodings or {})
        self.digests = {} if digests is None else digests

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
        state = hashlib.blake2b(digest_size=16)
        for file in files:
            name = file.relative_to(self.project) if file.is_relative_to(self.project) else file
            state.update(f"{name}\0{self._digest(file)}\0".encode())
        return SourceState(rows=None, newest_updated_at=None, fingerprint=f"files:{state.hexdigest()}")

    def describe(self, query: str) -> dict[str, str]:
        """Columns of the query with the engine's types."""
        with self._engine() as engine, self._clear_errors(query):
            found = engine.execute(f"DESCRIBE {self._readable(query)}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in found}

    def extract(
        self,
        query: str,
        mart: duckdb.DuckDBPyConnection,
        table: str,
        on_rows: Callable[[int], None] | None = None,
    ) -> int:
        """Make a temporary table of the rows, or a view where the files can be read again at little cost.

        Returns:
            Number of rows.

        Raises:
            SourceError: A file cannot be read; nothing is left behind.
        """
        files = self._files(query)
        kind = "VIEW" if files and all(file.suffix in COLUMNAR for file in files) else "TABLE"
        with self._clear_errors(query):
            mart.execute(f"CREATE OR REPLACE TEMP {kind} {quoted(table)} AS {self._readable(query)}")
            (rows,) = mart.execute(f"SELECT count(*) FROM temp.{quoted(table)}").fetchall()[0]
        if on_rows:
            on_rows(rows)
        return int(rows)

    def close(self) -> None:
        """Remove transcoded copies."""
        shutil.rmtree(self.temp_folder, ignore_errors=True)

    def _files(self, query: str) -> list[Path]:
        found: list[Path] = []
        for pattern in _path_literals(query):
            paths = sorted(Path(path) for path in glob(str(self.project / pattern), recursive=True))
            if not paths:
                raise SourceError(
                    f"There is no file {pattern}.",
                    f"Put it there (paths start at {self.project}), or correct the path in the query.",
                )
            for path in paths:
                self._must_hold_data(path, pattern)
            found += paths
        return found

    def _must_hold_data(self, path: Path, pattern: str) -> None:
        if path.is_dir():
            raise SourceError(f"{pattern} is a directory, not a file.", f"Name its files, such as {pattern}/*.csv.")
        if path.stat().st_size == 0:
            raise SourceError(f"The file {pattern} is empty.", "Export it again: it needs at least a header and a row.")

    def _digest(self, file: Path) -> str:
        status = file.stat()
        key = (str(file), status.st_size, status.st_mtime_ns)
        if key not in self.digests:
            try:
                with file.open("rb") as stream:
                    self.digests[key] = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            except OSError as error:
                raise SourceError(
                    f"The file {file} cannot be read: {error.strerror}.", "Check its permissions."
                ) from None
        return self.digests[key]

    def _check_rows(self, query: str) -> SourceState:
        """Fingerprint the rows themselves where the query names no local file."""
        with self._engine() as engine, self._clear_errors(query):
            rows, content = engine.execute(
                f"SELECT count(*), coalesce(sum(hash(source)), 0) FROM ({query}\n) AS source"
            ).fetchall()[0]
        return SourceState(rows=int(rows), newest_updated_at=None, fingerprint=f"rows:{rows}:{content}")

    def _readable(self, query: str) -> str:
        """The query with declared files replaced by their UTF-8 copies."""
        for pattern, encoding in self.encodings.items():
            if literal(pattern) in query:
                query = query.replace(literal(pattern), literal(self._transcoded(pattern, encoding)))
        return query

    def _transcoded(self, pattern: str, encoding: str) -> str:
        folder = self.temp_folder / hashlib.blake2b(pattern.encode(), digest_size=8).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(glob(str(self.project / pattern), recursive=True)):
            _transcode(Path(file), folder / Path(file).name, encoding)
        return str(folder / "*")

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
            message = str(error)
            if "not utf-8 encoded" in message or "unicode" in message.lower():
                cause = f"{self.place(query)} is not encoded in UTF-8"
                next_step = (
                    "Declare its encoding under source.encodings in globals.yml, such as"
                    f" {{{_path_literals(query)[0]!r}: cp1252}}."
                    if _path_literals(query)
                    else "Export it in UTF-8."
                )
            else:
                cause = f"{self.place(query)} cannot be read: {first_line(error)}"
                next_step = "Mend the file, or the query."
            raise SourceError(cause, next_step) from None


def _transcode(source: Path, target: Path, encoding: str) -> None:
    """Write a file again in UTF-8, in constant memory."""
    try:
        with source.open("rb") as raw, target.open("wb") as copy:
            decoder = codecs.getincrementaldecoder(encoding)()
            while chunk := raw.read(CHUNK):
                copy.write(decoder.decode(chunk).encode())
            copy.write(decoder.decode(b"", final=True).encode())
    except LookupError:
        raise SourceError(
            f"{source.name}: {encoding!r} is not an encoding that Python knows.",
            "Write one such as cp1252 or iso8859-15 under source.encodings in globals.yml.",
        ) from None
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{source.name} is not encoded in {encoding}, as declared: byte {error.object[error.start]:#04x}.",
            "Correct the encoding under source.encodings in globals.yml.",
        ) from None


def _path_literals(query: str) -> list[str]:
    """String literals of a SELECT that name local files."""
    from sqlglot import (
        TokenType,
        tokenize,  # here, since it is only needed when a source is looked at
    )

    texts = (token.text for token in tokenize(query, read="duckdb") if token.token_type == TokenType.STRING)
    return [text for text in dict.fromkeys(texts) if text.lower().endswith(DATA_FILES) and "://" not in text]
