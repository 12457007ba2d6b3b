"""Rows out of an answer in JSON: read from a file piece by piece, so that memory is that of one row."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHUNK = 1 << 18
FIELDS_PATH = tuple[str, ...]
"""Names of fields, from the outermost inwards."""

_DECODER = json.JSONDecoder(parse_float=str, parse_constant=str)
"""Numbers with a fraction stay the text that came: a float would lose digits of money."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class NoJsonError(ValueError):
    """An answer is not JSON, or not all of it came."""


class NoRowsError(ValueError):
    """An answer is JSON, and does not have its rows where they should be."""


@dataclass
class Answer:
    """What an answer says.

    Attributes:
        rows: How many rows it has.
        values: Of the fields that were asked for; those that it lacks are missing.
    """

    rows: int = 0
    values: dict[FIELDS_PATH, Any] = field(default_factory=dict)


def read_answer(
    file: Path,
    rows_at: FIELDS_PATH,
    wanted: Collection[FIELDS_PATH],
    on_row: Callable[[dict[str, Any]], None],
    *,
    max_row: int,
) -> Answer:
    """Read an answer.

    Args:
        file: It, as it came.
        rows_at: Where it has the list of rows; the answer is the list if empty.
        wanted: Other fields to look at.
        on_row: Told each row.
        max_row: Characters of one row beyond which it is refused.

    Raises:
        NoJsonError: It is not JSON, or not all of it came.
        NoRowsError: It has no list of objects there.
    """
    reader = _Reader(_texts(file), max_row)
    answer = Answer()
    top: list[str] = []

    def walk(here: FIELDS_PATH) -> bool:
        """Read the value that comes next, and say whether the rows were in it."""
        if here == rows_at:
            _read_rows(reader, answer, on_row, ".".join(here))
            return True
        if rows_at[: len(here)] != here or reader.peek() != "{":
            _note(here, reader.value(), wanted, answer)
            return False
        found = False
        for name in reader.members():
            if not here:
                top.append(name)
            found = walk((*here, name)) or found
        return found

    has_rows = walk(())
    reader.end()
    if not has_rows:
        there = f"; it has {', '.join(top[:10])}" if top else ""
        raise NoRowsError(f"no list under {'.'.join(rows_at)}{there}")
    return answer


def line_of(row: dict[str, Any]) -> bytes:
    """A row as one line of JSON. Half of a surrogate pair, which is no character, becomes a replacement sign."""
    return _ENCODER.encode(row).encode("utf-8", "surrogatepass").decode("utf-8", "replace").encode() + b"\n"


def path_of(dotted: str | None) -> FIELDS_PATH:
    """The names in a dotted path."""
    return tuple(dotted.split(".")) if dotted else ()


def value_at(row: Any, path: FIELDS_PATH) -> Any:
    """A field of an object, None if it lacks it."""
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _read_rows(reader: _Reader, answer: Answer, on_row: Callable[[dict[str, Any]], None], place: str) -> None:
    if reader.peek() != "[":
        if reader.value() is not None:
            raise NoRowsError(f"no list {f'under {place}' if place else 'but one value'}")
        return
    for row in reader.elements():
        if not isinstance(row, dict):
            raise NoRowsError(f"rows that are no objects {f'under {place}' if place else 'in its list'}")
        answer.rows += 1
        on_row(row)


def _note(here: FIELDS_PATH, value: Any, wanted: Collection[FIELDS_PATH], answer: Answer) -> None:
    for path in wanted:
        if path[: len(here)] == here and (found := value_at(value, path[len(here) :])) is not None:
            answer.values[path] = found


def _texts(file: Path) -> Iterator[str]:
    """A file's text, in pieces that grow, so that a large value is not tried again too often."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    size = CHUNK
    with file.open("rb") as stream:
        try:
            while chunk := stream.read(size):
                yield decoder.decode(chunk)
                size = min(2 * size, 16 * CHUNK)
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise NoJsonError("it is not UTF-8") from None


class _Reader:
    """Takes values off a text of which only a part is in memory."""

    def __init__(self, texts: Iterator[str], max_value: int) -> None:
        self._texts = texts
        self._max = max_value
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next sign that is no blank; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def value(self) -> Any:
        """The next value, whole."""
        if not self.peek():
            raise NoJsonError("it ends too early")
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if not self._more():
                    raise NoJsonError("it ends too early, or is not JSON") from None
            else:
                if end < len(self._text) or not self._more():  # a number may go on in the next piece
                    self._at = end
                    return value

    def members(self) -> Iterator[str]:
        """Names of the fields of an object; the caller takes the value of each."""
        self._take("{")
        if self.peek() != "}":
            while True:
                name = self.value()
                if not isinstance(name, str):
                    raise NoJsonError("it is not JSON")
                self._take(":")
                yield name
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("}")

    def elements(self) -> Iterator[Any]:
        """Elements of a list."""
        self._take("[")
        if self.peek() != "]":
            while True:
                yield self.value()
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("]")

    def end(self) -> None:
        """Refuse what comes after the end."""
        if self.peek():
            raise NoJsonError("something follows after its end")

    def _take(self, sign: str) -> None:
        found = self.peek()
        if found != sign:
            raise NoJsonError("it is not JSON" if found else "it ends too early")
        self._at += 1

    def _more(self) -> bool:
        rest = self._text[self._at :]
        if len(rest) > self._max:
            raise NoRowsError(f"a value of more than {self._max >> 20} MB, or what is no JSON")
        more = next(self._texts, "")
        self._text, self._at = rest + more, 0
        return bool(more)
