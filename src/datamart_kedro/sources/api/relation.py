"""Lists of an API as the engine sees them: every field a text, as in a CSV file, nested ones as their JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import literal, quoted

MEMORY_LIMIT = "1GB"


@contextmanager
def engine(project: Path, temp_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine beside the mart, that spills to disk what does not fit into memory."""
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = {literal(MEMORY_LIMIT)}")
        connection.execute(f"SET temp_directory = {literal(str(temp_folder))}")
        connection.execute(f"SET file_search_path = {literal(str(project))}")
        connection.execute("SET preserve_insertion_order = false")
        yield connection


def lines(file: Path, columns: Sequence[str], longest: int) -> str:
    """SELECT of the rows of a file of JSON lines.

    Args:
        file: It.
        columns: Fields of its rows; one that a row lacks is NULL.
        longest: Bytes of its longest line: the engine sets aside a multiple of it for each of its threads.

    Raises:
        SourceError: Two fields have one name but for capital letters, which the engine does not tell apart.
    """
    names = Counter(name.lower() for name in columns)
    if twice := [name for name in columns if names[name.lower()] > 1]:
        raise SourceError(
            f"rows have the fields {', '.join(twice)}, which differ in capital letters alone.",
            "Ask whoever runs the API, or read another endpoint: the engine cannot tell them apart.",
        )
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"SELECT * FROM read_json({literal(str(file))}, format = 'newline_delimited', columns = {{{types}}},"
        f" maximum_object_size = {max(longest + 1, 1 << 20)})"
    )


def stored(file: Path) -> str:
    """SELECT of the rows of a Parquet file."""
    return f"SELECT * FROM read_parquet({literal(str(file))})"


def columns_of(connection: duckdb.DuckDBPyConnection, select: str) -> list[str]:
    """Names of the columns of a SELECT."""
    return [str(name) for name, *_ in connection.execute(f"DESCRIBE {select}").fetchall()]


def over(query: str, relations: Mapping[str, str]) -> str:
    """A SELECT in which each list is a table of its name."""
    named = ", ".join(f"{quoted(name)} AS ({select})" for name, select in relations.items())
    return f"WITH {named} SELECT * FROM ({query}\n) AS source" if named else f"SELECT * FROM ({query}\n) AS source"


def repeated_keys(connection: duckdb.DuckDBPyConnection, select: str, key: Sequence[str]) -> int:
    """How many rows have the key of another row, or are equal to it where no key is known."""
    what = f"hash({', '.join(quoted(name) for name in key)})" if key else "hash(t)"
    ((repeated,),) = connection.execute(f"SELECT count(*) - count(DISTINCT {what}) FROM ({select}) AS t").fetchall()
    return int(repeated)


def merge(connection: duckdb.DuckDBPyConnection, old: str, new: str, key: Sequence[str], file: Path) -> int:
    """Write rows to a Parquet file: the new ones, and of the old ones those whose key is not among them.

    A row without a key is replaced by the same row alone.

    Returns:
        Number of rows.
    """
    identity = _identity(key)
    kept = f"SELECT * FROM ({old}) AS t WHERE {identity} NOT IN (SELECT {identity} FROM ({new}) AS t)"
    return write(connection, f"{kept} UNION ALL BY NAME ({new})", file)


def count_unknown(connection: duckdb.DuckDBPyConnection, old: str, new: str, key: Sequence[str]) -> int:
    """How many of the new rows are not among the old ones just as they are."""
    identity = _identity(key)
    same_key = f"SELECT to_json(t) FROM ({old}) AS t WHERE {identity} IN (SELECT {identity} FROM ({new}) AS t)"
    ((unknown,),) = connection.execute(
        f"SELECT count(*) FROM ({new}) AS t WHERE to_json(t) NOT IN ({same_key})"
    ).fetchall()
    return int(unknown)


def _identity(key: Sequence[str]) -> str:
    """What a row is told by, as SQL: its key, or all of it where a part of the key is missing."""
    names = ", ".join(quoted(name) for name in key)
    has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key)
    return f"CASE WHEN {has_key} THEN to_json([{names}]) ELSE to_json(t) END"


def write(connection: duckdb.DuckDBPyConnection, select: str, file: Path) -> int:
    """Write rows to a Parquet file, and return their number."""
    ((rows,),) = connection.execute(
        f"COPY ({select}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()
    return int(rows)


def names_in(query: str) -> set[str]:
    """Names that a query reads from; none if it cannot be understood, which the engine says better later."""
    with duckdb.connect() as connection:
        ((tree,),) = connection.execute(f"SELECT json_serialize_sql({literal(query)})").fetchall()
    return set(_tables(json.loads(tree)))


def _tables(node: Any) -> Iterator[str]:
    """Names of tables in a query's tree."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield str(node["table_name"])
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _tables(part)


def refusal_of(error: duckdb.Error, place: str, endpoints: Sequence[str]) -> duckdb.Error | SourceError:
    """What the engine says to a query on the lists of an API."""
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.InterruptException) or "No space left" in str(error):
        return error
    return SourceError(
        f"{place} cannot be read by the query: {first_line(error)}",
        f"Mend the query; there are the lists {', '.join(endpoints)}, and every field of theirs is a text.",
    )
