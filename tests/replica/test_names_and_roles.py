"""Names of any kind, and roles with no right that is not needed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from datamart_kedro.errors import ReplicaError
from datamart_kedro.replica.settings import ReplicaSettings
from tests.conftest import ROOT
from tests.project import psql
from tests.replica.store import TABLES, Replica, Store

HOSTILE = '"; DROP TABLE tb_orders; --%s{}'


def test_a_schema_may_have_any_name(store: Store, replica: Replica):
    replica.settings["schema"] = HOSTILE
    replica.synchronise()
    store.become(2)
    replica.synchronise()
    assert {table: replica.rows(table, HOSTILE) for table in TABLES} == {table: store.rows(table) for table in TABLES}


def test_a_column_may_have_any_name(store: Store, replica: Replica):
    store.execute('ALTER TABLE tb_products ADD COLUMN "a""; DROP TABLE tb_orders; --%s{}" VARCHAR')
    store.execute('UPDATE tb_products SET "a""; DROP TABLE tb_orders; --%s{}" = \'x\'')
    replica.synchronise()
    assert replica.rows("tb_products") == store.rows("tb_products")


@pytest.mark.parametrize("name", ["", "x" * 64, "ä" * 32, "pg_mart", "information_schema", "a\0b"])
def test_a_name_that_no_schema_can_have_is_refused(name: str):
    with pytest.raises(ValidationError, match="schema"):
        ReplicaSettings(schema=name)


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = "writer_" + make_url(postgres).database.removeprefix("test_")[:8]
    psql(postgres, f"CREATE ROLE {name} LOGIN PASSWORD 'secret'", "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    yield name
    psql(postgres, f"DROP OWNED BY {name} CASCADE", f"DROP ROLE {name}")


def as_role(replica: Replica, role: str) -> None:
    url = make_url(replica.url).set(username=role, password="secret")
    replica.url = url.render_as_string(hide_password=False)


def test_owning_the_schema_is_enough(store: Store, replica: Replica, role: str):
    replica.execute(f"CREATE SCHEMA datamart AUTHORIZATION {role}")
    as_role(replica, role)
    replica.synchronise()
    store.become(2)
    replica.synchronise()
    assert replica.rows("tb_orders") == store.rows("tb_orders")


def test_a_missing_right_is_told_with_where_rights_are_listed(replica: Replica, role: str):
    as_role(replica, role)
    with pytest.raises(ReplicaError) as refusal:
        replica.synchronise()
    database = make_url(replica.url).database
    assert refusal.value.happened.endswith(f"is not up to date: permission denied for database {database}.")
    assert refusal.value.next_step == (
        "Grant its role what docs/serve-in-postgresql.md lists. The next run brings the replica up to date."
    )


def test_the_documented_rights_are_enough_for_writer_and_reader(store: Store, replica: Replica, role: str):
    as_administrator, as_writer = statements_of_the_guide(replica, role)[:2]
    replica.execute(*as_administrator)
    owner = replica.url
    as_role(replica, role)
    replica.execute(*as_writer)
    replica.synchronise()
    reader = f"SET ROLE {role}_reader"
    assert psql(owner, reader, "SELECT count(*) FROM datamart.tb_orders") == [(3,)]
    assert psql(owner, reader, "SELECT version FROM datamart.replica_state") == [(1,)]
    with pytest.raises(Exception, match="permission denied"):
        psql(owner, reader, "DELETE FROM datamart.tb_orders")
    psql(owner, f"DROP OWNED BY {role}_reader CASCADE", f"DROP ROLE {role}_reader")


def statements_of_the_guide(replica: Replica, role: str) -> list[list[str]]:
    """The SQL of docs/serve-in-postgresql.md, block by block, for this database and roles of this test."""
    text = (ROOT / "docs" / "serve-in-postgresql.md").read_text(encoding="utf-8")
    names = {
        "CREATE ROLE mart_writer LOGIN PASSWORD 'choose one';\n": "",
        "mart_writer": role,
        "mart_reader": f"{role}_reader",
        "DATABASE mart": f"DATABASE {make_url(replica.url).database}",
    }
    for name, ours in names.items():
        text = text.replace(name, ours)
    blocks = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    return [[line for line in block.splitlines() if line] for block in blocks]
