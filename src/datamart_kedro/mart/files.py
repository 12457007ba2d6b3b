"""Files that a run writes beside the mart: written whole, sorted, and in place only when the run is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.mart.run import current_run

PENDING = ".new"
"""How the name of a file ends that is not in place yet."""
DICTIONARY = 1000
"""Values of a column, in a group of rows, up to which they are numbered; above, that costs more than it saves."""


def begin_file(mart: Mart, path: Path) -> Path:
    """Where a run writes a file that its publication puts in place; before that, nobody sees it but the run."""
    run = current_run(mart, path.name)
    pending = path.with_name(path.name + PENDING)
    path.parent.mkdir(parents=True, exist_ok=True)
    run.files[path] = pending
    return pending


def readable_file(mart: Mart, path: Path) -> Path:
    """Where a file is: within the run that writes it, what is written so far."""
    return mart.run.files.get(path, path) if mart.run else path


def write_parquet(mart: Mart, select: str, key: Sequence[str], path: Path, *, ranked: bool = False) -> None:
    """Write rows to a Parquet file, sorted by their key: the same rows give the same bytes.

    The engine sorts long texts that begin alike slowly. Where there are few of them, they are sorted by themselves, and
    the rows by their rank.

    Args:
        mart: In a run, whose publication puts the file in place.
        select: The rows.
        key: Columns that tell one row from another.
        path: The file.
        ranked: Is the first column of the key a text that many rows share?
    """
    pending = begin_file(mart, path)
    rows = f"SELECT row.* FROM ({select}) AS row"
    first, *others = (f"row.{quoted(name)}" for name in key)
    if ranked:
        name = quoted(key[0])
        numbered = f"SELECT {name}, row_number() OVER (ORDER BY {name}) AS rank"
        texts = f"{numbered} FROM (SELECT DISTINCT {name} FROM ({select}))"
        rows += f" JOIN ({texts}) AS text ON {first} IS NOT DISTINCT FROM text.{name}"
        first = "text.rank"
    mart.compute(path.name, _copy(rows, [first, *others], pending))


def holds_rows(mart: Mart, path: Path, select: str) -> bool:
    """Is a file complete, and are its rows those of a SELECT? Their order is not looked at.

    Two different tables of as many rows have the same 64-bit digest once in 10^19.
    """
    if first_missing([path]):
        return False
    held = f"FROM read_parquet({literal(str(path))})"
    try:
        columns = [mart.execute(f"DESCRIBE {rows}") for rows in (select, held)]
        return columns[0] == columns[1] and _digest(mart, f"FROM ({select})") == _digest(mart, held)
    except duckdb.Error:  # it is damaged, or no Parquet file
        return False


def _digest(mart: Mart, rows: str) -> tuple[Any, ...]:
    """The number of rows, and what tells them from others."""
    return mart.execute(f"SELECT count(*), bit_xor(hash(*COLUMNS(*))) {rows}")[0]


def erase_from_file(mart: Mart, path: Path, key: Sequence[str], condition: str) -> int:
    """Write a Parquet file anew without some of its rows, in one step, and return their number.

    Args:
        mart: Open.
        path: The file; nothing is done if it is not there.
        key: The columns that it is sorted by.
        condition: SQL, of the rows to leave out.
    """
    if not path.exists():
        return 0
    rows = f"read_parquet({literal(str(path))})"
    erased = int(mart.scalar(f"SELECT count(*) FROM {rows} WHERE {condition}"))
    if erased:
        pending = path.with_name(path.name + PENDING)
        mart.execute(_copy(f"FROM {rows} WHERE NOT coalesce({condition}, false)", map(quoted, key), pending))
        pending.replace(path)
    return erased


def put_in_place(files: Mapping[Path, Path]) -> None:
    """Put files in place, each in one step."""
    for path, pending in files.items():
        pending.replace(path)


def discard(files: Mapping[Path, Path]) -> None:
    """Remove what is not in place."""
    for pending in files.values():
        pending.unlink(missing_ok=True)


def first_missing(files: Sequence[Path]) -> str:
    """The name of the first file that is not there, or whose run did not come to its end; empty if all are in place."""
    for path in files:
        if not path.exists() or path.with_name(path.name + PENDING).exists():
            return path.name
    return ""


def _copy(select: str, order: Iterable[str], path: Path) -> str:
    options = f"FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT {DICTIONARY}"
    return f"COPY ({select} ORDER BY {', '.join(order)}) TO {literal(str(path))} ({options})"
