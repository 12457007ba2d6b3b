"""Files that a run writes beside the mart: written whole, sorted, and in place only when the run is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.mart.run import current_run

PENDING = ".new"
"""How the name of a file ends that is not in place yet."""


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


def write_parquet(mart: Mart, select: str, key: Sequence[str], path: Path) -> None:
    """Write rows to a Parquet file, sorted by their key: the same rows give the same bytes.

    Args:
        mart: In a run, whose publication puts the file in place.
        select: The rows.
        key: Columns that tell one row from another.
        path: The file.
    """
    pending = begin_file(mart, path)
    mart.compute(path.name, _copy(f"FROM ({select})", key, pending))


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
        mart.execute(_copy(f"FROM {rows} WHERE NOT coalesce({condition}, false)", key, pending))
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


def _copy(select: str, key: Sequence[str], path: Path) -> str:
    order = ", ".join(quoted(name) for name in key)
    return f"COPY ({select} ORDER BY {order}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
