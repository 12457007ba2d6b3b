"""What docs/bring-your-own-shop.md says is so."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import psycopg2
import pytest
import yaml
from sqlalchemy import make_url

from datamart_kedro.control.probe import POSSIBLE
from datamart_kedro.mart.domains import source_columns
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.sources.files import FileSource
from datamart_kedro.sources.postgres import PostgresSource
from datamart_kedro.sources.shop import ShopSettings
from tests.conftest import ROOT
from tests.project import Project, psql

PAGE = (ROOT / "docs" / "bring-your-own-shop.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """What stands below a title, up to the next one."""
    return re.split(r"^#+ ", PAGE.partition(f"# {title}")[2], flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """Cells of the rows of a table."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_canonical_columns_are_those_that_the_domain_declares(domain: str):
    written = [(name, kind) for name, kind, _ in table(section(f"{domain}, one row"))]
    declared = source_columns(domain)
    assert written == [(f"{name}*" if column.required else name, column.kind) for name, column in declared.items()]


def test_every_kind_has_its_types():
    kinds = [kind for kind, *_ in table(section("Types"))]
    assert sorted(kinds) == sorted({*POSSIBLE, "text", "integer", "decimal", "money", "rate"} - {"number"})


@pytest.mark.parametrize("file", sorted((ROOT / "conf" / "northwind").rglob("*.sql")), ids=lambda file: file.stem)
def test_the_page_shows_the_queries_of_northwind_as_they_are(file: Path):
    shown = f"-- {file.relative_to(ROOT)}\n{file.read_text(encoding='utf-8')}"
    assert shown in blocks("sql")


def test_the_page_shows_the_settings_of_northwind_as_they_are():
    settings = yaml.safe_load((ROOT / "conf" / "northwind" / "globals.yml").read_text(encoding="utf-8"))
    assert settings in [yaml.safe_load(block) for block in blocks("yaml")]


def test_every_setting_of_a_source_is_one():
    shown = [block["source"] for block in map(yaml.safe_load, blocks("yaml")) if "source" in block]
    assert len(shown) == 2
    for settings in shown:
        ShopSettings.model_validate({"kind": "files", "queries": "conf/acme/sources"} | settings)


def test_the_settings_of_a_connection_have_the_defaults_that_the_page_tells():
    written = {name: int(default) for name, default, _ in table(section("PostgreSQL"))}
    settings = ShopSettings(kind="postgres", queries="")
    assert written == {name: getattr(settings, name) for name in written}


def test_the_example_with_decimal_commas_works(tmp_path: Path):
    (query,) = [block for block in blocks("sql") if "read_csv" in block]
    (tmp_path / "data" / "01_raw").mkdir(parents=True)
    (tmp_path / "data" / "01_raw" / "orders_1.csv").write_bytes("id;day;fee\nÄ1;31.01.2025;1.234,50\n".encode("cp1252"))
    (encodings,) = [
        block["source"]["encodings"] for block in map(yaml.safe_load, blocks("yaml")) if "encodings" in str(block)
    ]
    with duckdb.connect() as engine:
        FileSource(tmp_path, tmp_path / "tmp", encodings).extract(query, engine, "source_orders")
        assert engine.execute("SELECT order_id, ordered_at::text, shipping_fee FROM source_orders").fetchall() == [
            ("Ä1", "2025-01-31 00:00:00", "1234.50")
        ]


def test_the_rights_of_a_reader_are_enough_to_read_and_to_nothing_else(postgres: str):
    (rights,) = [block for block in blocks("sql") if "CREATE ROLE" in block]
    address = make_url(postgres)
    role = f"reader_{address.database}"
    psql(
        postgres, "DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop", "CREATE TABLE shop.orders (order_id int)"
    )
    psql(postgres, rights.replace("DATABASE shop", f"DATABASE {address.database}").replace("reader", role))
    psql(postgres, "CREATE TABLE shop.products (product_id int)")
    url = address.set(username=role, password="choose one").render_as_string(hide_password=False)
    shop = PostgresSource(url, connect_timeout_s=5, statement_timeout_s=60, attempts=1)
    try:
        assert [shop.check(f"SELECT * FROM shop.{name}").rows for name in ("orders", "products")] == [0, 0]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            psql(url, "INSERT INTO shop.orders VALUES (1)")
    finally:
        shop.close()
        psql(postgres, f"DROP OWNED BY {role}", "DROP SCHEMA shop CASCADE", f"DROP ROLE {role}")


def test_every_message_is_one_that_the_code_says():
    files = [*(ROOT / "src" / "datamart_kedro" / "sources").glob("*.py")]
    files += [ROOT / "src" / "datamart_kedro" / part for part in ("control/probe.py", "datasets/source.py")]
    code = " ".join(re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8")) for file in files)
    parts = [part.strip() for message, _ in table(section("What the messages mean")) for part in message.split("…")]
    assert [part for part in parts if part not in code] == []


def test_a_new_environment_of_files_can_be_planned_and_run(project: Project):
    base, acme = project.folder / "conf" / "base" / "sources", project.folder / "conf" / "acme"
    (acme / "sources").mkdir(parents=True)
    for query in base.iterdir():
        (acme / "sources" / query.name).write_text(query.read_text())
    (acme / "globals.yml").write_text("source: {queries: conf/acme/sources}\n")
    planned = project.cli("kedro", "mart", "plan", "--env", "acme")
    assert planned.stdout.count("does not exist yet") == 4
    project.run(env="acme")
    assert project.query("SELECT count(*) FROM tb_orders") == [(3,)]
