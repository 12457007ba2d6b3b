"""Whole runs from an API: the same mart as from files, and the old one when the API fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import close_marts
from datamart_kedro.sample.api import SampleApi, json_of
from datamart_kedro.sample.folder import write_folder
from datamart_kedro.sample.settings import SampleShop
from datamart_kedro.sample.tables import TABLES as COLUMNS
from tests.conftest import ROOT
from tests.project import Project
from tests.sources.faulty_api import FaultyApi, nothing, serving, status
from tests.test_start_up import RUN

pytestmark = pytest.mark.usefixtures("impatient")

TABLES = ("tb_customers", "tb_products", "tb_orders", "tb_order_items")
SHOP = SampleShop(seed=8, customers=400, first_day=date(2025, 1, 1), day=date(2025, 3, 1), dirt=0.05)
PAGE = (ROOT / "docs" / "rest-sources.md").read_text()


@contextmanager
def sample_api(project: Project) -> Iterator[SampleApi]:
    """The files of a project, served as an API that its environment `api` reads."""
    with SampleApi(project.source("orders").parent, 0, "sample") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        set_address(project, server.url)
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def set_address(project: Project, url: str) -> None:
    settings = project.folder / "conf" / "api" / "globals.yml"
    settings.write_text(settings.read_text().replace("http://127.0.0.1:8765", url))


def published(project: Project, mart: str) -> dict[str, list[tuple[Any, ...]]]:
    """Rows of each published table, without the stamps of the run, and what became of the source's rows at first."""
    path = project.folder / "data" / mart
    counts = "SELECT domain, rows_read, rows_staged, rows_rejected, rows_superseded FROM tb_control_data_update"
    return {
        **{
            table: query(path, f"SELECT * EXCLUDE (_version, _valid_from) FROM {table} ORDER BY ALL")
            for table in TABLES
        },
        "counts": query(path, f"{counts} WHERE version = 1 ORDER BY ALL"),
    }


def query(mart: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(mart, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_shop_from_its_api_is_the_shop_from_its_files(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_SHOP_TOKEN", "sample")
    folder = project.source("orders").parent
    write_folder(folder, SHOP)
    with sample_api(project):
        for shop in (SHOP, SHOP.advanced(14)):
            write_folder(folder, shop)
            project.run()
            project.run(env="api")
            from_files, from_api = published(project, "datamart.duckdb"), published(project, "api.duckdb")
            assert {table: len(rows) for table, rows in from_files.items()} == {
                table: len(rows) for table, rows in from_api.items()
            }
            assert from_api == from_files
        (versions,) = query(project.folder / "data" / "api.duckdb", "SELECT max(version) FROM tb_control_data_update")
        assert versions == (2,)
        project.run(env="api")
    ledger = "SELECT domain FROM tb_control_data_update WHERE reason = 'nothing new since version 2' ORDER BY ALL"
    skipped = query(project.folder / "data" / "api.duckdb", ledger)
    assert [domain for (domain,) in skipped] == ["customers", "order_items", "orders", "products"]


def test_erasing_a_customer_removes_the_answers_that_were_kept(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_SHOP_TOKEN", "sample")
    write_folder(project.source("orders").parent, SHOP)
    mart, kept = project.folder / "data" / "api.duckdb", project.folder / "data" / "api_pages"
    with sample_api(project):
        project.run(env="api")
        ((person, email),) = query(mart, "SELECT customer_id, email FROM tb_customers WHERE is_email_valid LIMIT 1")
        assert [file for file in kept.rglob("*") if file.is_file()]
        close_marts()
        forget = ["mart", "forget", "--env", "api", "--customer-id", person, "--yes"]
        erased = CliRunner().invoke(cli, forget)
        assert "what was kept of the shop's answers is gone" in erased.output
        assert not kept.exists()
        project.run(env="api")
    customers = query(mart, f"SELECT count(*), count(*) FILTER (email = '{email}') FROM tb_customers")
    assert customers == [(len(query(mart, "SELECT DISTINCT customer_id FROM tb_customers")), 0)]
    assert query(mart, f"SELECT 1 FROM tb_customers WHERE customer_id = '{person}'") == []


def test_a_stranger_starts_with_the_page(project: Project):
    serve, run = re.findall(r"```console\n(.*?)\n```", PAGE)
    write_folder(project.source("orders").parent, SHOP)
    folder = Path(sys.executable).parent
    program, *arguments = serve.split()
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [folder / program, *arguments, "--port", "0"],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        try:
            told = server.stdout.readline()
            set_address(project, re.findall(r"http://\S+", told)[0])
            assert server.stdout.readline().strip() == run
            token, *command = run.split()
            ended = project.cli(*command, **dict([token.split("=")]))
        finally:
            server.terminate()
    assert "Version 1 is published" in ended.stdout
    assert ended.returncode == 0


def settings_of_the_page(url: str) -> str:
    """The configuration that the page shows, at another address."""
    (text,) = re.findall(r"```yaml\n# conf/acme/globals.yml\n(.*?)```", PAGE, flags=re.DOTALL)
    return str(text).replace("https://api.acme.example/v2", url).replace("authentication: bearer", "") + (
        "mart:\n  path: ${project:data/acme.duckdb}\n  temp_folder: ${project:data/tmp/acme}\n  readable_copy: null\n"
    )


def acme(project: Project, url: str) -> Path:
    """The environment that the page describes, with its queries; gives the path of its mart."""
    folder = project.folder / "conf" / "acme"
    (folder / "sources").mkdir(parents=True)
    (folder / "globals.yml").write_text(settings_of_the_page(url))
    for name, sql in re.findall(r"```sql\n-- conf/acme/sources/(\w+)\.sql\n(.*?)```", PAGE, flags=re.DOTALL):
        (folder / "sources" / f"{name}.sql").write_text(sql)
    (folder / "sources" / "products.sql").write_text("SELECT sku AS product_id, name FROM products")
    return project.folder / "data" / "acme.duckdb"


ORDERS = [
    {
        "id": 10,
        "customer": {"id": 1},
        "status": "shipped",
        "placed_at": "2025-02-03T10:00:00Z",
        "ship_to": {"country": "DE"},
        "updated_at": "2025-02-03T10:00:00Z",
        "lines": [
            {"sku": "A", "quantity": 2, "price": {"amount": 10.10}},
            {"sku": "B", "quantity": 1, "price": {"amount": "5.05"}},
        ],
    },
    {"id": 11, "customer": {"id": 1}, "status": "shipped", "placed_at": "2025-02-04T10:00:00Z", "lines": []},
]
CUSTOMERS = [
    {
        "id": 1,
        "name": "Ann",
        "email": "ann@example.com",
        "address": {"country": "DE"},
        "created_at": "2025-01-01",
        "updated_at": "2025-01-01T00:00:00Z",
    }
]
PRODUCTS = [{"sku": "A", "name": "Lamp"}, {"sku": "B", "name": "Novel"}]


@contextmanager
def acme_api() -> Iterator[FaultyApi]:
    """An API whose orders hold their lines, and lie two levels deep; products are the answer itself."""
    with serving(customers=CUSTOMERS, orders=ORDERS, products=PRODUCTS) as api:
        api.shapes["orders"] = lambda told: {
            "data": {"orders": told["data"]},
            "meta": {"next_cursor": told.get("next"), "total": told["meta"]["total"]},
        }
        api.shapes["products"] = lambda told: told["data"]
        yield api


def test_the_queries_of_the_page_read_nested_objects_and_lists(project: Project):
    with acme_api() as api:
        mart = acme(project, api.url)
        project.run(env="acme")
    items = query(mart, "SELECT order_id, line_number, product_id, net_amount FROM tb_order_items ORDER BY ALL")
    assert items == [("10", 1, "A", Decimal("20.20")), ("10", 2, "B", Decimal("5.05"))]
    orders = query(mart, "SELECT order_id, customer_id, net_amount, ship_country_code FROM tb_orders ORDER BY ALL")
    assert orders == [("10", "1", Decimal("25.25"), "DE"), ("11", "1", Decimal("0.00"), None)]
    assert query(mart, "SELECT customer_id, country_code, orders_count FROM tb_customers") == [("1", "DE", 2)]


def test_an_api_that_fails_leaves_the_mart_as_it_was(project: Project):
    with acme_api() as api:
        mart = acme(project, api.url)
        project.run(env="acme")
        before = {table: query(mart, f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES}
        api.lists["customers"].append(CUSTOMERS[0] | {"id": 2})
        api.faults += [nothing, *[status(500)] * 10]
        with pytest.raises(SourceError) as caught:
            project.run(env="acme")
        assert {table: query(mart, f"SELECT * FROM {table} ORDER BY ALL") for table in TABLES} == before
        api.faults.clear()
        project.run(env="acme")
    assert str(caught.value).replace(str(project.folder), ".") == (
        f"order_items: {api.url}/orders answers 500 Internal Server Error (tried 4 times).\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Run again later; if it goes on, ask whoever runs the API. Query: ./conf/acme/sources/order_items.sql"
    )
    assert query(mart, "SELECT count(*) FROM tb_customers") == [(2,)]


def test_only_what_changed_is_staged_where_the_query_gives_an_instant(project: Project):
    """Of ten customers one changes and one goes: one row is read, one is updated, and one deleted."""
    days = {number: f"2025-01-{number:02}T00:00:00Z" for number in range(1, 12)}
    customers = [CUSTOMERS[0] | {"id": number, "updated_at": days[number]} for number in range(1, 11)]
    with acme_api() as api:
        api.lists["customers"] = customers
        mart = acme(project, api.url)
        sql = project.folder / "conf" / "acme" / "sources" / "customers.sql"
        sql.write_text(sql.read_text().replace("    updated_at\n", "    updated_at::TIMESTAMPTZ AS updated_at\n"))
        project.run(env="acme")
        api.lists["customers"] = [*customers[1:9], customers[9] | {"name": "Zoe", "updated_at": days[11]}]
        project.run(env="acme", params={"refresh": {"overlap_minutes": 0, "full_from_share": 1.0}})
    counts = "SELECT rows_read, rows_updated, rows_deleted FROM tb_control_data_update"
    assert query(mart, f"{counts} WHERE domain = 'customers' AND version = 2") == [(1, 1, 1)]
    found = query(mart, "SELECT customer_id, full_name FROM tb_customers ORDER BY customer_id::int")
    assert found == [(str(number), "Ann") for number in range(2, 10)] + [("10", "Zoe")]


def test_a_run_without_new_data_imports_no_library_of_tables(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_SHOP_TOKEN", "sample")
    write_folder(project.source("orders").parent, SHOP)
    code = RUN.replace('"kedro", "run"', '"kedro", "run", "--env", "api"')
    with sample_api(project):
        project.run(env="api")
        close_marts()
        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True, check=True
        )
    modules = set(ended.stdout.splitlines()[-1].split())
    assert {"pandas", "numpy", "pyarrow", "sqlalchemy", "ibis.backends.duckdb", "psycopg2"} & modules == set()
    assert "urllib3" in modules


def test_no_secret_is_in_the_ledger_or_the_log_file(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_SHOP_TOKEN", "s3cr3t-t0ken")
    with acme_api() as api:
        mart = acme(project, api.url)
        settings = project.folder / "conf" / "acme" / "globals.yml"
        way = "  api:\n    authentication: query\n    name: api_key\n"
        settings.write_text(settings.read_text().replace("  api:\n", way))
        project.run(env="acme")
        api.faults += [status(404)]
        with pytest.raises(SourceError):
            project.run(env="acme")
    assert {asked.params.get("api_key") for asked in api.asked} == {"s3cr3t-t0ken"}
    ledger = str(query(mart, "SELECT * FROM tb_control_data_update"))
    assert "answers 404 Not Found" in ledger
    assert "s3cr3t" not in ledger + (project.folder / "logs" / "datamart.log").read_text()


def test_a_missing_token_is_asked_for(project: Project):
    write_folder(project.source("orders").parent, SHOP)
    with sample_api(project), pytest.raises(SourceError) as caught:
        project.run(env="api")
    assert str(caught.value) == (
        "The token for the shop's API is not known.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Set DATAMART_SHOP_TOKEN, or `shop: {token: ...}` in conf/local/credentials.yml."
    )


def test_the_plan_of_a_run_changes_nothing(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_SHOP_TOKEN", "sample")
    write_folder(project.source("orders").parent, SHOP)
    with sample_api(project):
        ended = project.cli("kedro", "mart", "plan", "--env", "api")
    assert sorted(line.split()[:2] for line in ended.stdout.splitlines()[-4:]) == [
        ["customers", "load"],
        ["order_items", "load"],
        ["orders", "load"],
        ["products", "load"],
    ]
    assert not (project.folder / "data" / "api.duckdb").exists()


def order(**values: str | None) -> dict[str, str | None]:
    return dict.fromkeys(COLUMNS["orders"]) | values


def test_the_sample_gives_numbers_as_they_are_written_and_addresses_as_objects():
    text = json_of("orders", order(order_id="7", shipping_fee="4.90", ship_city="Belém", status="1"))
    assert '"order_id":7,' in text
    assert '"shipping_fee":4.90,' in text
    assert '"status":"1"' in text
    assert json.loads(text)["ship_to"] == {"city": "Belém", "region": None, "postal_code": None, "country": None}


@pytest.mark.parametrize("fee", ["free", "007", "1,5", "", None])
def test_the_sample_gives_what_is_no_number_as_a_text(fee: str | None):
    assert json.loads(json_of("orders", order(shipping_fee=fee)))["shipping_fee"] == fee
