"""Who may read, who may write, and nothing more: with roles that log in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.sql import SQL, Identifier
from sqlalchemy import make_url

from datamart_kedro.errors import ReplicaError
from datamart_kedro.replica.rights import Rights, grant
from datamart_kedro.replica.settings import ReplicaSettings
from tests.conftest import ROOT
from tests.project import Project, psql
from tests.replica.store import Replica, Store
from tests.shop import SHOP, product
from tests.sources.test_postgres_runs import TYPES

ORDERS = "SELECT count(*) FROM datamart.tb_orders"
AS_OF = "SELECT count(*) FROM datamart.tb_orders_as_of(1)"


@dataclass
class Roles:
    """Roles of one test, on a server that others use too.

    Attributes:
        url: Address of the database, as its administrator.
        names: For the name of a role in the guide, its name here.
    """

    url: str
    names: dict[str, str]

    def url_of(self, role: str) -> str:
        """The database's address, as a role."""
        url = make_url(self.url).set(username=self.names[role], password="secret")
        return url.render_as_string(hide_password=False)

    def execute(self, role: str, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as a role."""
        return psql(self.url_of(role), *statements)


@pytest.fixture
def roles(postgres: str) -> Iterator[Roles]:
    """The roles of the guide, made by its own statements, where nobody may do anything else."""
    database = str(make_url(postgres).database)
    suffix = database.removeprefix("test_")[:8]
    made = Roles(postgres, {name: f"{name}_{suffix}" for name in ("mart_writer", "mart_reader", "shop_reader")})
    psql(postgres, "REVOKE ALL ON SCHEMA public FROM PUBLIC", f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    psql(postgres, "CREATE SCHEMA shop", *(f"CREATE TABLE shop.{domain} (row_id int)" for domain in SHOP))
    psql(postgres, *statements_of_the_guide(made, database))
    yield made
    for role in made.names.values():
        psql(postgres, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def statements_of_the_guide(roles: Roles, database: str) -> list[str]:
    """What docs/serve-in-postgresql.md lets an administrator do, for this database and the roles of this test."""
    text = (ROOT / "docs" / "serve-in-postgresql.md").read_text(encoding="utf-8")
    section = text.partition("## Set it up")[2].partition("## Read it")[0]
    for name, ours in {**roles.names, "DATABASE mart": f"DATABASE {database}"}.items():
        section = section.replace(name, ours)
    section = re.sub(r"'choose \w+'", "'secret'", section)
    return [
        line for block in re.findall(r"```sql\n(.*?)```", section, re.DOTALL) for line in block.splitlines() if line
    ]


@pytest.fixture
def written(replica: Replica, roles: Roles) -> Replica:
    """A replica that the writer has written."""
    replica.url = roles.url_of("mart_writer")
    replica.synchronise()
    return replica


def granted(replica: Replica, role: str, *, revoke: bool = False) -> Rights:
    return grant(ReplicaSettings(**replica.settings), replica.url, role, revoke=revoke)


def may(roles: Roles, statement: str, role: str = "mart_reader") -> bool:
    """May a role run a statement?"""
    try:
        roles.execute(role, statement)
    except errors.InsufficientPrivilege:
        return False
    return True


def test_a_reader_starts_with_nothing(written: Replica, roles: Roles):
    assert not may(roles, ORDERS)


def test_a_reader_reads_all_that_is_served(written: Replica, roles: Roles):
    rights = granted(written, roles.names["mart_reader"])
    assert (len(rights.tables), rights.functions, rights.may_read) == (12, 8, True)
    for table in rights.tables:
        assert may(roles, f"SELECT * FROM datamart.{table}")
    assert roles.execute("mart_reader", ORDERS) == [(3,)]
    assert roles.execute("mart_reader", AS_OF) == [(3,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM datamart.tb_orders",
        "UPDATE datamart.tb_orders SET status = 'x'",
        "INSERT INTO datamart.replica_state DEFAULT VALUES",
        "TRUNCATE datamart.tb_orders",
        "CREATE TABLE datamart.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE TEMP TABLE mine (a int)",
        "SELECT * FROM shop.orders",
        "SELECT * FROM datamart.notes",
    ],
)
def test_a_reader_does_nothing_else(written: Replica, roles: Roles, statement: str):
    written.execute("CREATE TABLE datamart.notes (note text)")
    granted(written, roles.names["mart_reader"])
    assert not may(roles, statement)


def test_tables_and_functions_of_later_runs_are_read_too(replica: Replica, roles: Roles):
    replica.url = roles.url_of("mart_writer")
    rights = granted(replica, roles.names["mart_reader"])
    assert (list(rights.tables), rights.functions) == ([], 0)
    replica.synchronise()
    assert may(roles, ORDERS)
    assert may(roles, AS_OF)
    assert may(roles, "SELECT version FROM datamart.replica_state")


def test_rights_survive_whatever_is_made_anew(store: Store, written: Replica, roles: Roles):
    granted(written, roles.names["mart_reader"])
    written.execute(
        "DROP TABLE datamart.tb_orders",
        "ALTER TABLE datamart.tb_customers DROP CONSTRAINT tb_customers_pkey",
        "DROP FUNCTION datamart.tb_orders_as_of(bigint)",
        "UPDATE datamart.tb_products SET name = 'x'",
    )
    written.repair()
    store.become(2)
    written.synchronise()
    for statement in (ORDERS, AS_OF, "TABLE datamart.tb_customers", "TABLE datamart.tb_products"):
        assert may(roles, statement)


def test_functions_are_granted_where_not_everyone_may_run_them(written: Replica, roles: Roles):
    written.execute(
        "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
        "REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA datamart FROM PUBLIC",
    )
    assert not may(roles, AS_OF)
    granted(written, roles.names["mart_reader"])
    assert may(roles, AS_OF)
    written.execute("DROP FUNCTION datamart.tb_orders_as_of(bigint)")
    written.synchronise()
    assert may(roles, AS_OF)


def test_what_was_granted_is_taken_back_whole(written: Replica, roles: Roles):
    reader = roles.names["mart_reader"]
    granted(written, reader)
    assert granted(written, reader, revoke=True).may_read is False
    assert not may(roles, ORDERS)
    written.execute("DROP TABLE datamart.tb_orders")
    written.synchronise()
    assert psql(
        roles.url,
        "SELECT count(*) FROM pg_shdepend JOIN pg_roles r ON r.oid = refobjid"
        f" WHERE refclassid = 'pg_authid'::regclass AND rolname = '{reader}'",
    ) == [(0,)]


def test_a_role_that_reads_by_another_way_is_told(written: Replica, roles: Roles):
    psql(roles.url, f"GRANT pg_read_all_data TO {roles.names['mart_reader']}")
    assert granted(written, roles.names["mart_reader"], revoke=True).may_read is True


def test_a_role_that_sees_the_schema_but_no_table_cannot_read(written: Replica, roles: Roles):
    psql(roles.url, "GRANT USAGE ON SCHEMA datamart TO PUBLIC")
    assert granted(written, roles.names["mart_reader"], revoke=True).may_read is False


@pytest.fixture
def strange_role(postgres: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A role of a strange name."""
    name = f"{request.param}{make_url(postgres).database[-6:]}"
    connection = psycopg2.connect(postgres)
    quoted = SQL("{}").format(Identifier(name)).as_string(connection)
    connection.close()
    psql(postgres, f"CREATE ROLE {quoted}")
    yield name
    psql(postgres, f"DROP OWNED BY {quoted} CASCADE", f"DROP ROLE {quoted}")


STRANGE = ['"; drop schema datamart; --', "Mart_Reader", "Zoë 漢字", "%s{}'\\"]


@pytest.mark.parametrize("strange_role", STRANGE, indirect=True)
def test_a_role_may_have_any_name(written: Replica, roles: Roles, strange_role: str):
    assert granted(written, strange_role).may_read
    assert granted(written, strange_role, revoke=True).may_read is False
    assert written.version() == 1


@pytest.mark.parametrize("strange_role", ["Mart_Reader"], indirect=True)
def test_a_name_that_differs_in_case_is_another_role(written: Replica, strange_role: str):
    with pytest.raises(ReplicaError) as refusal:
        granted(written, strange_role.lower())
    assert str(refusal.value) == (
        f'There is no role "{strange_role.lower()}" on the server.\n'
        "  The rights are what they were.\n"
        f'  There is "{strange_role}": upper and lower case count.'
    )


@pytest.mark.parametrize("name", [*STRANGE, "public", "x" * 70, ""])
def test_a_role_that_does_not_exist_is_refused_by_name(written: Replica, name: str):
    with pytest.raises(ReplicaError) as refusal:
        granted(written, name)
    assert refusal.value.happened == f'There is no role "{name}" on the server.'
    quoted = '"' + name.replace('"', '""') + '"'
    assert refusal.value.next_step == (
        f"Make it with CREATE ROLE {quoted}, with LOGIN for a person or a tool; then grant again."
    )


def test_a_schema_that_is_not_there_yet_is_told(replica: Replica):
    with pytest.raises(ReplicaError) as refusal:
        granted(replica, "pg_monitor")
    assert refusal.value.happened == "There is no schema datamart yet."


def test_a_writer_that_does_not_own_the_schema_is_told(written: Replica, roles: Roles):
    psql(
        roles.url,
        "ALTER SCHEMA datamart OWNER TO CURRENT_USER",
        f"GRANT USAGE, CREATE ON SCHEMA datamart TO {roles.names['mart_writer']}",
    )
    with pytest.raises(ReplicaError) as refusal:
        granted(written, roles.names["mart_reader"])
    assert str(refusal.value) == (
        "The writer may not give rights on the schema datamart: it does not own it.\n"
        "  The rights are what they were.\n"
        "  Let an administrator give it the schema, as docs/serve-in-postgresql.md says, then grant again."
    )


def fill_shop(url: str) -> None:
    """Make the tiny shop in the tables of the schema `shop`, whose rights stay."""
    for domain, rows in SHOP.items():
        names = list(rows[0])
        added = ", ".join(f"ADD COLUMN {name} {TYPES.get(name, 'text')}" for name in names)
        values = ", ".join("(" + ", ".join(f"'{row[name]}'" for name in names) + ")" for row in rows)
        psql(
            url,
            f"ALTER TABLE shop.{domain} DROP COLUMN row_id, {added}",
            f"INSERT INTO shop.{domain} ({', '.join(names)}) VALUES {values}",
        )


def test_the_documented_rights_are_enough_for_all_that_the_mart_does(
    project: Project, roles: Roles, monkeypatch: pytest.MonkeyPatch
):
    fill_shop(roles.url)
    psql(roles.url, f"ALTER ROLE {roles.names['shop_reader']} SET default_transaction_read_only = on")
    monkeypatch.setenv("DATAMART_SHOP_URL", roles.url_of("shop_reader"))
    monkeypatch.setenv("DATAMART_REPLICA_URL", roles.url_of("mart_writer"))
    project.run(env="postgres")
    reader = roles.names["mart_reader"]

    def mart(*arguments: str) -> str:
        done = project.cli("kedro", "mart", *arguments, "--env", "postgres")
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert mart("grant", reader).startswith(f'"{reader}" may read schema datamart of database ')
    assert roles.execute("mart_reader", ORDERS) == [(3,)]
    psql(roles.url, "UPDATE shop.products SET name = 'Lantern', updated_at = '2025-06-01' WHERE product_id = 'A'")
    project.run(env="postgres")
    psql(roles.url, "UPDATE datamart.tb_products SET name = 'x' WHERE product_id = 'B'")
    assert "tb_products: 1 row different, e.g. product_id=B" in mart("verify-replica", "--repair")
    project.mart.unlink()
    mart("restore", "--from-replica")
    assert project.query("SELECT name FROM tb_products ORDER BY product_id") == [("Lantern",), ("Novel",)]
    assert roles.execute("mart_reader", "SELECT name FROM datamart.tb_products_as_of(1) ORDER BY 1") == [
        (product()["name"],),
        ("Novel",),
    ]
    assert not may(roles, "SET transaction_read_only = off; DELETE FROM shop.products", "shop_reader")
    assert not may(roles, "SELECT * FROM shop.products", "mart_writer")
    assert mart("grant", reader, "--revoke").startswith(f'The rights of "{reader}" on schema datamart of ')
    assert not may(roles, ORDERS)
