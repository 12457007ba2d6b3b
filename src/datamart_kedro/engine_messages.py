"""What engines and drivers say, without the values that they quote: a value may tell of a person."""

from __future__ import annotations

import re
import traceback

import duckdb

from datamart_kedro.errors import causes

A_VALUE = "(a value)"

_QUOTED = re.compile(
    r"(\bstring|\bvalue|\bInput:|\bformat:|\bsyntax for type [\w ]+:|\bout of range:|\bDuplicate key|\bcolumn \w+:)"
    r" *(['\"])(?:.*\2|.*$)"
)
_OTHERS = (
    (re.compile(r"(\bwith value) (?![('\"])\S+"), rf"\1 {A_VALUE}"),
    (re.compile(r"(\([\w, \"]+\))=\(.*\)"), rf"\1=({A_VALUE.strip('()')})"),
    (re.compile(r"(\bFailing row contains|\bOriginal Line:).*"), rf"\1 {A_VALUE}"),
)
"""How DuckDB and PostgreSQL quote what they could not take, such as: Could not convert string 'x' to INT32."""

DATA_ERRORS = (duckdb.DataError, duckdb.IntegrityError, duckdb.InvalidInputException)
"""What DuckDB raises about values; the other errors are about statements, and quote names."""


def without_values(text: str) -> str:
    """A message with what an engine quotes from data left out; names of columns and types stay."""
    text = "\n".join(_QUOTED.sub(rf"\1 {A_VALUE}", line) for line in text.splitlines())
    for pattern, words in _OTHERS:
        text = pattern.sub(words, text)
    return text


def first_line(error: BaseException) -> str:
    """What an exception says first, bounded and without values."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return without_values(lines[0])[:300]


def traceback_of(error: BaseException) -> str:
    """The traceback of an exception and of its causes, for a log: messages about values end after their first line."""
    found = list(causes(error))
    parts = []
    for cause in reversed(found):
        text = str(cause)
        for inner in found:
            if _is_about_values(inner) and str(inner):
                text = text.replace(str(inner), first_line(inner))
        frames = "".join(traceback.format_tb(cause.__traceback__))
        parts.append(f"{frames}{type(cause).__name__}: {without_values(text)}")
    return "\n\nwhich led to\n\n".join(parts)


def _is_about_values(error: BaseException) -> bool:
    """Does it speak of data? Of what PostgreSQL adds in further lines, much does."""
    return isinstance(error, DATA_ERRORS) or hasattr(error, "pgcode")
