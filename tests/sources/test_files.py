"""Files as a source: what is read, and what a person reads when it cannot be."""

from __future__ import annotations

import gzip
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.files import FileSource
from tests.project import Project
from tests.shop import product

HEADER = "customer_id,full_name\n"


def csv_query(path: str) -> str:
    """The SELECT of a CSV file, as conf/base has it."""
    return (
        f"SELECT * FROM read_csv('{path}', all_varchar = true, header = true, delim = ',', quote = '\"', escape = '\"')"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with a file of one customer."""
    (tmp_path / "customers.csv").write_text(f"{HEADER}1,José\n", encoding="utf-8")
    return tmp_path


def source(folder: Path, **encodings: str) -> FileSource:
    """A source of a folder; the names of encodings are files without their suffix."""
    return FileSource(folder, folder / "tmp", {f"{name}.csv": encoding for name, encoding in encodings.items()})


def rows(folder: Path, engine: duckdb.DuckDBPyConnection, query: str, **encodings: str) -> list[tuple[object, ...]]:
    """Rows of a query after their way into the engine, sorted."""
    files = source(folder, **encodings)
    engine.execute(f"SET file_search_path = '{folder}'")
    count = files.extract(query, engine, "source_customers")
    found = engine.execute("SELECT * FROM source_customers ORDER BY ALL").fetchall()
    files.close()
    assert count == len(found)
    return found


def refusal(action: Callable[[], object]) -> tuple[str, str]:
    """What happened, and the next step."""
    with pytest.raises(SourceError) as caught:
        action()
    return caught.value.happened, caught.value.next_step


# What a run says, whole.


def run_refusal(project: Project) -> str:
    with pytest.raises(SourceError) as caught:
        project.run()
    published = "('tb_customers', 'tb_products', 'tb_orders', 'tb_order_items')"
    assert project.query(f"SELECT table_name FROM duckdb_tables() WHERE table_name IN {published}") == []
    return str(caught.value).replace(str(project.folder), ".")


QUERY = "Query: ./conf/base/sources/customers.sql"


def test_a_missing_file(project: Project):
    project.source("customers").unlink()
    assert run_refusal(project) == (
        "customers: There is no file data/01_raw/customers.csv.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Put it there (paths start at .), or correct the path in the query. {QUERY}"
    )


def test_an_empty_file(project: Project):
    project.source("customers").write_bytes(b"")
    assert run_refusal(project) == (
        "customers: The file data/01_raw/customers.csv is empty.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Export it again: it needs at least a header and a row. {QUERY}"
    )


def test_a_header_and_no_rows(project: Project):
    project.source("customers").write_text(HEADER)
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv has no rows.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Check the export. If that is right, set source.allow_empty to true in globals.yml."
    )


def test_a_file_in_cp1252(project: Project):
    project.source("customers").write_bytes(f"{HEADER}1,José\n".encode("cp1252"))
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv is not encoded in UTF-8 (line 2), but probably in cp1252.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Declare it under source.encodings in globals.yml: {{data/01_raw/customers.csv: cp1252}}. {QUERY}"
    )


def test_a_missing_required_column(project: Project):
    project.source("customers").write_text("id,full_name\n1,Ann\n")
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv gives no column customer_id; it gives id, full_name.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Give the shop's column that name in ./conf/base/sources/customers.sql: SELECT its_name AS customer_id."
    )


def test_a_directory(project: Project):
    project.source("customers").unlink()
    project.source("customers").mkdir()
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv is a directory, not a file.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Name its files, such as data/01_raw/customers.csv/*.csv. {QUERY}"
    )


def test_a_file_that_may_not_be_read(project: Project, monkeypatch: pytest.MonkeyPatch):
    opened = Path.open

    def guarded(path: Path, *how: object, **more: object) -> object:
        if path.name == "customers.csv":
            raise PermissionError(13, "Permission denied")
        return opened(path, *how, **more)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(Path, "open", guarded)
    assert run_refusal(project) == (
        "customers: The file ./data/01_raw/customers.csv cannot be read: Permission denied.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Check that it is there, and its permissions. {QUERY}"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permissions(project: Project):
    project.source("customers").chmod(0)
    assert "cannot be read: Permission denied." in run_refusal(project)


def test_lines_of_different_length(project: Project):
    project.source("customers").write_text(f"{HEADER}1,Ann\n2,Bob,Baker\n")
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv cannot be read as CSV:"
        " lines differ in their number of columns, or a quote is not closed.\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Mend the file, or the delimiter and the quotes in the query. {QUERY}"
    )


def test_a_bad_line_far_into_the_file(project: Project):
    project.source("customers").write_text(HEADER + "1,Ann\n" * 100_000 + "2,Bob,Baker\n")
    assert run_refusal(project) == (
        "customers: data/01_raw/customers.csv cannot be read:"
        " CSV Error on Line: 100002. Expected Number of Columns: 2 Found: 3\n"
        "  Nothing was published, the mart is as it was.\n"
        f"  Mend the file, or the query. {QUERY}"
    )


def test_extra_columns_are_ignored_and_named_once(project: Project, caplog: pytest.LogCaptureFixture):
    project.write_source("products", [product(shoe_size="42", colour="red")])
    with caplog.at_level(logging.INFO, "datamart_kedro"):
        project.run("products")
    named = [message for message in caplog.messages if "does not use" in message]
    assert named == ["products: columns that the mart does not use: shoe_size, colour"]


def test_the_order_of_columns_does_not_matter(project: Project):
    project.write_source("products", [dict(reversed(product(sku="L-1").items()))])
    project.run("products")
    assert project.query("SELECT product_id, name, sku FROM tb_products") == [("A", "Lamp", "L-1")]


def test_a_byte_order_mark_is_not_part_of_the_first_column(project: Project):
    text = project.source("products").read_text()
    project.source("products").write_text(text, encoding="utf-8-sig")
    project.run("products")
    assert project.query("SELECT product_id FROM tb_products ORDER BY 1") == [("A",), ("B",)]


def test_an_encoding_is_declared_in_the_settings(project: Project):
    text = project.source("products").read_text().replace("Lamp", "Żyrandol")
    project.source("products").write_bytes(text.encode("iso8859-2"))
    local = project.folder / "conf" / "local"
    local.mkdir(exist_ok=True)
    (local / "globals.yml").write_text("source: {encodings: {data/01_raw/products.csv: iso8859-2}}\n")
    project.run("products")
    assert project.query("SELECT name FROM tb_products WHERE product_id = 'A'") == [("Żyrandol",)]
    assert list((project.folder / "data" / "tmp").rglob("*.csv")) == []


# How files are read.


def test_an_encoding_is_declared_for_a_file(folder: Path, engine: duckdb.DuckDBPyConnection):
    (folder / "customers.csv").write_bytes(f"{HEADER}1,José €\n".encode("cp1252"))
    assert rows(folder, engine, csv_query("customers.csv"), customers="cp1252") == [("1", "José €")]


@pytest.mark.parametrize("encoding", ["cp1252", "iso8859-15", "utf-16", "cp850", "utf-8-sig"])
def test_a_character_that_two_chunks_share_is_kept(
    folder: Path, engine: duckdb.DuckDBPyConnection, encoding: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("datamart_kedro.sources.transcode.CHUNK", 3)
    (folder / "customers.csv").write_bytes(f"{HEADER}1,Müller-Lüdenscheidt\n".encode(encoding))
    assert rows(folder, engine, csv_query("customers.csv"), customers=encoding) == [("1", "Müller-Lüdenscheidt")]


def test_a_packed_file_is_unpacked_before_its_encoding_is_changed(folder: Path, engine: duckdb.DuckDBPyConnection):
    (folder / "customers.csv.gz").write_bytes(gzip.compress(f"{HEADER}1,José\n".encode("cp1252")))
    files = FileSource(folder, folder / "tmp", {"customers.csv.gz": "cp1252"})
    files.extract(csv_query("customers.csv.gz"), engine, "source_customers")
    assert engine.execute("FROM source_customers").fetchall() == [("1", "José")]


def test_files_of_one_name_in_two_folders_are_all_transcoded(folder: Path, engine: duckdb.DuckDBPyConnection):
    for number, place in enumerate(("north", "south")):
        (folder / place).mkdir()
        (folder / place / "customers.csv").write_bytes(f"{HEADER}{number},José\n".encode("cp1252"))
    files = FileSource(folder, folder / "tmp", {"*/customers.csv": "cp1252"})
    files.extract(csv_query("*/customers.csv"), engine, "source_customers")
    assert engine.execute("FROM source_customers ORDER BY 1").fetchall() == [("0", "José"), ("1", "José")]


def test_copies_are_gone_when_the_source_is_closed(folder: Path, engine: duckdb.DuckDBPyConnection):
    files = source(folder, customers="cp1252")
    files.extract(csv_query("customers.csv"), engine, "source_customers")
    assert list((folder / "tmp").rglob("*.csv"))
    files.close()
    assert not list((folder / "tmp").rglob("*.csv"))


def test_copies_that_a_killed_process_left_are_removed_and_those_of_a_living_one_stay(
    folder: Path, engine: duckdb.DuckDBPyConnection
):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, living = (folder / "tmp" / "transcoded" / str(pid) for pid in (ended.pid, os.getppid()))
    dead.mkdir(parents=True)
    living.mkdir()
    source(folder, customers="cp1252").extract(csv_query("customers.csv"), engine, "source_customers")
    assert (dead.exists(), living.exists()) == (False, True)


def test_an_encoding_that_nobody_knows_is_refused(folder: Path):
    assert refusal(lambda: source(folder, customers="cp-1252x").describe(csv_query("customers.csv"))) == (
        "customers.csv: 'cp-1252x' is not an encoding that Python knows.",
        "Write one such as cp1252 or iso8859-15 under source.encodings in globals.yml.",
    )


def test_a_file_that_is_not_encoded_as_declared_is_refused(folder: Path):
    (folder / "customers.csv").write_bytes(HEADER.encode() + b"1,Jos\xe9\n")
    assert refusal(lambda: source(folder, customers="ascii").describe(csv_query("customers.csv"))) == (
        "customers.csv is not encoded in ascii, as declared: byte 0xe9.",
        "Correct the encoding under source.encodings in globals.yml.",
    )


def test_a_file_in_utf_16_is_recognised(folder: Path):
    (folder / "customers.csv").write_bytes(f"{HEADER}1,José\n".encode("utf-16"))
    happened, next_step = refusal(lambda: source(folder).describe(csv_query("customers.csv")))
    assert happened == "customers.csv is not encoded in UTF-8, but probably in utf-16."
    assert next_step == "Declare it under source.encodings in globals.yml: {customers.csv: utf-16}."


def test_of_several_files_the_one_in_another_encoding_is_named(folder: Path, engine: duckdb.DuckDBPyConnection):
    (folder / "others.csv").write_bytes(f"{HEADER}1,José\n".encode("cp1252"))
    query = f"{csv_query('customers.csv')} UNION ALL {csv_query('others.csv')}"
    engine.execute(f"SET file_search_path = '{folder}'")
    happened, _ = refusal(lambda: source(folder).extract(query, engine, "source_customers"))
    assert happened == "others.csv is not encoded in UTF-8 (line 2), but probably in cp1252."


def test_decimal_commas_other_delimiters_and_several_files_are_for_the_query(
    folder: Path, engine: duckdb.DuckDBPyConnection
):
    for month in ("01", "02"):
        (folder / f"orders_{month}.csv").write_text(f"id;price\n{month};1.234,50\n")
    query = (
        "SELECT id AS order_id, replace(replace(price, '.', ''), ',', '.') AS unit_price"
        " FROM read_csv('orders_*.csv', delim = ';', all_varchar = true)"
    )
    assert rows(folder, engine, query) == [("01", "1234.50"), ("02", "1234.50")]


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_other_kinds_of_files_bring_their_types(folder: Path, engine: duckdb.DuckDBPyConnection, kind: str):
    engine.execute(
        f"COPY (SELECT 1::BIGINT AS order_id, TIMESTAMP '2025-01-02 03:04:05' AS ordered_at, 'a' AS status)"
        f" TO '{folder}/orders.{kind}'"
    )
    query = f"SELECT * FROM 'orders.{kind}'"
    assert source(folder).describe(query) == {"order_id": "BIGINT", "ordered_at": "TIMESTAMP", "status": "VARCHAR"}
    assert [(row[0], str(row[1]), row[2]) for row in rows(folder, engine, query)] == [(1, "2025-01-02 03:04:05", "a")]


@pytest.mark.parametrize("kind", ["parquet", "json"])
def test_a_run_reads_other_kinds_of_files(project: Project, kind: str):
    rows = "SELECT 7 AS product_id, 12.5 AS unit_price, TIMESTAMP '2025-01-02 03:04:05' AS updated_at"
    duckdb.sql(f"COPY ({rows}) TO 'data/01_raw/products.{kind}'")
    (project.folder / "conf" / "base" / "sources" / "products.sql").write_text(
        f"SELECT * FROM 'data/01_raw/products.{kind}'"
    )
    project.run("products")
    assert [
        (key, str(price), str(at))
        for key, price, at in project.query("SELECT product_id, unit_price, updated_at FROM tb_products")
    ] == [(7, "12.5000", "2025-01-02 03:04:05")]


@pytest.mark.parametrize(
    ("name", "content", "happened"),
    [
        ("a.parquet", b"PAR1xxx", "a.parquet cannot be read: File '{}/a.parquet' too small to be a Parquet file"),
        ("a.json", b'{"a": 1', 'a.json cannot be read: Malformed JSON in file "{}/a.json"'),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, content: bytes, happened: str):
    (folder / name).write_bytes(content)
    said, next_step = refusal(lambda: source(folder).describe(f"SELECT * FROM '{name}'"))
    assert said.startswith(happened.format(folder))
    assert next_step == "Mend the file, or the query."


def test_a_query_with_a_slip_of_the_pen_is_refused(folder: Path):
    happened, next_step = refusal(lambda: source(folder).describe("SELECT nme FROM 'customers.csv'"))
    assert happened.startswith('customers.csv cannot be read: Binder Error: Referenced column "nme" not found')
    assert next_step == "Mend the file, or the query."


def test_a_query_with_an_open_quote_is_refused(folder: Path):
    happened, next_step = refusal(lambda: source(folder).check("SELECT * FROM 'customers.csv"))
    assert happened.startswith("its query cannot be read: Parser Error: ")
    assert next_step == "Mend the file, or the query."


def test_an_engine_without_room_is_not_taken_for_a_bad_file(folder: Path):
    (folder / "customers.csv").write_text(HEADER + "1,Ann Archer\n" * 200_000)
    with duckdb.connect(folder / "mart.duckdb") as engine:
        engine.execute(f"SET file_search_path = '{folder}'; SET temp_directory = '{folder}/spilled'")
        engine.execute("SET memory_limit = '10MB'; SET max_temp_directory_size = '1MB'")
        with pytest.raises(duckdb.OutOfMemoryException):
            source(folder).extract(csv_query("customers.csv"), engine, "source_customers")


# A fingerprint tells one content from another.


def fingerprint(folder: Path, query: str) -> str:
    return source(folder).check(query).fingerprint


def test_the_same_content_has_the_same_fingerprint_whenever_it_was_written(folder: Path):
    before = fingerprint(folder, csv_query("customers.csv"))
    os.utime(folder / "customers.csv", (1, 1))
    assert fingerprint(folder, csv_query("customers.csv")) == before


def test_other_content_of_the_same_size_has_another_fingerprint(folder: Path):
    before = fingerprint(folder, csv_query("customers.csv"))
    (folder / "customers.csv").write_text(f"{HEADER}2,José\n", encoding="utf-8")
    assert fingerprint(folder, csv_query("customers.csv")) != before


def test_one_more_file_has_another_fingerprint(folder: Path):
    before = fingerprint(folder, csv_query("*.csv"))
    (folder / "more.csv").write_text(f"{HEADER}2,Ann\n")
    assert fingerprint(folder, csv_query("*.csv")) != before


# A file that is replaced while a run goes on.


def replace(path: Path) -> None:
    """Put another file in the place of one, as exports do."""
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes() + b"2,Ann\n")
    other.replace(path)


CHANGED = ("customers.csv changed between check and reading.", "Run again when whoever writes it is done.")


def test_a_file_replaced_between_check_and_reading_is_refused(folder: Path, engine: duckdb.DuckDBPyConnection):
    engine.execute(f"SET file_search_path = '{folder}'")
    files = source(folder)
    files.check(csv_query("customers.csv"))
    replace(folder / "customers.csv")
    assert refusal(lambda: files.extract(csv_query("customers.csv"), engine, "source_customers")) == CHANGED
    assert engine.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_a_file_that_came_after_the_check_is_refused(folder: Path, engine: duckdb.DuckDBPyConnection):
    engine.execute(f"SET file_search_path = '{folder}'")
    files = source(folder)
    files.check(csv_query("*.csv"))
    (folder / "more.csv").write_text(f"{HEADER}2,Ann\n")
    happened, _ = refusal(lambda: files.extract(csv_query("*.csv"), engine, "source_customers"))
    assert happened == "*.csv changed between check and reading."


def test_a_file_replaced_after_it_was_read_is_for_the_next_run(folder: Path, engine: duckdb.DuckDBPyConnection):
    engine.execute(f"SET file_search_path = '{folder}'")
    files = source(folder)
    files.extract(csv_query("customers.csv"), engine, "source_customers")
    replace(folder / "customers.csv")
    files.confirm()
    assert engine.execute("SELECT count(*) FROM source_customers").fetchall() == [(1,)]


def test_a_parquet_file_replaced_before_publication_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch):
    products = project.folder / "data" / "01_raw" / "products.parquet"
    duckdb.sql(f"COPY (SELECT 7 AS product_id) TO '{products}'")
    (project.folder / "conf" / "base" / "sources" / "products.sql").write_text(
        "SELECT * FROM 'data/01_raw/products.parquet'"
    )
    project.run("products")
    duckdb.sql(f"COPY (SELECT 8 AS product_id) TO '{products}'")
    read = FileSource.extract

    def replaced_after_reading(*arguments: object, **more: object) -> int:
        count = read(*arguments, **more)  # type: ignore[arg-type]
        duckdb.sql(f"COPY (SELECT 9 AS product_id) TO '{products}'")
        return count

    monkeypatch.setattr(FileSource, "extract", replaced_after_reading)
    with pytest.raises(SourceError) as caught:
        project.run("products")
    assert caught.value.happened == "data/01_raw/products.parquet changed between check and reading."
    assert project.query("SELECT product_id FROM tb_products") == [(7,)]


@pytest.mark.parametrize(
    ("query", "is_view"),
    [
        ("SELECT id FROM 'a.parquet'", True),
        ("SELECT id + 1 AS id FROM 'a.parquet' WHERE id > 1 UNION ALL SELECT id FROM 'a.parquet'", True),
        ("SELECT id, count(*) AS n FROM 'a.parquet' GROUP BY id", False),
        ("SELECT a.id FROM 'a.parquet' AS a JOIN 'a.parquet' AS b USING (id)", False),
        ("SELECT id FROM 'a.parquet' LIMIT 1", False),
    ],
)
def test_rows_of_parquet_are_copied_where_making_them_again_would_cost(
    folder: Path, engine: duckdb.DuckDBPyConnection, query: str, is_view: bool
):
    duckdb.sql(f"COPY (SELECT unnest([1, 2, 3]) AS id) TO '{folder / 'a.parquet'}'")
    engine.execute(f"SET file_search_path = '{folder}'")
    source(folder).extract(query, engine, "source_customers")
    views = engine.execute("SELECT view_name FROM duckdb_views() WHERE view_name = 'source_customers'").fetchall()
    assert bool(views) is is_view


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("SELECT * FROM 'a.csv' -- not 'b.csv'", "a.csv"),
        ("SELECT * /* 'a.csv' */ FROM \"it's.csv\" JOIN 'b.csv' USING (id)", "b.csv"),
        ("SELECT 'é' AS é, * FROM 'the shop''s.csv' JOIN 'ü.parquet' USING (id)", "the shop's.csv, ü.parquet"),
        ("SELECT * FROM 'a.csv' UNION ALL FROM read_csv(['a.csv', 'https://shop/b.csv'])", "a.csv"),
        ("SELECT 'a.csv", "its query"),
    ],
)
def test_the_files_of_a_query_are_its_literals(tmp_path: Path, query: str, places: str):
    assert source(tmp_path).place(query) == places
