"""A shop in a folder: one CSV file for each table, and ``shop.json``, which says what they were made from.

Files are written beside the old ones and then put into their places one by one, ``shop.json`` last. It holds the size
of each file, so that a folder in which some files are older than others is recognised.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from datamart_kedro.errors import UsageError
from datamart_kedro.sample.csv_text import bytes_of, csv_lines
from datamart_kedro.sample.settings import NOTHING_WRITTEN, SampleShop, read_json
from datamart_kedro.sample.source_tables import source_tables
from datamart_kedro.sample.tables import TABLES

SETTINGS = "shop.json"
PARTIAL = ".sample.partial"
"""Folder of the files that are being written; a killed command leaves it, the next one removes it."""


def read_shop(folder: Path) -> SampleShop:
    """The shop of a folder.

    Raises:
        UsageError: There is none.
    """
    return SampleShop.from_dict(_read_settings(folder), str(folder / SETTINGS))


def check_folder(folder: Path) -> None:
    """See that nothing is lost when the shop of a folder is replaced.

    Raises:
        UsageError: A file is there that no shop of ours left behind.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, not a folder.", "Name a folder with --to.", NOTHING_WRITTEN)
    present = [path for table in TABLES if (path := folder / f"{table}.csv").exists()]
    if not present:
        return
    if not (folder / SETTINGS).exists():
        raise UsageError(
            f"{present[0]} is there already, and no {SETTINGS} says that it belongs to a sample shop.",
            "Name another folder with --to, or replace the files with --overwrite.",
            NOTHING_WRITTEN,
        )
    sizes = _read_settings(folder).get("files") or {}
    for path in present:
        if path.stat().st_size != sizes.get(path.name):
            raise UsageError(
                f"{path} is not the file that {SETTINGS} describes: somebody changed it, or a command was interrupted"
                " while it replaced the files, so that some are older than others.",
                "Replace all of them with --overwrite.",
                NOTHING_WRITTEN,
            )


def write_folder(folder: Path, shop: SampleShop, on_rows: Callable[[int], None] = lambda rows: None) -> dict[str, int]:
    """Write a shop's files, in place of those that are there.

    Args:
        folder: Made if it does not exist.
        shop: What to write.
        on_rows: Told how many rows are written so far.

    Returns:
        Number of rows of each table.

    Raises:
        UsageError: The folder cannot be written; the files are as they were, or the message says which are new.
    """
    partial = folder / PARTIAL
    with _clear_errors(folder):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            rows = _write_files(partial, shop, on_rows)
            sizes = {f"{table}.csv": (partial / f"{table}.csv").stat().st_size for table in TABLES}
            text = json.dumps({**shop.to_dict(), "files": sizes}, indent=2)
            (partial / SETTINGS).write_text(text + "\n", encoding="utf-8")
            _put_in_place(partial, folder, [*sizes, SETTINGS])
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return rows


def _write_files(partial: Path, shop: SampleShop, on_rows: Callable[[int], None]) -> dict[str, int]:
    rows = dict.fromkeys(TABLES, 0)
    with ExitStack() as stack:
        files = {table: stack.enter_context((partial / f"{table}.csv").open("wb")) for table in TABLES}
        for table, columns in TABLES.items():
            files[table].write((",".join(columns) + "\n").encode())
        for chunk in source_tables(shop):
            for table, values in chunk.items():
                lines = csv_lines(values)
                files[table].write(bytes_of(lines))
                rows[table] += len(lines)
            on_rows(sum(rows.values()))
    return rows


def _put_in_place(partial: Path, folder: Path, names: list[str]) -> None:
    done: list[str] = []
    for name in names:
        try:
            (partial / name).replace(folder / name)
        except OSError as error:
            raise UsageError(
                f"{folder / name} cannot be replaced: {error.strerror}.",
                "Mend that, then repeat the command with --overwrite.",
                f"These files are new, the others are old: {', '.join(done)}." if done else NOTHING_WRITTEN,
            ) from None
        done.append(name)


def _read_settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS
    try:
        return read_json(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise UsageError(
            f"There is no sample shop in {folder}: {SETTINGS} is missing.",
            "Make one with `kedro mart sample`, or name its folder with --to.",
            NOTHING_WRITTEN,
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}.",
            "Mend it, or make a new shop with --overwrite.",
            NOTHING_WRITTEN,
        ) from None


@contextmanager
def _clear_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        next_step = "Make room on the disk." if error.errno == errno.ENOSPC else "Name a folder that may be written."
        raise UsageError(
            f"The folder {folder} cannot be written: {error.strerror}.", next_step, "Its files are as they were."
        ) from None
