"""A lost mart file is rebuilt from its replica."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from datamart_kedro.errors import MartFileError, ReplicaError
from datamart_kedro.mart.mart import Mart, close_marts
from datamart_kedro.mart.versions import list_versions
from datamart_kedro.replica import restore as module
from datamart_kedro.replica.restore import restore
from datamart_kedro.replica.settings import ReplicaSettings
from tests.project import Project, psql
from tests.replica.store import Replica, Store
from tests.replica.test_content import AWKWARD, EVERYTHING, VALUES
from tests.shop import SHOP, order, product

CATALOG = """SELECT table_name, column_name, column_index, data_type, is_nullable, column_default, c.comment, t.comment
FROM duckdb_columns() AS c JOIN duckdb_tables() AS t USING (table_name)
WHERE table_name LIKE 'tb\\_%' ESCAPE '\\' ORDER BY ALL"""


def lose(store: Store) -> None:
    store.mart.close()
    store.mart.path.unlink()


def restored(replica: Replica) -> dict[str, int]:
    done = restore(replica.store.mart.settings, ReplicaSettings(**replica.settings), replica.url)
    return dict(done.rows)


def described(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.execute(CATALOG).fetchall()


@pytest.fixture
def served(store: Store, replica: Replica) -> Replica:
    """A replica of a mart at version 2, whose history of products was shortened."""
    store.become(2)
    store.execute("INSERT INTO tb_control_pruned VALUES (TIMESTAMP '2026-01-02 03:04:05.678901', 'tb_products', 1, 7)")
    replica.synchronise()
    return replica


def test_every_served_table_comes_back_with_all_its_rows(store: Store, served: Replica):
    before = {table: store.rows(table) for table in EVERYTHING}
    lose(store)
    counted = restored(served)
    assert {table: store.rows(table) for table in EVERYTHING} == before
    assert counted == {table: len(rows) for table, rows in before.items()}


def test_types_keys_and_meanings_are_what_they_were(store: Store, served: Replica):
    before = described(store.mart.path)
    lose(store)
    restored(served)
    assert described(store.mart.path) == before


EXACT = {
    "tiny": ("(-128)::TINYINT", "TINYINT"),
    "unsigned": ("18446744073709551615::UBIGINT", "UBIGINT"),
    "exact_38": (f"{'9' * 28}.{'9' * 10}::DECIMAL(38, 10)", "DECIMAL(38,10)"),
    "single": ("0.1::FLOAT", "FLOAT"),
    "nothing": ("NULL::DECIMAL(18, 2)", "DECIMAL(18,2)"),
    "no_number": ("'nan'::DOUBLE", "DOUBLE"),
    "for_ever": ("'infinity'::DATE", "DATE"),
    "microsecond": ("TIMESTAMP '1999-12-31 23:59:59.999999'", "TIMESTAMP"),
    "long_ago": ("TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP"),
    "far_off": ("TIMESTAMP '12345-06-07 08:09:10'", "TIMESTAMP"),
}
"""For a name, a value in the mart and its type there."""


@pytest.mark.parametrize("table", ["tb_products", "tb_products_history"])
def test_values_of_every_type_come_back_to_the_last_digit(store: Store, replica: Replica, table: str):
    store.become(2)
    both = {**{name: value for name, (value, *_) in VALUES.items()}, **{name: v for name, (v, _) in EXACT.items()}}
    more = ", ".join(f"{value} AS {name}" for name, value in both.items())
    period = "2::BIGINT AS _version_to, _valid_from AS _valid_to, " if table.endswith("_history") else ""
    store.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT p.*, {period}{more} FROM tb_products AS p")
    replica.synchronise()
    asked = f"SELECT COLUMNS(*)::VARCHAR, {', '.join(f'typeof({name})' for name in both)} FROM {table} ORDER BY ALL"
    before, types = store.query(asked), [row[:6] for row in described(store.mart.path)]
    lose(store)
    restored(replica)
    assert store.query(asked) == before
    assert [row[:6] for row in described(store.mart.path)] == types
    assert [row[-len(EXACT) :] for row in before] == [tuple(kind for _, kind in EXACT.values())] * len(before)


def test_tables_are_read_as_they_were_in_sql_again(store: Store, served: Replica):
    lose(store)
    restored(served)
    assert store.query("SELECT order_id, status FROM tb_orders_as_of(1) ORDER BY ALL") == [
        ("10", "shipped"),
        ("11", "delivered"),
        ("12", "cancelled"),
    ]


def test_texts_come_back_as_they_are(store: Store, replica: Replica):
    values = ", ".join(f"({number}, '{text.replace(chr(39), chr(39) * 2)}')" for number, text in enumerate(AWKWARD))
    store.execute(
        "INSERT INTO tb_customers BY NAME SELECT 'x' || col0 AS customer_id, col1 AS full_name, 1 AS _version"
        f" FROM (VALUES {values}, (99, NULL))"
    )
    replica.synchronise()
    lose(store)
    restored(replica)
    found = dict(store.query("SELECT customer_id, full_name FROM tb_customers WHERE customer_id LIKE 'x%'"))
    assert found == {f"x{number}": text for number, text in enumerate(AWKWARD)} | {"x99": None}


def test_a_schema_and_a_column_of_any_name_are_restored(store: Store, replica: Replica):
    hostile = '"; DROP TABLE tb_orders; --%s{}'
    replica.settings["schema"] = hostile
    store.execute(f'ALTER TABLE tb_products ADD COLUMN "{hostile.replace(chr(34), chr(34) * 2)}" VARCHAR')
    replica.synchronise()
    before = store.rows("tb_products")
    lose(store)
    restored(replica)
    assert store.rows("tb_products") == before


def test_the_replica_is_served_by_changes_afterwards(store: Store, served: Replica):
    lose(store)
    restored(served)
    before = served.written_by("tb_orders", "order_id")
    store.publish("UPDATE tb_orders SET ship_city = 'Rome', _version = 3 WHERE order_id = '13'")
    report = served.synchronise()
    after = served.written_by("tb_orders", "order_id")
    assert (report.before, report.version, report.mended) == (2, 3, ())
    assert {key for key in after if after[key] != before[key]} == {"13"}
    assert served.verify().is_alike


def test_a_mart_is_not_written_over(store: Store, served: Replica):
    before = store.mart.path.read_bytes()
    with pytest.raises(MartFileError) as refusal:
        restored(served)
    path = store.mart.path
    assert str(refusal.value) == (
        f"There is a mart at {path}, at version 2.\n"
        "  Nothing was restored, the mart is as it was.\n"
        f"  If it is to be replaced, move it away (mv {path} {path}.old), then run"
        " `kedro mart restore --from-replica` again."
    )
    assert path.read_bytes() == before


def test_a_mart_that_a_run_made_meanwhile_is_not_written_over(
    store: Store, served: Replica, monkeypatch: pytest.MonkeyPatch
):
    lose(store)
    fill = module._fill

    def and_then_a_run(*arguments: Any) -> dict[str, int]:
        rows = fill(*arguments)
        store.become(1)
        return rows

    monkeypatch.setattr(module, "_fill", and_then_a_run)
    with pytest.raises(MartFileError, match="at version 1"):
        restored(served)
    assert [path.name for path in store.mart.path.parent.glob("mart*")] == ["mart.duckdb"]


@pytest.mark.parametrize("empty", ["no bytes", "no version", "no tables"])
def test_a_file_without_a_version_is_replaced(store: Store, served: Replica, empty: str):
    lose(store)
    if empty == "no bytes":
        store.mart.path.touch()
    else:
        store.execute("SELECT 1" if empty == "no tables" else "CREATE TABLE tmp_orders (order_id VARCHAR)")
    restored(served)
    assert len(store.rows("tb_orders")) == 3


def test_the_log_of_the_lost_file_is_not_applied_to_the_new_one(store: Store, served: Replica):
    store.mart.close()
    with duckdb.connect(store.mart.path) as connection:
        connection.execute("SET checkpoint_threshold = '1TB'")
        connection.execute("SET wal_autocheckpoint = '1TB'")
        connection.execute("DROP TABLE tb_orders")
        log = store.mart.path.with_name("mart.duckdb.wal")
        kept = log.read_bytes()
    lose(store)
    log.write_bytes(kept)
    restored(served)
    assert len(store.rows("tb_orders")) == 3
    assert not log.exists()


def test_what_a_killed_restore_left_behind_is_replaced(store: Store, served: Replica):
    lose(store)
    unfinished = store.mart.path.with_name("mart.duckdb.restoring")
    unfinished.write_bytes(b"broken off")
    restored(served)
    assert len(store.rows("tb_orders")) == 3
    assert not unfinished.exists()


def test_a_server_that_ends_in_the_middle_leaves_no_file(
    store: Store, served: Replica, monkeypatch: pytest.MonkeyPatch
):
    lose(store)
    take_rows = module.take_rows
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'datamart'"

    def and_end(mart: Mart, name: str, *arguments: Any) -> None:
        take_rows(mart, name, *arguments)
        if name == "tb_orders":
            served.execute(end)

    monkeypatch.setattr(module, "take_rows", and_end)
    with pytest.raises(ReplicaError) as refusal:
        restored(served)
    assert refusal.value.happened.endswith(" the server ended the connection.")
    assert refusal.value.state == "There is still no mart; the replica still holds version 2."
    assert list(store.mart.path.parent.glob("mart*")) == []


def test_all_tables_are_those_of_one_moment(store: Store, served: Replica, monkeypatch: pytest.MonkeyPatch):
    before = store.rows("tb_orders")
    lose(store)
    take_rows = module.take_rows

    def and_write(*given: Any) -> None:
        served.execute("UPDATE datamart.tb_orders SET ship_city = 'Elsewhere'")
        take_rows(*given)

    monkeypatch.setattr(module, "take_rows", and_write)
    restored(served)
    assert store.rows("tb_orders") == before


def test_a_row_that_is_lost_on_the_way_is_missed(store: Store, served: Replica, monkeypatch: pytest.MonkeyPatch):
    lose(store)
    take_rows = module.take_rows
    monkeypatch.setattr(module, "take_rows", lambda *given: take_rows(*given[:-1], given[-1].slice(1)))
    with pytest.raises(ReplicaError, match=r"^tb_control_data_update: the rows that arrived are not"):
        restored(served)
    assert list(store.mart.path.parent.glob("mart*")) == []


@pytest.mark.parametrize(
    ("edit", "happened", "next_step"),
    [
        (
            "DROP TABLE datamart.tb_orders",
            "The schema datamart is not whole any more: tb_orders is missing.",
            "Restore the schema from a backup of the server.",
        ),
        (
            "ALTER TABLE datamart.tb_orders DROP COLUMN net_amount",
            "The schema datamart is not whole any more: tb_orders.net_amount is missing.",
            "Restore the schema from a backup of the server.",
        ),
        (
            "DELETE FROM datamart.replica_state",
            "The schema datamart holds no version of a mart.",
            "Check replica.schema in globals.yml, and its address.",
        ),
        (
            "DROP SCHEMA datamart CASCADE",
            "The schema datamart holds no version of a mart.",
            "Check replica.schema in globals.yml, and its address.",
        ),
        (
            """UPDATE datamart.replica_state SET columns = '{"tb_orders": [["order_id", "INT); DROP TABLE x; --"]]}'""",
            "tb_orders.order_id is of type INT); DROP TABLE x; --, which is not served in PostgreSQL.",
            "Cast it, in the node that builds tb_orders, to text, a number, a date, an instant or a boolean.",
        ),
    ],
)
def test_a_replica_that_is_not_whole_restores_nothing(
    store: Store, served: Replica, edit: str, happened: str, next_step: str
):
    served.execute(edit)
    lose(store)
    with pytest.raises(ReplicaError) as refusal:
        restored(served)
    assert (refusal.value.happened, refusal.value.next_step) == (happened, next_step)
    assert not store.mart.path.exists()


def test_a_replica_of_an_earlier_release_learns_the_types_at_the_next_run(store: Store, served: Replica):
    served.execute("ALTER TABLE datamart.replica_state DROP COLUMN columns")
    before = store.rows("tb_orders")
    served.synchronise()
    lose(store)
    restored(served)
    assert store.rows("tb_orders") == before


@pytest.fixture
def lost(environment: Project) -> Project:
    """A project at version 2, served, whose mart file is gone."""
    environment.write_source("products", [product(name="Lantern"), SHOP["products"][1]])
    environment.write_source("orders", [order(), order(order_id="11", status="cancelled"), SHOP["orders"][2]])
    environment.run(env="served")
    close_marts()
    environment.mart.rename(environment.mart.with_suffix(".lost"))
    return environment


def versions_in(path: Path, project: Project) -> list[Any]:
    with project.session() as session:
        settings = session.load_context().config_loader["globals"]["mart"]
    mart = Mart(module.MartSettings(**{**settings, "path": str(path)}))
    try:
        return list_versions(mart)
    finally:
        mart.close()


def test_the_command_restores_and_everything_works_as_before(lost: Project, postgres: str):
    done = lost.cli("kedro", "mart", "restore", "--from-replica", "--env", "served")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "tb_orders_history: 1 rows" in lines
    assert f", which {lost.mart} had written, at version 2 of " in lines[-2]
    assert lines[-1] == (
        "Lost, since they are not served: what tb_rejected_rows, tb_contract_results, tb_control_node_times held, and"
        " staged rows. The next run loads every domain again."
    )
    assert versions_in(lost.mart, lost) == versions_in(lost.mart.with_suffix(".lost"), lost)
    diff = lost.cli("kedro", "mart", "diff", "1", "2", "--table", "tb_products")
    assert "tb_products A: name Lamp -> Lantern" in diff.stdout
    back = lost.cli("kedro", "mart", "rollback", "1", "--env", "served")
    assert back.returncode == 0, back.stderr
    assert psql(postgres, "SELECT name FROM datamart.tb_products WHERE product_id = 'A'") == [("Lamp",)]
    assert lost.cli("kedro", "mart", "verify-replica", "--env", "served").returncode == 0


def test_a_run_after_a_restore_loads_all_and_changes_nothing(lost: Project, caplog: pytest.LogCaptureFixture):
    lost.cli("kedro", "mart", "restore", "--from-replica", "--env", "served")
    before = lost.content()
    lost.run(env="served")
    last = "run_id = (SELECT max(run_id) FROM tb_control_data_update)"
    assert lost.query(
        f"SELECT status, version, sum(rows_staged) > 0, sum(rows_inserted + rows_updated + rows_deleted)"
        f" FROM tb_control_data_update WHERE {last} GROUP BY ALL"
    ) == [("published", 2, True, 0)]
    assert lost.content() == before
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
    lost.run(env="served")
    assert lost.query(f"SELECT DISTINCT status FROM tb_control_data_update WHERE {last}") == [("skipped",)]
