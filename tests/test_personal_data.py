"""Personal data: marked in one place, published as the parameters say, shown to nobody in passing."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from datamart_kedro.cli import cli
from datamart_kedro.control.personal_data import HashKey, hash_pads
from datamart_kedro.engine_messages import without_values
from datamart_kedro.errors import ParameterError, RunError
from datamart_kedro.mart.domains import published_table, source_columns
from datamart_kedro.mart.mart import Mart, MartSettings, close_marts, literal
from datamart_kedro.mart.personal_data import hashing, keyed_hash
from datamart_kedro.pipeline_registry import DOMAINS
from datamart_kedro.pipelines.customers import nodes
from tests.conftest import ROOT
from tests.project import Project, psql
from tests.shop import Rows, customer, item, order

KEY = "a secret of the shop"
OTHER_KEY = "another secret of the shop"
HASHED = {"personal_data": {"publish": "hashed"}}
OMITTED = {"personal_data": {"publish": "omitted"}}


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment."""
    monkeypatch.setenv("DATAMART_HASH_KEY", KEY)
    return KEY


def hmac_of(text: str, key: str = KEY) -> str:
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def hashes(folder: Path, key: bytes, *texts: str | None) -> list[str | None]:
    """What the engine makes of texts."""
    mart = Mart(MartSettings(str(folder / "m.duckdb"), str(folder / "spill"), str(folder)))
    mart.open(write=True)
    try:
        with hashing(mart, hash_pads(key)):
            values = ", ".join(f"({n}, {'NULL' if text is None else literal(text)})" for n, text in enumerate(texts))
            found = mart.execute(f"SELECT {keyed_hash('x')} FROM (VALUES {values}) AS v(n, x) ORDER BY n")
    finally:
        mart.close()
    return [value for (value,) in found]


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        (b"Jefe", "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            b"\xaa" * 131,
            "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
    ids=["a short key", "a key longer than a block"],
)
def test_the_engine_hashes_as_rfc_4231_says(tmp_path: Path, key: bytes, text: str, expected: str):
    assert hashes(tmp_path, key, text) == [expected]


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_the_engine_hashes_as_python_does(tmp_path: Path, length: int):
    key, texts = bytes(range(1, 201))[:length], ["", "ann@example.com", "Zoë 北京 🙂", "it's \\x41", "x" * 1000]
    expected = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in texts]
    assert hashes(tmp_path, key, *texts) == expected


def test_null_stays_null(tmp_path: Path):
    assert hashes(tmp_path, b"key", None) == [None]


def test_hashed_columns_are_published_as_hashes_of_what_would_be_published(project: Project, key: str):
    project.write_source("customers", [customer(email="ANN@Example.com", company="Archer & Co")])
    project.run(params=HASHED)
    (row,) = project.query("SELECT full_name, email, company, phone, is_company, email_domain FROM tb_customers")
    assert row == (
        hmac_of("Ann Archer"), hmac_of("ann@example.com"), hmac_of("Archer & Co"), None, True, "example.com",
    )  # fmt: skip


def test_every_marked_column_is_hashed(project: Project, key: str):
    fill = dict.fromkeys(published_table("customers").personal.columns, "x")
    project.write_source("customers", [customer(**fill)])
    project.write_source("orders", [order(**dict.fromkeys(published_table("orders").personal.columns, "x"))])
    project.run(params=HASHED)
    for domain in ("customers", "orders"):
        columns = published_table(domain).personal_columns
        assert project.query(f"SELECT {', '.join(columns)} FROM tb_{domain}") == [(hmac_of("x"),) * len(columns)]


def test_omitted_columns_are_null_and_stay(published: Project):
    before = published.query("DESCRIBE tb_customers")
    published.run(params=OMITTED)
    assert published.query("SELECT DISTINCT full_name, email, email_domain FROM tb_customers") == [
        (None, None, "example.com")
    ]
    assert published.query("DESCRIBE tb_customers") == before


def test_a_column_can_be_published_in_its_own_way(project: Project, key: str):
    rules = {"publish": "omitted", "columns": {"customers": {"email": "hashed", "full_name": "plain"}}}
    project.write_source("customers", [customer(city="Berlin")])
    project.run(params={"personal_data": rules})
    assert project.query("SELECT full_name, email, city FROM tb_customers") == [
        ("Ann Archer", hmac_of("ann@example.com"), None)
    ]


def test_staged_rows_stay_as_the_shop_has_them(project: Project, key: str):
    project.run(params=HASHED)
    assert project.query("SELECT email FROM tmp_customers ORDER BY email") == [
        ("ann@example.com",),
        ("bob@example.com",),
    ]


def test_nodes_asked_for_by_name_hash_as_well(published: Project, key: str):
    published.run(params=HASHED, node_names=["build_customers", "verify_customers"])
    assert published.query("SELECT min(length(email)), max(length(email)) FROM tb_customers") == [(64, 64)]


def test_without_a_key_nothing_is_read(published: Project):
    published.source("customers").unlink()
    before = published.mart.read_bytes()
    with pytest.raises(ParameterError) as refusal:
        published.run(params={"personal_data": {"columns": {"customers": {"email": "hashed"}}}})
    assert str(refusal.value) == (
        "personal_data wants email of customers to be published hashed, and there is no key.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Set DATAMART_HASH_KEY to a secret text, such as `openssl rand -hex 32` gives, or write"
        " `personal_data: {hash_key: ...}` into conf/local/credentials.yml."
    )
    assert published.mart.read_bytes() == before


def test_a_short_key_is_refused_and_not_shown(published: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATAMART_HASH_KEY", "hunter2")
    with pytest.raises(ParameterError, match="the key is shorter than 16 bytes") as refusal:
        published.run(params=HASHED)
    assert "hunter2" not in str(refusal.value)


def test_the_key_can_stand_in_the_local_credentials(published: Project):
    (published.folder / "conf" / "local" / "credentials.yml").write_text(f"personal_data:\n  hash_key: {KEY}\n")
    published.run(params=HASHED)
    assert published.query("SELECT email FROM tb_customers WHERE customer_id = '1'") == [(hmac_of("ann@example.com"),)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"custmers": {}}, "custmers has no personal data; customers, orders have"),
        ({"orders": {"status": "hashed"}}, "status of orders is not marked; ship_city, ship_region"),
        ({"orders": {"ship_city": "secret"}}, "input should be 'plain', 'hashed' or 'omitted'"),
    ],
    ids=["a domain without", "a column that is not marked", "no such way"],
)
def test_a_wrong_rule_is_refused(published: Project, columns: dict[str, Any], message: str):
    with pytest.raises(ParameterError, match=re.escape(message)):
        published.run(params={"personal_data": {"columns": columns}})


def test_another_key_publishes_anew(project: Project, key: str, monkeypatch: pytest.MonkeyPatch):
    project.run(params=HASHED)
    monkeypatch.setenv("DATAMART_HASH_KEY", OTHER_KEY)
    project.run(params=HASHED)
    assert project.query("SELECT email FROM tb_customers WHERE customer_id = '1'") == [
        (hmac_of("ann@example.com", OTHER_KEY),)
    ]
    assert project.query(
        "SELECT DISTINCT reason FROM tb_control_data_update WHERE domain = 'customers' AND version = 2"
    ) == [("its parameters changed since version 1: personal_data.key",)]


def test_the_same_key_changes_nothing(project: Project, key: str):
    project.run(params=HASHED)
    before = project.content()
    project.run(params=HASHED)
    assert project.content() == before
    assert project.query("SELECT max(version), count(*) FILTER (status = 'skipped') FROM tb_control_data_update") == [
        (1, 4)
    ]


def test_a_change_opens_the_gates_of_domains_with_personal_data(published: Project):
    published.run(params=OMITTED)
    opened = published.query(
        "SELECT domain, status FROM tb_control_data_update WHERE run_id = (SELECT max(run_id) FROM"
        " tb_control_data_update) ORDER BY domain"
    )
    assert opened == [
        ("customers", "published"), ("order_items", "published"), ("orders", "published"), ("products", "skipped"),
    ]  # fmt: skip


def test_the_key_is_written_nowhere(project: Project, key: str):
    project.run(params=HASHED)
    with project.session() as session:
        shown = repr(session.load_context().catalog) + repr(HashKey(KEY))
    places = [project.mart, *project.folder.glob("logs/*")]
    found = [
        place for place in places for secret in [KEY.encode(), *hash_pads(KEY.encode())] if secret in place.read_bytes()
    ]
    assert (found, KEY in shown) == ([], False)


def test_a_run_names_the_history_that_is_as_it_was_before(
    published: Project, key: str, caplog: pytest.LogCaptureFixture
):
    published.run(params={"personal_data": {"columns": {"customers": {"email": "hashed"}}}})
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warnings == [
        "tb_customers_history holds email as published before; `kedro mart prune --keep 0d` removes that history."
    ]
    caplog.clear()
    assert published.cli("kedro", "mart", "prune", "--keep", "0d").returncode == 0
    published.run(params={"personal_data": {"columns": {"customers": {"email": "hashed"}}}, "force": True})
    assert [record for record in caplog.records if record.levelno == logging.WARNING] == []


def test_a_rollback_publishes_no_plain_values_again(published: Project):
    published.run(params=OMITTED)
    done = published.cli("kedro", "mart", "rollback", "1")
    assert done.stderr == (
        "VersionError: tb_customers: version 1 published full_name, company, email, phone, city, region, postal_code in"
        " another way than they are published now (personal_data).\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Set personal_data as it was then and run, before you roll back; or go back to a later version.\n"
    )
    assert published.query("SELECT count(email) FROM tb_customers") == [(0,)]


def test_marked_columns_say_so_in_the_database(published: Project):
    said = published.query(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE comment LIKE '% Personal data.' AND table_name IN"
        " ('tb_customers', 'tb_orders', 'tb_customers_history', 'tb_orders_history', 'tb_products', 'tb_order_items')"
    )
    assert sorted(said) == sorted(
        (f"{published_table(domain).name}{kind}", name)
        for domain in DOMAINS
        for name in published_table(domain).personal_columns
        for kind in ("", "_history")
    )


def test_a_mart_of_before_says_so_after_its_next_publication(published: Project):
    published.execute("COMMENT ON COLUMN tb_customers.email IS 'E-mail address.'")
    published.run(params={"force": True})
    ((said,),) = published.query(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'tb_customers' AND column_name = 'email'"
    )
    assert said == f"{published_table('customers').columns['email']} Personal data."


@pytest.mark.parametrize("domain", DOMAINS)
def test_marks_are_on_columns_that_exist_and_are_no_keys(domain: str):
    table = published_table(domain)
    known = {*table.columns, *source_columns(domain)}
    assert {*table.personal.columns, *filter(None, [table.personal.person])} <= known
    assert set(table.personal.identifying) <= set(table.personal.columns)
    assert set(table.key).isdisjoint(table.personal.columns)


def test_the_documentation_lists_what_is_marked():
    page = (ROOT / "docs" / "personal-data.md").read_text()
    listed = {
        table: re.findall(r"`([a-z_]+)`", columns)
        for table, columns in re.findall(r"^\| `(tb_[a-z_]+)` \| (.*?) \|", page, re.MULTILINE)
    }
    assert listed == {
        published_table(domain).name: published_table(domain).personal_columns
        for domain in DOMAINS
        if published_table(domain).personal_columns
    }


SECRETS: Rows = [
    customer(**{name: f"sentinel {name}" for name in published_table("customers").personal.columns}),
    customer(customer_id="2", full_name="sentinel", email="sentinel@x.yz", created_at="soon", note="sentinel"),
    customer(customer_id="3", first_name="sentinel", last_name="sentinel", email="sentinel", country="Atlantis"),
    customer(customer_id="", full_name="sentinel", phone="sentinel"),
    customer(customer_id="1", full_name="sentinel the younger", updated_at="2024-01-01T00:00:00Z"),
]
PARCELS: Rows = [
    order(ship_city="sentinel", ship_region="sentinel", ship_postal_code="sentinel", status="lost"),
    order(order_id="11", customer_id="77", ship_city="sentinel", delivered_at="2020-01-01"),
    order(order_id="12", ordered_at="soon", ship_city="sentinel", shipping_fee="-1"),
]


@pytest.fixture
def secretive(project: Project) -> Project:
    """A project whose shop has a word that nobody may see in every place for personal data."""
    project.write_source("customers", SECRETS)
    project.write_source("orders", PARCELS)
    project.write_source("order_items", [item(), item(order_id="11")])
    return project


def kept(project: Project) -> str:
    """What the ledger, the contracts and the log keep, in lower case."""
    tables = ("tb_control_data_update", "tb_contract_results", "tmp_tb_control_data_update")
    rows = [project.query(f"SELECT * FROM {table}") for table in tables]
    reasons = project.query("SELECT DISTINCT reasons FROM tb_rejected_rows")
    return f"{rows} {reasons} {(project.folder / 'logs' / 'datamart.log').read_text()}".lower()


def test_a_run_shows_no_personal_data(secretive: Project):
    done = secretive.cli("kedro", "run")
    assert done.returncode == 0, done.stderr
    for said in (
        "created_at is not a date (1)",
        "no map knows the country of 1 rows: 'Atlantis' (1)",
        "delivered_at is not before ordered_at -- 1 row, e.g. order_id=11",
        "customer_id of orders exists in customers -- 1 row, e.g. order_id=11",
    ):
        assert said in done.stdout
    assert "sentinel" not in (done.stdout + done.stderr + kept(secretive)).lower()
    assert len(secretive.query("SELECT 1 FROM tb_rejected_rows WHERE lower(\"row\"::VARCHAR) LIKE '%sentinel%'")) == 3


def test_a_broken_contract_shows_no_personal_data(secretive: Project):
    (secretive.folder / "conf" / "local" / "parameters.yml").write_text(
        "orders:\n  contract:\n    severities:\n      delivered_at is not before ordered_at: error\n"
        "customers:\n  contract:\n    severities:\n      customer_id of orders exists in customers: error\n"
    )
    done = secretive.cli("kedro", "run")
    assert done.returncode == 1
    assert "ContractError: customers: 1 of " in done.stderr
    assert "sentinel" not in (done.stdout + done.stderr + kept(secretive)).lower()


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("CAST(email AS INTEGER)", "Could not convert string (a value) to INT32"),
        ("CAST(full_name AS DATE)", "invalid date field format: (a value), expected format is (YYYY-MM-DD)"),
        ("strptime(full_name, '%d')", "Could not parse string (a value)"),
        ("CAST(email AS STRUCT(a INTEGER))", "with value (a value)"),
    ],
    ids=["number", "date", "format", "struct"],
)
def test_a_query_that_fails_shows_no_personal_data(secretive: Project, expression: str, said: str):
    query = secretive.folder / "conf" / "base" / "sources" / "customers.sql"
    query.write_text(query.read_text().replace("SELECT *", f"SELECT *, {expression} AS code"))
    done = secretive.cli("kedro", "run")
    assert done.returncode == 1
    assert said in done.stderr
    assert "sentinel" not in (done.stdout + done.stderr + kept(secretive)).lower()


def test_a_node_that_fails_shows_no_personal_data(secretive: Project, monkeypatch: pytest.MonkeyPatch):
    add_contact = nodes.add_contact
    monkeypatch.setattr(nodes, "add_contact", lambda t: add_contact(t).mutate(is_company=t.email.cast("int64") > 0))
    with pytest.raises(RunError) as refusal:
        secretive.run("customers", "orders", "order_items", "products")
    assert str(refusal.value).startswith(
        "build_customers failed: Conversion Error: Could not convert string (a value) to INT64"
    )
    close_marts()
    log = kept(secretive)
    assert "conversionexception: conversion error: could not convert string (a value) to int64" in log
    assert "sentinel" not in log


def test_a_malformed_file_shows_no_personal_data(secretive: Project):
    with secretive.source("customers").open("a") as stream:
        stream.write('9,"sentinel\nsentinel,sentinel\n')
    done = secretive.cli("kedro", "run", "--pipelines=customers")
    assert done.returncode == 1
    assert "SourceError: customers: data/01_raw/customers.csv cannot be read" in done.stderr
    assert "sentinel" not in (done.stdout + done.stderr + kept(secretive)).lower()


def test_a_server_that_refuses_a_value_shows_no_personal_data(
    secretive: Project, postgres: str, monkeypatch: pytest.MonkeyPatch
):
    psql(postgres, "CREATE TABLE customers AS SELECT '1' AS customer_id, 'sentinel' AS full_name")
    monkeypatch.setenv("DATAMART_SHOP_URL", postgres)
    query = secretive.folder / "conf" / "postgres" / "sources" / "customers.sql"
    query.write_text("SELECT customer_id, full_name::integer AS full_name FROM customers")
    done = secretive.cli("kedro", "run", "--env=postgres", "--pipelines=customers")
    assert done.returncode == 1
    assert "invalid input syntax for type integer: (a value)" in done.stderr
    assert "sentinel" not in (done.stdout + done.stderr + kept(secretive)).lower()


def test_commands_show_no_personal_data(secretive: Project):
    secretive.run()
    secretive.write_source("customers", [row | {"full_name": "sentinel the second"} for row in SECRETS])
    secretive.run()
    close_marts()
    shown = {
        command: CliRunner().invoke(cli, ["mart", *command.split()])
        for command in ("rejected", "status", "history", "versions --json", "diff 1 2", "diff 1 2 --json")
    }
    close_marts()
    assert [command for command, done in shown.items() if done.exit_code or "sentinel" in done.output.lower()] == []
    assert "tb_customers 1: full_name (personal data) -> (personal data)" in shown["diff 1 2"].output.splitlines()


def test_a_difference_shows_personal_data_if_asked_to(secretive: Project):
    secretive.run()
    secretive.write_source("customers", [row | {"full_name": "sentinel the second"} for row in SECRETS])
    secretive.run()
    close_marts()
    done = CliRunner().invoke(cli, ["mart", "diff", "1", "2", "--show-personal"])
    close_marts()
    assert "tb_customers 1: full_name sentinel full_name -> sentinel the second" in done.output.splitlines()


def test_previews_in_kedro_viz_show_no_personal_data(secretive: Project):
    secretive.run()
    names = [
        f"{layer}_{domain}{kind}"
        for domain in ("customers", "orders")
        for layer, kind in (("tb", ""), ("tb", "_history"), ("tmp", ""), ("tmp", "_rejected"), ("tmp", "_duplicates"))
    ]
    with secretive.session() as session:
        catalog = session.load_context().catalog
        previews = {name: catalog.get(name).preview() for name in [*names, "tb_rejected_rows"]}
    close_marts()
    assert [name for name, preview in previews.items() if "sentinel" in str(preview).lower()] == []
    rows = [dict(zip(p["columns"], row, strict=True)) for p in [previews["tb_customers"]] for row in p["data"]]
    assert [(row["full_name"], row["email"], row["country_code"]) for row in rows if row["customer_id"] == "1"] == [
        ("(personal data)", "(personal data)", "DE")
    ]
    assert {row["phone"] for row in rows} == {"(personal data)", None}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Could not convert string 'it's me' to INT32", "Could not convert string (a value) to INT32"),
        ("Could not convert string 'the first line", "Could not convert string (a value)"),
        ('Duplicate key "email: ann@x.yz" violates primary key', "Duplicate key (a value) violates primary key"),
        ("Type INT32 with value 1000 can't be cast", "Type INT32 with value (a value) can't be cast"),
        ("DETAIL:  Key (email)=(ann@x.yz) already exists.", "DETAIL:  Key (email)=(a value) already exists."),
        ("Failing row contains (1, ann@x.yz).", "Failing row contains (a value)"),
        ('COPY t, line 1, column email: "ann"', "COPY t, line 1, column email: (a value)"),
        ("Original Line: 1,ann", "Original Line: (a value)"),
        ('Table with name "nosuch" does not exist!', 'Table with name "nosuch" does not exist!'),
        ('column "emial" does not exist', 'column "emial" does not exist'),
    ],
    ids=str,
)
def test_values_are_taken_out_of_messages_and_names_stay(message: str, expected: str):
    assert without_values(message) == expected
