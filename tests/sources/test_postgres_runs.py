"""Runs of the mart on a shop in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import make_url

from datamart_kedro.errors import SourceError
from datamart_kedro.mart.mart import close_marts
from tests.project import Project, psql
from tests.shop import SHOP

TYPES = {
    "quantity": "numeric(12, 3)",
    "unit_price": "numeric(12, 2)",
    "unit_cost": "numeric(12, 2)",
    "stock_quantity": "integer",
    "reorder_level": "integer",
    "line_number": "integer",
    "customer_id": "bigint",
    "order_id": "bigint",
    "ordered_at": "timestamp",
    "created_at": "date",
    "updated_at": "timestamptz",
}
"""Types of the columns of the tiny shop that are not text."""


@pytest.fixture
def shop_url(project: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of the tiny shop in PostgreSQL, which the environment `postgres` reads; without a replica."""
    psql(postgres, "DROP SCHEMA IF EXISTS shop CASCADE", "CREATE SCHEMA shop", "SET TimeZone = 'UTC'")
    for domain, rows in SHOP.items():
        columns = list(rows[0])
        typed = ", ".join(f"{name} {TYPES.get(name, 'text')}" for name in columns)
        values = ", ".join("(" + ", ".join(f"'{row[name]}'" for name in columns) + ")" for row in rows)
        psql(postgres, f"CREATE TABLE shop.{domain} ({typed})", f"INSERT INTO shop.{domain} VALUES {values}")
    settings = project.folder / "conf" / "postgres" / "globals.yml"
    settings.write_text(settings.read_text().replace("enabled: true", "enabled: false"))
    monkeypatch.setenv("DATAMART_SHOP_URL", postgres)
    return postgres


PUBLISHED = {
    "tb_customers": "customer_id",
    "tb_products": "product_id",
    "tb_orders": "order_id",
    "tb_order_items": "order_id, line_number",
}


def published(project: Project) -> dict[str, list[tuple[object, ...]]]:
    """Rows of the published tables as text, without their version."""
    return {
        table: project.query(
            f"SELECT CAST(COLUMNS(* EXCLUDE (_version, _valid_from)) AS VARCHAR) FROM {table} ORDER BY {key}"
        )
        for table, key in PUBLISHED.items()
    }


def test_the_same_shop_gives_the_same_mart_from_files_and_from_postgresql(project: Project, shop_url: str):
    project.run()
    from_files = published(project)
    close_marts()
    project.mart.unlink()
    project.run(env="postgres")
    assert published(project) == from_files


def test_a_run_without_new_data_reads_nothing(project: Project, shop_url: str):
    project.run(env="postgres")
    project.run(env="postgres")
    assert project.query(
        "SELECT DISTINCT status, reason FROM tb_control_data_update WHERE run_id = (SELECT max(run_id) FROM"
        " tb_control_data_update)"
    ) == [("skipped", "nothing new since version 1")]


def test_a_run_does_not_see_the_shop_as_a_notebook_saw_it_before(project: Project, shop_url: str):
    with project.session(env="postgres") as session:
        session.load_context().catalog.load("probe_products").state()
    psql(shop_url, "INSERT INTO shop.products (product_id) VALUES ('C')")
    project.run("products", env="postgres")
    assert project.query("SELECT count(*) FROM tb_products") == [(3,)]


def test_rejected_rows_with_instants_can_be_previewed(project: Project, shop_url: str):
    psql(shop_url, "UPDATE shop.products SET unit_price = -1 WHERE product_id = 'A'")
    project.run("products", env="postgres")
    with project.session(env="postgres") as session:
        shown = session.load_context().catalog.get("tmp_products_rejected").preview()
    row = dict(zip(shown["columns"], shown["data"][0], strict=True))
    assert row["reasons"] == "unit_price is negative"
    assert "'updated_at': '2025-01-01 00:00:00+00'" in row["came"]


def test_the_reason_names_the_newest_change(project: Project, shop_url: str):
    project.run(env="postgres")
    psql(
        shop_url, "UPDATE shop.products SET unit_price = 12, updated_at = '2025-06-01 02:00+02' WHERE product_id = 'A'"
    )
    project.run(env="postgres")
    assert project.query(
        "SELECT reason, watermark_from, watermark_to FROM tb_control_data_update WHERE domain = 'products'"
        " ORDER BY run_id DESC LIMIT 1"
    ) == [("new data: newest change 2025-06-01 00:00:00", datetime(2025, 1, 1), datetime(2025, 6, 1))]


def test_a_naive_clock_is_read_in_the_zone_of_the_shop(project: Project, shop_url: str):
    psql(shop_url, "ALTER TABLE shop.customers ALTER updated_at TYPE timestamp USING timestamp '2025-06-01 12:00'")
    (project.folder / "conf" / "postgres" / "parameters_formats.yml").write_text("formats: {time_zone: Europe/Paris}\n")
    project.run(env="postgres")
    noon_in_utc = datetime(2025, 6, 1, 10)
    assert project.query(
        "SELECT source_newest_updated_at, watermark_to FROM tmp_tb_control_data_update"
        " JOIN tb_control_data_update USING (domain) WHERE domain = 'customers'"
    ) == [(noon_in_utc, noon_in_utc)]


def test_a_missing_required_column_stops_the_run_before_anything_is_read(project: Project, shop_url: str):
    psql(shop_url, "ALTER TABLE shop.order_items RENAME quantity TO amount")
    with pytest.raises(SourceError) as refusal:
        project.run(env="postgres")
    database = make_url(shop_url).database
    assert f"order_items: database {database} at " in refusal.value.happened
    assert refusal.value.happened.endswith(
        " gives no column quantity; it gives order_id, line_number, product_id, amount, unit_price, updated_at."
    )
    assert refusal.value.next_step == (
        f"Give the shop's column that name in {project.folder}/conf/postgres/sources/order_items.sql:"
        " SELECT its_name AS quantity."
    )
    assert project.query("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'tmp_orders%'") == []


def test_a_column_of_an_impossible_type_stops_the_run(project: Project, shop_url: str):
    psql(shop_url, "ALTER TABLE shop.orders ALTER status TYPE text[] USING ARRAY[status]")
    with pytest.raises(SourceError) as refusal:
        project.run(env="postgres")
    assert refusal.value.happened.endswith(" gives status as VARCHAR[], which cannot be a text.")
    assert refusal.value.next_step == f"Cast it in {project.folder}/conf/postgres/sources/orders.sql."


def test_a_wrong_password_is_written_nowhere(project: Project, guarded_server: str):
    url = make_url(guarded_server).set(password="tunafish").render_as_string(hide_password=False)
    process = project.cli("kedro", "run", "--env", "postgres", DATAMART_SHOP_URL=url)
    place = f"database shop at {make_url(guarded_server).query['host']}"
    assert (process.returncode, process.stderr) == (
        1,
        f'SourceError: customers: {place} cannot be reached: the password of "ann" was refused.\n'
        "  Nothing was published, the mart is as it was.\n"
        "  Correct DATAMART_SHOP_URL, or `shop: {url: ...}` in conf/local/credentials.yml."
        f" Query: {project.folder}/conf/postgres/sources/customers.sql\n",
    )
    log = (project.folder / "logs" / "datamart.log").read_text(encoding="utf-8")
    assert "was refused" in log
    ledger = project.query("SELECT string_agg(coalesce(error, ''), ' ') FROM tb_control_data_update")
    assert "tunafish" not in f"{process.stdout} {process.stderr} {log} {ledger} {project.mart.read_bytes()!r}"


def test_no_address_is_told_where_to_write_one(project: Project):
    with pytest.raises(SourceError) as refusal:
        project.run(env="postgres")
    assert refusal.value.happened == "The address of the shop's PostgreSQL is not known."
    assert refusal.value.next_step == (
        "Set DATAMART_SHOP_URL, such as postgresql://reader:password@host:5432/shop, or write"
        " `shop: {url: ...}` into conf/local/credentials.yml."
    )


def test_an_address_in_local_credentials_holds_in_every_environment(project: Project, shop_url: str, monkeypatch):
    monkeypatch.delenv("DATAMART_SHOP_URL")
    local = project.folder / "conf" / "local"
    local.mkdir(exist_ok=True)
    (local / "credentials.yml").write_text(f'shop: {{url: "{shop_url}"}}\n')
    project.run("products", env="postgres")
    assert project.query("SELECT count(*) FROM tb_products") == [(2,)]
