"""Sample shops for tests, and their tables as plain rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from datamart_kedro.sample.csv_text import bytes_of, csv_lines
from datamart_kedro.sample.settings import SampleShop
from datamart_kedro.sample.source_tables import source_tables
from datamart_kedro.sample.tables import TABLES

FIRST_DAY = date(2024, 1, 1)
COMMITTED = Path(__file__).parents[2] / "data" / "01_raw"
FILES = [*(f"{table}.csv" for table in TABLES), "shop.json"]

Row = dict[str, str]


def shop(days: int = 400, **values: Any) -> SampleShop:
    """A small shop without faults, some days after it opened."""
    settings = {"seed": 1, "customers": 300, "first_day": FIRST_DAY, "dirt": 0.0} | values
    return SampleShop(**settings, day=settings["first_day"] + timedelta(days=days))


def tables_of(made: SampleShop, **how: Any) -> dict[str, list[Row]]:
    """The tables of a shop as its files hold them, read by Python's own CSV reader."""
    lines = {table: [",".join(columns).encode(), b"\n"] for table, columns in TABLES.items()}
    for chunk in source_tables(made, **how):
        for table, columns in chunk.items():
            lines[table].append(bytes_of(csv_lines(columns)))
    return {table: read_csv(b"".join(parts).decode()) for table, parts in lines.items()}


def files_of(folder: Path) -> dict[str, list[Row]]:
    """The tables of a folder."""
    return {table: read_csv((folder / f"{table}.csv").read_bytes().decode()) for table in TABLES}


def read_csv(text: str) -> list[Row]:
    """Rows of a CSV file; line breaks within values stay as they are."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def by_key(rows: Sequence[Row], *key: str) -> dict[str, Row]:
    """Rows by their key, as the ledger of faults writes it."""
    found = {"/".join(row[name] for name in key): row for row in rows}
    assert len(found) == len(rows)
    return found


def instant(text: str) -> datetime:
    """An instant as the files write it."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
