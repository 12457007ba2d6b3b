"""What goes wrong with files, in words for people: the cause, and the next step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb

from datamart_kedro.engine_messages import first_line, without_values
from datamart_kedro.errors import SourceError

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""How a file in UTF-16 begins."""


@contextmanager
def unreadable_file(file: Path) -> Iterator[None]:
    """Say which file the system does not let us read, and why.

    Raises:
        SourceError: Instead of `OSError`.
    """
    try:
        yield
    except (OSError, EOFError) as error:
        raise SourceError(
            f"The file {file} cannot be read: {getattr(error, 'strerror', None) or error}.",
            "Check that it is there, and its permissions.",
        ) from None


def refusal_of(error: duckdb.Error, files: Mapping[str, str], place: str) -> duckdb.Error | SourceError:
    """What the engine says while it reads files; what is not about them is given back as it is.

    Args:
        error: What it raised.
        files: Path of each file that the query reads, with the pattern that names it.
        place: What the query reads.
    """
    text = str(error)
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.InterruptException) or "No space left" in text:
        return error
    named = [(path, pattern) for path, pattern in files.items() if path in text or pattern in text]
    path, pattern = named[0] if named else next(iter(files.items()), ("", place))
    encoding = _encoding(path, text)
    if encoding and path:
        return SourceError(
            f"{pattern} is not encoded in UTF-8{_line(text)}, but probably in {encoding}.",
            f"Declare it under source.encodings in globals.yml: {{{pattern}: {encoding}}}.",
        )
    if "when sniffing file" in text:
        return SourceError(
            f"{pattern} cannot be read as CSV: lines differ in their number of columns, or a quote is not closed.",
            "Mend the file, or the delimiter and the quotes in the query.",
        )
    return SourceError(f"{pattern} cannot be read: {_said(error)}", "Mend the file, or the query.")


def _encoding(path: str, text: str) -> str | None:
    """The encoding that a file which is not UTF-8 probably has, None if that is not what is wrong."""
    with Path(path).open("rb") if Path(path).is_file() else nullcontext() as stream:
        begin = stream.read(2) if stream else b""
    if begin in UTF_16:
        return "utf-16"
    return "cp1252" if "not utf-8 encoded" in text or "unicode" in text.lower() else None


def _line(text: str) -> str:
    found = re.search(r"CSV Error on Line: (\d+)", text)
    return f" (line {int(found[1]):,})" if found else ""


def _said(error: duckdb.Error) -> str:
    """The engine's first line, and its reason where that comes after the line of the file."""
    reason = re.search(
        r"^(Expected Number of Columns|Value with unterminated quote|Error when converting).*", str(error), re.M
    )
    said = first_line(error).removeprefix("Invalid Input Error: ")
    return f"{said}. {without_values(reason[0].strip())}" if reason else said
