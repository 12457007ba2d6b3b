"""The mart file: one DuckDB database, one connection in this process, one writer at a time.

All of the SQL that only DuckDB understands is in this package.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import duckdb

from datamart_kedro.mart.file import connect, unsign
from datamart_kedro.progress import watched

if TYPE_CHECKING:
    import ibis.backends.duckdb
    import ibis.expr.types as ir

    from datamart_kedro.mart.run import Run


@dataclass(frozen=True)
class MartSettings:
    """Where the mart is and what it may use; the `mart` block of ``globals.yml``.

    Attributes:
        path: The DuckDB file.
        temp_folder: Where the engine spills what does not fit into memory.
        project: Folder that relative paths in source queries start from.
        memory_limit: Such as ``2GB``.
        threads: Threads of the engine; as many as the machine has cores if absent.
        wait_s: Seconds to wait for another process that has the file; none by default.
        readable_copy: A copy of the published tables that every tool can read at any time; none if absent.
    """

    path: str
    temp_folder: str
    project: str
    memory_limit: str = "2GB"
    threads: int | None = None
    wait_s: float = 0
    readable_copy: str | None = None


class Mart:
    """The connection to a mart file, opened at first use and shared by all datasets of this process."""

    def __init__(self, settings: MartSettings) -> None:
        self.settings = settings
        self.path = Path(settings.path)
        self._lock = threading.RLock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._backend: Any = None
        self._writable = False
        self._computed: dict[Any, Any] = {}
        self.run: Run | None = None

    def __repr__(self) -> str:
        return f"Mart({str(self.path)!r})"

    def open(self, *, write: bool) -> None:
        """Open the file, or reopen it if it was open for reading only and `write` is asked for.

        Raises:
            HeldMartError: Another process has the file.
            MartFileError: It is not a mart, or cannot be made.
        """
        with self._lock:
            if self._connection is not None and (self._writable or not write):
                return
            self.close()
            self._connection = connect(self.path, read_only=not write, wait_s=self.settings.wait_s)
            self._writable = write
            self._configure()

    def close(self) -> None:
        """Close the connection; tables loaded from it can no longer be read."""
        with self._lock:
            if self._connection is not None:
                if self._writable:
                    unsign(self.path)
                self._connection.close()
            self._connection = self._backend = None
            self._computed = {}

    @property
    def is_written(self) -> bool:
        """Has this process the file open for writing?"""
        return self._connection is not None and self._writable

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The engine's own connection, opened for reading if nobody opened it before."""
        with self._lock:
            if self._connection is None:
                self.open(write=False)
            assert self._connection is not None
            return self._connection

    @property
    def backend(self) -> ibis.backends.duckdb.Backend:
        """The same connection, as Ibis sees it."""
        import ibis  # here, since a run without new data does without it

        with self._lock:
            if self._backend is None:
                self._backend = ibis.duckdb.from_connection(self.connection)
            return self._backend

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows.

        Args:
            sql: The statement, with ``?`` where a parameter stands.
            parameters: Texts, numbers, instants or None.
        """
        with self._lock:
            return self.connection.execute(_with_values(sql, parameters)).fetchall()

    def compute(self, label: str, sql: str) -> None:
        """Run a statement that may take long, showing how far it is."""
        with self._lock, watched(label, self.connection.query_progress):
            self.connection.execute(sql)

    def scalar(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Run one statement and return the first value of its first row, NULL without rows."""
        rows = self.execute(sql, parameters)
        return rows[0][0] if rows else None

    @property
    def is_there(self) -> bool:
        """Is there a mart at all? Asking a question of one that is not would be refused."""
        return self._connection is not None or self.path.exists()

    def exists(self, table: str) -> bool:
        """Is there a table of that name?"""
        return bool(self.columns(table))

    def columns(self, table: str, catalog: str | None = None) -> dict[str, str]:
        """Names and types of a table's columns, empty if there is no such table.

        Args:
            table: Its name, or that of a view; a temporary one counts as well.
            catalog: The attached database that it is in; the mart and the run's temporary tables if absent.
        """
        if not self.is_there:
            return {}
        place = f"{quoted(catalog)}.main.{quoted(table)}" if catalog else quoted(table)
        try:
            found = self.execute(f"SELECT name, type FROM pragma_table_info({literal(place)})")
        except duckdb.CatalogException:  # asking whether it exists costs ten times as much
            return {}
        return {str(name): str(kind) for name, kind in found}

    def tables(self) -> dict[str, str | None]:
        """Names of the mart's tables, each with the comment on it."""
        found = self.execute(
            "SELECT table_name, comment FROM duckdb_tables()"
            " WHERE database_name = current_database() AND schema_name = 'main'"
        )
        return {str(name): comment for name, comment in found}

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return int(self.scalar(f"SELECT count(*) FROM {quoted(table)}"))

    def table(self, name: str, *, temporary: bool = False) -> ir.Table:
        """A table as an Ibis expression: lazy, nothing is read yet.

        Ibis 12 asks for a table's columns by way of PyArrow, whose import alone takes a tenth of a small refresh.
        """
        import ibis.expr.operations as ops
        import ibis.expr.schema as sch

        catalog, database = ("temp", "main") if temporary else (None, None)
        with self._lock:
            backend = self.backend
            kinds = self.columns(name, catalog)
            if not kinds:
                return backend.table(name, database=(catalog, database) if temporary else None)  # says what is missing
            schema = {column: backend.compiler.type_mapper.from_string(kind) for column, kind in kinds.items()}
            namespace = ops.Namespace(catalog=catalog, database=database)
            return ops.DatabaseTable(name, schema=sch.Schema(schema), source=backend, namespace=namespace).to_expr()

    def compile(self, table: ir.Table, *, few_rows: bool = False) -> str:
        """The SQL of an expression in the mart's dialect; what a run has computed already is read from where it is.

        Args:
            table: The expression.
            few_rows: Is it computed for few rows? Then its selects stay nested, which saves Ibis the time to flatten
                them; many rows are computed faster by flat ones.
        """
        import ibis

        with self._lock:
            if self._computed:
                table = table.op().replace(self._computed).to_expr()
            self.backend._run_pre_execute_hooks(table)  # registers in-memory tables, as Ibis does before it runs
            fuse_selects = ibis.options.sql.fuse_selects
            ibis.options.sql.fuse_selects = fuse_selects and not few_rows
            try:
                return str(self.backend.compile(table))
            finally:
                ibis.options.sql.fuse_selects = fuse_selects

    def remember(self, table: ir.Table, name: str, *, temporary: bool = False) -> None:
        """Take what an expression gives from a table that holds it, until the connection is closed."""
        self._computed[table.op()] = self.table(name, temporary=temporary).op()

    def drop_temporary(self, name: str) -> None:
        """Let go of a temporary table or view, if there is one of that name."""
        kinds = self.execute(
            "SELECT 'TABLE' FROM duckdb_tables() WHERE temporary AND table_name = ?"
            " UNION ALL SELECT 'VIEW' FROM duckdb_views() WHERE temporary AND view_name = ?",
            [name, name],
        )
        for (kind,) in kinds:
            self.execute(f"DROP {kind} temp.{quoted(name)}")

    def _configure(self) -> None:
        settings = self.settings
        temp_folder = Path(settings.temp_folder)
        self.execute("SET TimeZone = 'UTC'")
        self.execute("SET preserve_insertion_order = false")
        # DuckDB 1.5 copies what a query reads twice; of what staging reads twice, one side is empty as a rule.
        self.execute("SET disabled_optimizers = 'common_subplan'")
        self.execute(f"SET memory_limit = {literal(settings.memory_limit)}")
        self.execute(f"SET temp_directory = {literal(str(temp_folder))}")
        self.execute(f"SET file_search_path = {literal(settings.project)}")
        if self._writable:
            # Blocks are used again, instead of given back to the system and asked for anew: a tenth of a run's time.
            self.execute(f"SET block_allocator_memory = {literal(settings.memory_limit)}")
        if settings.threads:
            self.execute(f"SET threads = {int(settings.threads)}")


def mart_at(settings: MartSettings) -> Mart:
    """The one `Mart` of this process for a file."""
    path = Path(settings.path).resolve()
    marts = _marts()
    if path in marts and not isinstance(marts[path], Mart):
        marts.pop(path).close()
    return marts.setdefault(path, Mart(settings))


def close_marts() -> None:
    """Close and forget every mart of this process."""
    marts = _marts()
    while marts:
        marts.popitem()[1].close()


def _marts() -> dict[Path, Mart]:
    """The marts of this process.

    They are kept outside of the package: `%reload_kedro` imports it anew, while the engine has the file open.
    """
    anchor = sys.modules.setdefault("open_marts_of_datamart_kedro", ModuleType("open_marts_of_datamart_kedro"))
    marts: dict[Path, Mart] = anchor.__dict__.setdefault("marts", {})
    return marts


def quoted(name: str) -> str:
    """A name as an SQL identifier, whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def timestamp(instant: datetime) -> str:
    """An instant as an SQL literal."""
    return f"TIMESTAMP {literal(instant.isoformat(sep=' '))}"


def _with_values(sql: str, parameters: Sequence[object]) -> str:
    """A statement with its parameters written out; DuckDB imports pandas to bind even one, which takes a second."""
    if not parameters:
        return sql
    parts = sql.split("?")
    if len(parts) != len(parameters) + 1:
        raise ValueError(f"{len(parts) - 1} places, {len(parameters)} parameters: {sql}")
    values = [_value(parameter) for parameter in parameters]
    return parts[0] + "".join(value + part for value, part in zip(values, parts[1:], strict=True))


def _value(parameter: object) -> str:
    if parameter is None:
        return "NULL"
    if isinstance(parameter, bool | int | float):
        return str(parameter)
    if isinstance(parameter, datetime):
        return timestamp(parameter)
    return literal(str(parameter))
