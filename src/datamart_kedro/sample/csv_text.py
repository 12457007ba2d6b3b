"""Rows as CSV: RFC 4180, quoted only where needed, NULL as nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NEEDS_QUOTES = (b",", b'"', b"\n", b"\r")


def csv_lines(columns: Mapping[str, pa.Array]) -> pa.Array:
    """One text per row, with the line break at its end."""
    fields = [_quoted(column) for column in columns.values()]
    line = pc.binary_join_element_wise(*fields, ",", null_handling="replace", null_replacement="")
    return pc.binary_join_element_wise(line, "\n", "")


def bytes_of(texts: pa.Array) -> bytes:
    """Texts one after the other, in UTF-8."""
    if not len(texts):
        return b""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return bytes(data[int(ends[0]) : int(ends[-1])])


def _quoted(column: pa.Array) -> pa.Array:
    content = bytes_of(column)
    if not any(sign in content for sign in NEEDS_QUOTES):
        return column
    needs = pc.match_substring_regex(column, '[,"\\n\\r]')
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(needs, quoted, column)
