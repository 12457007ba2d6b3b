"""Write the mart file anew: what was deleted stays in the blocks of a file until they are used again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import MartFileError
from datamart_kedro.mart.file import STORAGE
from datamart_kedro.mart.mart import Mart, literal, quoted


def rewrite(mart: Mart) -> None:
    """Replace the mart file by a copy of what is in it, in one step, and close it.

    Needs as much room again as the file takes.

    Raises:
        MartFileError: There is no room, or the folder cannot be written; the file is as it was.
    """
    copy = mart.path.with_name(f"{mart.path.name}.new")
    remove_database(copy)
    try:
        mart.execute("CHECKPOINT")
        (name,) = mart.execute("SELECT current_database()")[0]
        storage = literal(str(STORAGE["storage_compatibility_version"]))
        mart.execute(f"ATTACH {literal(str(copy))} AS rewritten (STORAGE_VERSION {storage})")
        try:
            mart.compute("mart file", f"COPY FROM DATABASE {quoted(name)} TO rewritten")
        finally:
            mart.execute("DETACH rewritten")
        copy.replace(mart.path)
    except (duckdb.Error, OSError) as error:
        remove_database(copy)
        raise MartFileError(
            f"The mart file cannot be written anew: {first_line(error)}",
            "Make room beside it, then repeat the command.",
            state="What was to be erased is erased, but its bytes may still be in free blocks of the file.",
        ) from None
    finally:
        mart.close()


def remove_database(path: Path) -> None:
    """Remove a database and its log, where they are."""
    for file in (path, path.with_name(f"{path.name}.wal")):
        file.unlink(missing_ok=True)
