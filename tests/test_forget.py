"""Forgetting: a customer is erased from the whole mart, provably, and does not come back."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from kedro.framework.startup import bootstrap_project

from datamart_kedro.cli import cli
from datamart_kedro.mart import forget as module
from datamart_kedro.mart.domains import published_tables
from datamart_kedro.mart.forget import forget
from datamart_kedro.mart.forgotten import without_forgotten
from datamart_kedro.mart.mart import Mart, MartSettings, close_marts
from tests.conftest import copy_of_project
from tests.project import Project, psql
from tests.shop import SHOP, Rows, customer, item, order

ANN = "1"
CUSTOMERS: Rows = [
    customer(
        customer_id=ANN,
        email="ann.new@example.com",
        phone="+49 30 1234567",
        city="Berlin",
        postal_code="10115",
        updated_at="2025-06-01T00:00:00Z",
    ),
    customer(customer_id=ANN),
    customer(customer_id=f" {ANN} ", email="Ann@Work.example", phone="0170 7654321", created_at="soon"),
    customer(customer_id="", full_name="A. Archer", email="ANN.NEW@example.com"),
    customer(customer_id="2", full_name="Bob Baker", email="bob@example.com", city="Berlin"),
    customer(customer_id="3", full_name="Ann Archer", email="joann@example.com"),
]
"""Ann as she is, as she was, twice as she cannot be read; Bob, who lives where she lives, and another Ann Archer."""

ORDERS: Rows = [
    order(customer_id=ANN, ship_city="Berlin", ship_postal_code="10115"),
    order(customer_id=ANN, order_id="11", status="cancelled"),
    order(customer_id=ANN, order_id="12", status="cancelled"),
    order(order_id="15", customer_id="2", ship_city="Berlin"),
    order(order_id="16", customer_id=ANN, ordered_at="soon", ship_city="Berlin-Mitte", shipping_fee="4"),
]
TRACES = (
    r"(?<!jo)ann@example\.com",
    r"ann\.new@",
    r"ann@work",
    r"1234567",
    r"7654321",
    r"a\. archer",
    r"berlin-mitte",
    r"10115",
)
"""What tells of her, as a pattern in lower case."""


@pytest.fixture(scope="module")
def mart_that_knows_ann(mart_of_the_tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mart file at version 2, with Ann in every kind of table."""
    made = copy_of_project(tmp_path_factory.mktemp("knows") / "project")
    made.mart.parent.mkdir(exist_ok=True)
    shutil.copy(mart_of_the_tiny_shop, made.mart)
    write_shop(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        bootstrap_project(made.folder)
        made.run()
        close_marts()
    return made.mart


@pytest.fixture
def knows(project: Project, mart_that_knows_ann: Path) -> Project:
    """A project whose mart and whose shop know Ann."""
    write_shop(project)
    project.mart.parent.mkdir(exist_ok=True)
    shutil.copy(mart_that_knows_ann, project.mart)
    return project


def write_shop(project: Project) -> None:
    project.write_source("customers", CUSTOMERS)
    project.write_source("orders", ORDERS)
    project.write_source("order_items", [*SHOP["order_items"], item(order_id="15")])


def mart_forget(person: str = ANN, *options: str, answer: str = "") -> Result:
    """Run the command in this process."""
    done = CliRunner().invoke(cli, ["mart", "forget", "--customer-id", person, *options], input=answer)
    close_marts()
    return done


def erase(person: str = ANN) -> str:
    done = mart_forget(person, "--yes")
    assert done.exit_code == 0, done.output
    return done.output


def everything(project: Project) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the mart file, as text in lower case."""
    tables = project.query("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL")
    return {
        table: [tuple(str(value).lower() for value in row) for row in project.query(f'SELECT * FROM "{s}"."{table}"')]
        for s, table in tables
    }


def traces(project: Project) -> dict[str, list[str]]:
    """The patterns that are found, by table."""
    texts = {table: str(rows) for table, rows in everything(project).items()}
    found = {table: [pattern for pattern in TRACES if re.search(pattern, text)] for table, text in texts.items()}
    return {table: patterns for table, patterns in found.items() if patterns}


def test_the_command_shows_what_goes_and_proves_that_it_went(knows: Project):
    table, proof = erase().split("Searched ")
    assert [line.split() for line in table.splitlines()] == [
        ["table", "rows", "erased", "rows", "changed"],
        ["tb_customers", "1", "0"],
        ["tb_customers_history", "1", "0"],
        ["tb_orders", "0", "3"],
        ["tb_orders_history", "0", "2"],
        ["tb_rejected_rows", "0", "3"],
        ["tmp_customers", "1", "0"],
        ["tmp_customers_duplicates", "1", "0"],
        ["tmp_customers_rejected", "0", "2"],
        ["tmp_orders", "0", "3"],
        ["tmp_orders_rejected", "0", "1"],
    ]
    assert re.fullmatch(
        r"\d+ columns of the mart for the id and 5 values: 0 rows found\.\n"
        r"1 more are also those of other customers, and stay in their rows\.\n"
        r"The mart file was written anew, without free blocks\. The customer is not taken in again\.\n",
        proof,
    )


def test_no_table_holds_anything_of_the_person(knows: Project):
    assert len(traces(knows)) == 8
    erase()
    assert traces(knows) == {}
    ids = [
        (table, column)
        for table, column in knows.query("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal")
        if column == "customer_id" and knows.query(f"SELECT 1 FROM {table} WHERE customer_id = '{ANN}'")
    ]
    assert ids == []


def test_no_byte_of_the_file_tells_of_the_person(knows: Project):
    words = [b"ann.new@example.com", b"Ann@Work.example", b"+49 30 1234567", b"Berlin-Mitte"]

    def written() -> list[bytes]:
        files = [path.read_bytes() for path in knows.mart.parent.glob("*") if path.is_file()]
        return [word for word in words if any(word in file for file in files)]

    assert written() == words
    erase()
    assert written() == []
    assert [path.name for path in knows.mart.parent.glob("datamart*")] == ["datamart.duckdb"]


def test_the_copy_for_readers_forgets_at_once(knows: Project):
    copy = knows.mart.with_name("published.duckdb")
    knows.run()
    close_marts()
    assert b"ann.new@example.com" in copy.read_bytes()
    erase()
    assert [word for word in (b"ann.new@example.com", b"+49 30 1234567") if word in copy.read_bytes()] == []
    with duckdb.connect(copy, read_only=True) as reader:
        assert reader.execute("SELECT customer_id FROM tb_customers ORDER BY ALL").fetchall() == [("2",), ("3",)]
        assert reader.execute("SELECT count(*) FROM tb_orders_history WHERE customer_id = '1'").fetchall() == [(0,)]
        assert reader.execute("SELECT count(*) FROM tb_control_forgotten").fetchall() == [(1,)]


def test_what_comes_of_a_forgotten_person_again_and_again_is_kept_once(knows: Project):
    erase()
    for _ in range(2):
        knows.run(params={"force": True})
    assert knows.query("SELECT count(*) FROM tb_rejected_rows WHERE reasons = 'customer was forgotten'") == [(3,)]


def test_others_keep_what_they_have_in_common_with_the_person(knows: Project):
    erase()
    assert knows.query("SELECT customer_id, full_name, email, city FROM tb_customers ORDER BY ALL") == [
        ("2", "Bob Baker", "bob@example.com", "Berlin"),
        ("3", "Ann Archer", "joann@example.com", None),
    ]
    assert knows.query("SELECT customer_id, ship_city FROM tb_orders WHERE order_id = '15'") == [("2", "Berlin")]


def test_an_address_that_two_customers_share_stays_with_the_other(knows: Project):
    knows.execute("UPDATE tb_customers SET email = 'ann.new@example.com' WHERE customer_id = '2'")
    assert "2 more are also those of other customers" in erase()
    assert knows.query("SELECT email FROM tb_customers WHERE customer_id = '2'") == [("ann.new@example.com",)]


def test_no_figure_changes(knows: Project):
    figures = (
        "SELECT date_trunc('month', ordered_at), currency, ship_country_code, count(*), sum(net_amount),"
        " sum(tax_amount), sum(shipping_fee), sum(total_amount), sum(units_count) FROM tb_orders GROUP BY ALL"
    )
    before = knows.query(figures), knows.query("SELECT * FROM tb_order_items ORDER BY ALL")
    erase()
    assert (knows.query(figures), knows.query("SELECT * FROM tb_order_items ORDER BY ALL")) == before
    knows.run(params={"force": True})
    assert (knows.query(figures), knows.query("SELECT * FROM tb_order_items ORDER BY ALL")) == before


def test_orders_stay_without_the_person(knows: Project):
    erase()
    assert knows.query(
        "SELECT order_id, customer_id, ship_city, ship_postal_code, ship_country_code, net_amount FROM tb_orders"
        " WHERE order_id IN ('10', '11') ORDER BY ALL"
    ) == [("10", None, None, None, "DE", Decimal(25)), ("11", None, None, None, "DE", Decimal(20))]


def test_rejected_rows_stay_with_their_reasons_and_without_the_person(knows: Project):
    erase()
    assert knows.query('SELECT domain, reasons, "row"::VARCHAR FROM tb_rejected_rows ORDER BY ALL') == [
        ("customers", "created_at is not a date", None),
        ("customers", "customer_id is missing", None),
        (
            "orders",
            "ordered_at is not a date",
            knows.query(
                """SELECT json_object('approved_at', NULL, 'currency', NULL, 'deleted_at', NULL, 'delivered_at', NULL,
                'failure_reason', NULL, 'order_id', '16', 'ordered_at', 'soon', 'payment_status', NULL, 'promised_at',
                NULL, 'ship_country', 'DE', 'shipped_at', NULL, 'shipping_fee', '4', 'shipping_method', NULL,
                'status', 'shipped', 'updated_at', '2025-02-03T10:00:00Z')::VARCHAR"""
            )[0][0],
        ),
    ]


def test_the_gates_stay_closed_afterwards(knows: Project):
    erase()
    before = knows.content()
    knows.run()
    assert knows.content() == before
    assert knows.query(
        "SELECT DISTINCT status FROM tb_control_data_update"
        " WHERE started_at = (SELECT max(started_at) FROM tb_control_data_update)"
    ) == [("skipped",)]


def test_the_person_does_not_come_back(knows: Project):
    erase()
    later = order(order_id="17", customer_id=ANN, ship_city="Berlin-Mitte", ordered_at="2025-07-01 10:00:00")
    knows.write_source("orders", [*ORDERS, later])
    knows.write_source("customers", [*CUSTOMERS, customer(customer_id=f"{ANN}\t", email="ann.new@example.com")])
    knows.run()
    anonymous = traces(knows)
    assert anonymous == {
        "tmp_customers_rejected": [r"ann\.new@", r"a\. archer"],
        "tb_rejected_rows": [r"ann\.new@", r"a\. archer"],
    }, "only the row without an id, which nobody can tell to be hers"
    assert knows.query("SELECT customer_id, ship_city FROM tb_orders WHERE order_id = '17'") == [(None, None)]
    assert knows.query(
        "SELECT rows_read, rows_staged, rows_rejected, rows_superseded FROM tb_control_data_update"
        " WHERE domain = 'customers' AND rows_read > 0 ORDER BY started_at DESC LIMIT 1"
    ) == [(7, 2, 5, 0)]


def test_what_comes_of_a_forgotten_person_is_rejected_without_a_value(knows: Project):
    erase()
    knows.run(params={"force": True})
    rejected = knows.query(
        "SELECT DISTINCT reasons, (SELECT count(v) FROM (SELECT unnest(json_extract_string(\"row\", '$.*')) AS v))"
        " FROM tb_rejected_rows WHERE reasons = 'customer was forgotten'"
    )
    assert rejected == [("customer was forgotten", 0)]


def test_earlier_versions_show_the_person_no_more(knows: Project):
    erase()
    shown = knows.cli("kedro", "mart", "diff", "1", "2", "--show-personal")
    assert shown.returncode == 0, shown.stderr
    assert not re.search("|".join(TRACES), shown.stdout.lower())
    with knows.session() as session:
        catalog = session.load_context().catalog
        catalog.get("tb_customers").as_of = 1
        assert catalog.load("tb_customers").customer_id.to_pyarrow().to_pylist() == ["2"]
    close_marts()


def test_a_rollback_does_not_bring_the_person_back(knows: Project):
    erase()
    done = CliRunner().invoke(cli, ["mart", "rollback", "1"])
    close_marts()
    assert done.exit_code == 0, done.output
    assert traces(knows) == {}
    assert knows.query("SELECT customer_id FROM tb_customers") == [("2",)]


def test_the_ledger_says_that_and_not_whom(knows: Project):
    erase()
    assert knows.query(
        "SELECT domain, status, reason, rows_updated, rows_deleted, version, error FROM tb_control_data_update"
        " WHERE run_id LIKE '%.forget' ORDER BY domain"
    ) == [
        ("customers", "erased", "forgot one customer", 0, 1, None, None),
        ("orders", "erased", "forgot one customer", 3, 0, None, None),
    ]
    assert knows.query("SELECT max(version) FROM tb_control_data_update") == [(2,)]
    ((person, salt, _),) = knows.query("SELECT * FROM tb_control_forgotten")
    assert (len(person), len(salt)) == (64, 64)


def test_examples_and_errors_name_the_person_no_more(knows: Project):
    knows.execute(
        "INSERT INTO tb_contract_results VALUES ('r', 'customers', 'a rule', 'warn', 2, 1, 'customer_id=1'),"
        " ('r', 'customers', 'another', 'warn', 2, 1, 'customer_id=12'),"
        " ('r', 'orders', 'third', 'warn', 2, 1, 'order_id=1, customer_id=1')"
    )
    knows.execute(
        "UPDATE tb_control_data_update SET error = 'two rows, e.g. customer_id=1. See ann.new@example.com, Ann!'"
        " WHERE domain = 'customers' AND version = 1"
    )
    erase()
    assert knows.query("SELECT example FROM tb_contract_results WHERE run_id = 'r' ORDER BY rule") == [
        ("customer_id=(forgotten)",), ("customer_id=12",), ("order_id=1, customer_id=(forgotten)",),
    ]  # fmt: skip
    assert knows.query("SELECT error FROM tb_control_data_update WHERE error IS NOT NULL") == [
        ("two rows, e.g. customer_id=(forgotten). See (forgotten), Ann!",)
    ]


def test_a_place_that_nobody_marked_stops_the_erasure(knows: Project):
    knows.execute("CREATE TABLE newsletter AS SELECT 'to: Ann.New@example.com' AS address")
    before = knows.content()
    done = mart_forget(ANN, "--yes")
    assert done.exit_code == 1
    assert done.output == (
        "RunError: After the erasure the search still finds the customer in 1 columns: newsletter.address (1 rows).\n"
        "  Nothing was erased, the mart is as it was.\n"
        "  No domain says that these columns hold personal data: mark them in the domain's columns.py, or drop the"
        " table if it is a leftover.\n"
    )
    assert knows.content() == before
    assert knows.query("SELECT count(*) FROM tb_control_forgotten") == [(0,)]


def test_tables_made_of_published_ones_and_leftovers_are_searched_too(knows: Project):
    knows.execute("CREATE SCHEMA extra")
    knows.execute("CREATE TABLE extra.scores AS SELECT customer_id, 0.5 AS score FROM tb_customers")
    knows.execute("CREATE TABLE build_customers AS SELECT * FROM tb_customers")
    knows.execute("CREATE TABLE build_orders AS SELECT * FROM tb_orders")
    erase()
    assert knows.query("SELECT customer_id FROM extra.scores ORDER BY ALL") == [("2",), ("3",)]
    assert traces(knows) == {}


def test_an_erasure_that_fails_changes_nothing(knows: Project, monkeypatch: pytest.MonkeyPatch):
    before = knows.content()

    def fail(*_: object) -> None:
        raise OSError("ann.new@example.com")

    monkeypatch.setattr(module, "_close", fail)
    mart = Mart(MartSettings(str(knows.mart), str(knows.folder / "spill"), str(knows.folder)))
    with pytest.raises(OSError, match="ann"):
        forget(mart, published_tables(), ANN, "r.forget")
    mart.close()
    assert knows.content() == before
    assert knows.query("SELECT count(*) FROM tb_control_forgotten") == [(0,)]
    assert knows.query("SELECT DISTINCT status, error FROM tb_control_data_update WHERE run_id = 'r.forget'") == [
        ("failed", "forgot one customer: OSError")
    ]


def test_a_dry_run_changes_nothing(knows: Project):
    before = everything(knows)
    done = mart_forget(ANN, "--dry-run")
    assert done.exit_code == 0
    assert done.output.splitlines()[1].split() == ["tb_customers", "1", "0"]
    assert done.output.splitlines()[-1] == "Nothing was changed."
    assert everything(knows) == before


def test_a_person_is_asked_first(knows: Project):
    before = everything(knows)
    done = mart_forget(ANN, answer="n\n")
    assert done.exit_code == 1
    assert "Erase this for good? [y/N]" in done.output
    assert everything(knows) == before


def test_an_unknown_customer_is_a_clear_answer(knows: Project):
    before = everything(knows)
    done = mart_forget("99", "--yes")
    assert done.exit_code == 1
    assert done.output == (
        "UsageError: The mart holds nothing of that customer.\n"
        "  Nothing was changed.\n"
        "  Check the id (`SELECT customer_id FROM tb_customers`). Should that customer never come in, add"
        " --keep-out.\n"
    )
    assert everything(knows) == before


def test_a_customer_can_be_kept_out_beforehand(knows: Project):
    assert mart_forget("4", "--yes", "--keep-out").exit_code == 0
    knows.write_source("customers", [*CUSTOMERS, customer(customer_id="4", email="dan@example.com")])
    knows.run()
    assert knows.query("SELECT count(*) FROM tb_customers") == [(3,)]
    assert "dan@example.com" not in str(everything(knows))


def test_a_customer_known_from_rejected_rows_only(project: Project, published: Project):
    published.write_source(
        "customers", [*SHOP["customers"], customer(customer_id="9", created_at="soon", email="i@j.kl")]
    )
    published.run()
    erase("9")
    assert "i@j.kl" not in str(everything(published))


def test_a_customer_known_from_staged_rows_only(published: Project):
    published.write_source("customers", [*SHOP["customers"], customer(customer_id="9", email="i@j.kl")])
    published.run(to_nodes=["stage_customers"])
    assert published.query("SELECT count(*) FROM tb_customers") == [(2,)]
    erase("9")
    assert "i@j.kl" not in str(everything(published))
    published.run()
    assert published.query("SELECT count(*) FROM tb_customers") == [(2,)]


def test_an_id_can_be_any_text(published: Project):
    forgotten = ['O\'Brien "x"?', "a.b*c", "ÄÖ-1", "007"]
    published.write_source("customers", [customer(customer_id=person) for person in [*forgotten, "axbbc", "7"]])
    orders = [order(customer_id=person, order_id=str(n)) for n, person in enumerate([*forgotten, "7"], 10)]
    published.write_source("orders", orders)
    published.run()
    for person in forgotten:
        erase(person)
    published.run(params={"force": True})
    assert published.query("SELECT customer_id FROM tb_customers ORDER BY ALL") == [("7",), ("axbbc",)]
    assert published.query("SELECT customer_id FROM tb_orders ORDER BY order_id") == [(None,)] * 4 + [("7",)]


def test_ids_that_are_numbers_and_files_that_are_read_in_place(published: Project):
    for domain in ("customers", "orders"):
        (published.folder / "conf" / "base" / "sources" / f"{domain}.sql").write_text(
            f"SELECT * FROM read_parquet('data/01_raw/{domain}.parquet')"
        )
        with duckdb.connect() as engine:
            engine.execute(
                "COPY (SELECT * REPLACE (customer_id::BIGINT AS customer_id) FROM"
                f" read_csv('{published.source(domain)}', all_varchar = true))"
                f" TO '{published.source(domain).with_suffix('.parquet')}'"
            )
    published.mart.unlink()
    published.run()
    erase("1")
    published.run(params={"force": True})
    assert published.query("SELECT customer_id FROM tb_customers") == [(2,)]
    assert published.query("SELECT DISTINCT customer_id FROM tb_orders") == [(None,)]
    assert published.query("SELECT DISTINCT reasons FROM tb_rejected_rows") == [("customer was forgotten",)]


def test_a_source_is_read_itself_while_nobody_in_it_was_forgotten(published: Project):
    erase("2")
    mart = Mart(MartSettings(str(published.mart), str(published.folder / "spill"), str(published.folder)))
    mart.open(write=True)
    for name, ids in (("source_orders", "('1'), ('3')"), ("source_customers", "('1'), ('2')")):
        mart.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM (VALUES {ids}) AS v(customer_id)")
    assert without_forgotten(mart, "orders", "source_orders") == "source_orders"
    assert without_forgotten(mart, "products", "source_orders") == "source_orders"
    assert without_forgotten(mart, "customers", "source_customers") == "source_customers_without_forgotten"
    mart.close()


def test_the_list_says_when_and_not_who(knows: Project):
    erase()
    erase("2")
    done = CliRunner().invoke(cli, ["mart", "forget", "--list"])
    close_marts()
    *instants, last = done.output.splitlines()
    assert [re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", line) is not None for line in instants] == [True, True]
    assert last == "2 customers were erased."


def test_forgetting_again_erases_what_came_since(knows: Project):
    erase()
    knows.execute("INSERT INTO tb_customers (customer_id, email) VALUES ('1', 'ann.new@example.com')")
    assert "tb_customers" in erase()
    assert traces(knows) == {}
    assert "holds nothing of that customer" in erase()
    assert knows.query("SELECT count(*) FROM tb_control_forgotten") == [(1,)]


def test_nobody_named_is_a_clear_answer(knows: Project):
    done = CliRunner().invoke(cli, ["mart", "forget"])
    assert (
        done.output == "UsageError: Nobody is named.\n  Nothing was changed.\n  Name a customer with --customer-id.\n"
    )


@pytest.fixture
def served(knows: Project, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The same, with a replica that holds the newest version."""
    folder = knows.folder / "conf" / "served"
    folder.mkdir()
    (folder / "globals.yml").write_text("replica:\n  enabled: true\n  connect_timeout_s: 1\n")
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    knows.run(env="served")
    return knows


def found_in_replica(url: str) -> list[str]:
    tables = psql(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'datamart'::regnamespace")
    texts = {name: str(psql(url, f"SELECT * FROM datamart.{name}")).lower() for (name,) in tables}
    return sorted(name for name, text in texts.items() if re.search("|".join(TRACES), text))


def test_the_replica_forgets_at_once(served: Project, postgres: str):
    assert found_in_replica(postgres) == ["tb_customers", "tb_customers_history", "tb_orders"]
    done = mart_forget(ANN, "--yes", "--env", "served")
    assert done.exit_code == 0, done.output
    assert found_in_replica(postgres) == []
    assert psql(postgres, "SELECT count(*) FROM datamart.tb_customers") == [(2,)]
    assert psql(postgres, "SELECT count(*) FROM datamart.tb_orders WHERE customer_id = '1'") == [(0,)]
    assert psql(postgres, "SELECT count(*) FROM datamart.tb_control_forgotten") == [(1,)]


def test_a_replica_that_was_down_forgets_when_it_is_back(
    served: Project, postgres: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATAMART_REPLICA_URL", "postgresql://localhost:1/nowhere")
    mart_forget(ANN, "--yes", "--env", "served")
    served.write_source("orders", [*ORDERS, order(order_id="18", customer_id="2")])
    served.run(env="served")
    assert found_in_replica(postgres) == ["tb_customers", "tb_customers_history", "tb_orders"]
    monkeypatch.setenv("DATAMART_REPLICA_URL", postgres)
    served.run(env="served")
    assert found_in_replica(postgres) == []
    assert psql(postgres, "SELECT count(*) FROM datamart.tb_orders WHERE customer_id = '2'") == [(2,)]
