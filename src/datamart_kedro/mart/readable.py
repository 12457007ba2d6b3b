"""A copy of the published tables that every tool can read at any time, also while a run writes the mart.

It is a DuckDB file of its own, which is only ever replaced as a whole: whoever has it open keeps the version that he
opened, and stands in nobody's way. It holds the published tables, their histories and the ledgers, and no staged or
rejected rows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from datamart_kedro.columns import PublishedTable
from datamart_kedro.mart import ledger
from datamart_kedro.mart.as_of import make_macro
from datamart_kedro.mart.domains import published_tables
from datamart_kedro.mart.file import STORAGE
from datamart_kedro.mart.history import PERIOD_END, history_of
from datamart_kedro.mart.mart import Mart, literal, mart_at, quoted
from datamart_kedro.mart.publication import transaction

COPY = "readable"
"""Name under which the copy is attached to the mart."""
LEDGERS = (ledger.LEDGER, ledger.PRUNED, ledger.RESULTS, ledger.NODE_TIMES, ledger.FORGOTTEN)
MAX_CHANGED_SHARE = 0.25
"""Of the rows of a table: where more changed, it is written anew, which is cheaper and leaves no holes in the file."""


@dataclass(frozen=True)
class CopyState:
    """What a file holds.

    Attributes:
        version: The newest version.
        run_id: The run that published it: two marts may have versions of the same number.
        cuts: How often its history was shortened.
        erasures: How often a person was erased from it.
    """

    version: int
    run_id: str
    cuts: int
    erasures: int


def reading(mart: Mart) -> Mart:
    """Where published tables are read outside of runs: the copy if there is one, so that no run has to wait."""
    copy = mart.settings.readable_copy
    if copy is None or mart.is_written or not Path(copy).exists():
        return mart
    return mart_at(replace(mart.settings, path=copy, readable_copy=None))


def release(mart: Mart) -> None:
    """Close a mart and its copy: other processes may write it, and the next to read sees what was published since."""
    mart.close()
    reading(mart).close()


def refresh_copy(mart: Mart) -> None:
    """Bring the copy of a mart to its version, by what changed since.

    Readers see the old copy until the new one is complete.

    Args:
        mart: Open for writing, outside of a transaction.

    Raises:
        OSError: The copy cannot be written; the old one is as it was.
        duckdb.Error: Likewise.
    """
    if mart.settings.readable_copy is None or not mart.exists(ledger.LEDGER.name):
        return
    target = Path(mart.settings.readable_copy)
    held, wanted = _held(mart, target), _state(mart)
    if held == wanted or wanted.version == 0:
        return
    fresh, spare = (target.with_name(f"{target.name}.{suffix}") for suffix in ("new", "spare"))
    _remove(fresh)
    try:
        if held is not None and _is_ancestor(mart, held, wanted):
            if not _bring_spare(mart, spare, fresh, wanted):
                shutil.copyfile(target, fresh)
                _bring_all(mart, fresh, held)
            _flush(fresh)
            _keep_as_spare(target, spare)
        else:  # what was erased or pruned must not stay in the spare either
            _remove(spare)
            target.parent.mkdir(parents=True, exist_ok=True)
            _bring_all(mart, fresh, None)
            _flush(fresh)
        fresh.replace(target)
    finally:
        _remove(fresh)


def _bring_spare(mart: Mart, spare: Path, fresh: Path, wanted: CopyState) -> bool:
    """Bring the copy before the last one to the mart's version, unless somebody still reads it."""
    if not spare.exists() or _is_open_here(spare):
        return False
    held = _held(mart, spare)
    if held is None or not _is_ancestor(mart, held, wanted):
        return False
    spare.replace(fresh)
    try:
        _bring_all(mart, fresh, held)
    except duckdb.IOException:  # another process has it open
        _remove(fresh)
        return False
    return True


def _bring_all(mart: Mart, fresh: Path, held: CopyState | None) -> None:
    storage = literal(str(STORAGE["storage_compatibility_version"]))
    with _attached(mart, fresh, f"STORAGE_VERSION {storage}"), transaction(mart):
        for table in _tables(mart):
            _bring(mart, table, held)
        tables = mart.tables()
        for published in published_tables().values():
            if published.name in tables:
                make_macro(mart, published, catalog=COPY)


def _keep_as_spare(target: Path, spare: Path) -> None:
    """Keep the copy that is replaced: what changed since is less to write than all of it, two versions later."""
    _remove(spare)
    with suppress(OSError):  # a file system without links does without
        os.link(target, spare)


def _is_open_here(path: Path) -> bool:
    """Has this process the file open? Its own locks would not keep it from writing under its own reader."""
    wanted = path.stat()
    try:
        names = [link.name for link in Path("/proc/self/fd").iterdir()]
    except OSError:
        return True  # not to be told on this system
    for name in names:
        with suppress(OSError):
            if os.path.samestat(os.fstat(int(name)), wanted):
                return True
    return False


def _tables(mart: Mart) -> list[PublishedTable]:
    """What is copied: published tables, histories and ledgers, as far as there are any."""
    published = list(published_tables().values())
    there = mart.tables()
    return [table for table in [*published, *map(history_of, published), *LEDGERS] if table.name in there]


def _bring(mart: Mart, table: PublishedTable, held: CopyState | None) -> None:
    """Give a table of the copy the rows of the mart's."""
    here, there = quoted(table.name), f"{COPY}.main.{quoted(table.name)}"
    if held is None or mart.columns(table.name) != mart.columns(table.name, catalog=COPY):
        _write(mart, table, here, there)
    elif table in LEDGERS:
        mart.execute(f"DELETE FROM {there}")
        mart.execute(f"INSERT INTO {there} FROM {here}")
    else:
        is_history = set(PERIOD_END) <= mart.columns(table.name).keys()
        stamp = "_version_to" if is_history else "_version"
        new = f"FROM {here} WHERE {stamp} > {held.version}"
        if not is_history:
            if int(mart.scalar(f"SELECT count(*) {new}")) > MAX_CHANGED_SHARE * mart.rows(table.name):
                _write(mart, table, here, there)
                return
            same_key = " AND ".join(f"old.{quoted(name)} = gone.{quoted(name)}" for name in table.key)
            ended = f"(FROM {quoted(history_of(table).name)} WHERE _version_to > {held.version})"
            gone = f"SELECT old.rowid FROM {there} AS old SEMI JOIN {ended} AS gone ON {same_key}"
            mart.execute(f"DELETE FROM {there} WHERE rowid IN ({gone})")
        mart.execute(f"INSERT INTO {there} {new}")


def _write(mart: Mart, table: PublishedTable, here: str, there: str) -> None:
    mart.compute(f"copy of {table.name}", f"CREATE OR REPLACE TABLE {there} AS FROM {here}")
    ledger.comment(mart, table, ledger.meanings_of(mart, table.name), place=there)


def _is_ancestor(mart: Mart, held: CopyState, wanted: CopyState) -> bool:
    """Is the copy an earlier state of this mart, whose history reaches back to it?"""
    if held.version >= wanted.version or (held.cuts, held.erasures) != (wanted.cuts, wanted.erasures):
        return False
    found = mart.execute(
        f"SELECT 1 FROM {ledger.LEDGER.name} WHERE status = 'published' AND version = ? AND run_id = ? LIMIT 1",
        [held.version, held.run_id],
    )
    return bool(found)


def _held(mart: Mart, target: Path) -> CopyState | None:
    """What the copy holds; None if there is none, or it is not a copy of a mart."""
    if not target.exists():
        return None
    try:
        with _attached(mart, target, "READ_ONLY"):
            return _state(mart, catalog=COPY)
    except duckdb.Error:
        return None


def _state(mart: Mart, catalog: str | None = None) -> CopyState:
    place = f"{catalog}.main." if catalog else ""
    newest = mart.execute(
        f"SELECT version, min_by(run_id, started_at) FROM {place}{ledger.LEDGER.name} WHERE status = 'published'"
        " GROUP BY version ORDER BY version DESC LIMIT 1"
    )
    version, run_id = newest[0] if newest else (0, "")
    cuts = int(mart.scalar(f"SELECT count(*) FROM {place}{ledger.PRUNED.name}"))
    erasures = int(mart.scalar(f"SELECT count(*) FROM {place}{ledger.LEDGER.name} WHERE status = 'erased'"))
    return CopyState(int(version), str(run_id), cuts, erasures)


@contextmanager
def _attached(mart: Mart, path: Path, option: str) -> Iterator[None]:
    mart.execute(f"ATTACH {literal(str(path))} AS {COPY} ({option})")
    try:
        yield
    finally:
        mart.execute(f"DETACH {COPY}")


def _flush(path: Path) -> None:
    """Have the system write a file to the disk, so that a power failure after the exchange finds it whole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    for left in (path, path.with_name(f"{path.name}.wal")):
        left.unlink(missing_ok=True)
