"""Build the published tables by plain SQL; `full_build.py` runs this in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

HERE = Path(__file__).parent
COUNTRIES = {
    "ALGERIA": "DZ",
    "ARGENTINA": "AR",
    "BRAZIL": "BR",
    "CANADA": "CA",
    "CHINA": "CN",
    "EGYPT": "EG",
    "ETHIOPIA": "ET",
    "FRANCE": "FR",
    "GERMANY": "DE",
    "INDIA": "IN",
    "INDONESIA": "ID",
    "IRAN": "IR",
    "IRAQ": "IQ",
    "JAPAN": "JP",
    "JORDAN": "JO",
    "KENYA": "KE",
    "MOROCCO": "MA",
    "MOZAMBIQUE": "MZ",
    "PERU": "PE",
    "ROMANIA": "RO",
    "RUSSIA": "RU",
    "SAUDI ARABIA": "SA",
    "UNITED KINGDOM": "GB",
    "UNITED STATES": "US",
    "VIETNAM": "VN",
}


def build(database: Path, project: Path, views: str, memory_limit: str, threads: int) -> None:
    """Make the tables in a new file.

    Args:
        database: The file.
        project: Folder that paths in the views start from.
        views: Statements that make the views of the shop's rows.
        memory_limit: Such as ``2GB``.
        threads: Threads of the engine.
    """
    with duckdb.connect(database) as connection:
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute(f"SET threads = {threads}")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = '{database}.tmp'")
        connection.execute(f"SET file_search_path = '{project}'")
        codes = ", ".join(f"('{name}', '{code}')" for name, code in COUNTRIES.items())
        connection.execute(f"CREATE TEMP TABLE countries AS FROM (VALUES {codes}) AS t(name, code)")
        connection.execute(views)
        connection.execute((HERE / "plain.sql").read_text(encoding="utf-8"))


if __name__ == "__main__":
    file, folder, views_file, limit, cores = sys.argv[1:]
    build(Path(file), Path(folder), Path(views_file).read_text(encoding="utf-8"), limit, int(cores))
