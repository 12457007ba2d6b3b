"""Names of any kind, and roles with no right that is not needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from datamart_kedro.errors import ReplicaError
from datamart_kedro.replica.settings import ReplicaSettings
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
