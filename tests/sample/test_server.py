"""A sample shop in PostgreSQL: typed tables, changed row by row as time passes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result

from datamart_kedro.commands.sample import command
from datamart_kedro.sample.faults import PRODUCT_FAULTS
from datamart_kedro.sample.tables import KEYS, TABLES
from tests.project import psql
from tests.sample.shops import Row, instant, shop, tables_of

SMALL = ("--customers", "300", "--dirt", "0.3", "--seed", "1")


def sample(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--to", url, *arguments])


def made(url: str, *arguments: str) -> Result:
    done = sample(url, *arguments)
    assert done.exit_code == 0, done.output
    return done


def texts(url: str, table: str, schema: str = "shop") -> list[tuple[Any, ...]]:
    """Rows as PostgreSQL writes them, sorted."""
    return sorted(psql(url, f'SELECT (t.*)::text FROM "{schema}"."{table}" AS t'))


def typed(row: Row, table: str) -> tuple[Any, ...]:
    """A row of a file as the driver returns it from a table."""
    return tuple(value_of(row[name], kind) for name, kind in TABLES[table].items())


def value_of(text: str, kind: str) -> Any:
    if not text:
        return None
    if kind == "timestamptz":
        return instant(text)
    if kind in ("bigint", "integer"):
        return int(text)
    if kind == "boolean":
        return text == "true"
    return Decimal(text) if kind.startswith("numeric") else text


def as_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pytest.mark.parametrize("table", TABLES)
def test_tables_hold_what_the_files_hold_in_their_types(postgres: str, table: str):
    made(postgres, *SMALL, "--days", "90")
    expected = [typed(row, table) for row in tables_of(shop(90, dirt=0.3), typed=True)[table]]
    found = [tuple(map(as_utc, row)) for row in psql(postgres, f"SELECT * FROM shop.{table}")]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_columns_have_the_types_that_the_documentation_names(postgres: str):
    made(postgres, *SMALL, "--days", "30")
    found = psql(
        postgres,
        "SELECT relname, attname, format_type(atttypid, atttypmod)"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = 'shop'::regnamespace AND relkind = 'r' AND attnum > 0 AND relname <> 'sample_shop'",
    )
    names = {"timestamptz": "timestamp with time zone"}
    expected = {
        (table, name, names.get(kind, kind.replace(", ", ",")))
        for table, columns in TABLES.items()
        for name, kind in columns.items()
    }
    assert set(found) == expected


def test_time_that_passes_leaves_the_tables_of_the_later_day(postgres: str):
    made(postgres, *SMALL, "--days", "150")
    made(postgres, "--advance", "20")
    made(postgres, "--advance", "30")
    made(postgres, *SMALL, "--days", "200", "--schema", "later")
    assert [table for table in TABLES if texts(postgres, table) != texts(postgres, table, "later")] == []
    ((settings,),) = psql(postgres, "SELECT settings FROM shop.sample_shop")
    assert settings == shop(200, dirt=0.3).to_dict()


def row_versions(url: str, table: str) -> dict[str, str]:
    """For each row its content, and the transactions that wrote it."""
    found = psql(url, f"SELECT (t.*)::text, min(xmin::text), max(xmin::text) FROM shop.{table} AS t GROUP BY 1")
    return {content: (first, last) for content, first, last in found}


def test_time_that_passes_touches_only_rows_that_differ(postgres: str):
    made(postgres, *SMALL, "--days", "150")
    before = {table: row_versions(postgres, table) for table in TABLES}
    made(postgres, "--advance", "20")
    after = {table: row_versions(postgres, table) for table in TABLES}
    for table in TABLES:
        stayed = before[table].keys() & after[table].keys()
        assert [row for row in stayed if before[table][row] != after[table][row]] == []
        assert (table, len(stayed) > 0.3 * len(before[table])) == (table, True)


def test_time_that_passes_updates_rows_in_place_and_says_how_many(postgres: str):
    """Rows without faults: each key that both days have and that differs is one update."""
    made(postgres, "--customers", "300", "--dirt", "0", "--seed", "1", "--days", "150")
    lines = made(postgres, "--advance", "20").output.splitlines()
    told = {line.split()[0]: tuple(int(word.replace(",", "")) for word in line.split()[1::2]) for line in lines[1:-1]}
    before, after = tables_of(shop(150)), tables_of(shop(170))
    for table, names in KEYS.items():
        old, new = ({tuple(row[name] for name in names): row for row in rows[table]} for rows in (before, after))
        changed = sum(old[key] != new[key] for key in old.keys() & new.keys())
        assert told[table] == (len(new.keys() - old.keys()), changed, len(old.keys() - new.keys())), table


def test_rows_that_somebody_changed_stop_time(postgres: str):
    made(postgres, *SMALL, "--days", "150")
    psql(postgres, "UPDATE shop.orders SET ship_city = 'Elsewhere'")
    before = texts(postgres, "customers")
    done = sample(postgres, "--advance", "20")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0].startswith("UsageError: The table shop.orders is not as the shop left it: ")
    assert lines[0].endswith(" of its rows change, but 0 were found.")
    assert lines[1:] == [
        "  Nothing was written, the shop is as it was.",
        "  Somebody changed rows. Make the shop anew with `kedro mart sample --to`.",
    ]
    assert texts(postgres, "customers") == before


def test_no_fault_is_planted_that_a_type_cannot_hold(postgres: str):
    made(postgres, *SMALL, "--days", "400", "--dirt", "1")
    planted = {fault for (fault,) in psql(postgres, "SELECT DISTINCT fault FROM shop.faults WHERE domain = 'products'")}
    assert planted == {fault.name for fault in PRODUCT_FAULTS if fault.fits_types}


def test_rows_can_be_found_by_key_and_by_change(postgres: str):
    made(postgres, *SMALL, "--days", "30")
    found = psql(postgres, "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'shop'")
    columns = {(table, definition.split("(")[1].rstrip(")")) for table, definition in found}
    assert columns == {(table, name) for table, key in KEYS.items() for name in (key[0], "updated_at")}
    assert not any("UNIQUE" in definition for _, definition in found)


def test_somebodys_tables_are_not_replaced(postgres: str):
    psql(postgres, "CREATE SCHEMA shop", "CREATE TABLE shop.orders (mine int)")
    done = sample(postgres, *SMALL, "--days", "30")
    assert (done.exit_code, done.output) == (
        1,
        "UsageError: The table shop.orders is there already, and no table sample_shop says that it belongs to a sample"
        " shop.\n  Nothing was written.\n"
        "  Name another schema with --schema, or replace the tables with --overwrite.\n",
    )
    made(postgres, *SMALL, "--days", "30", "--overwrite")
    assert len(psql(postgres, "SELECT * FROM shop.orders")[0]) == len(TABLES["orders"])


def test_advance_without_a_shop_is_refused(postgres: str):
    done = sample(postgres, "--advance", "1", "--schema", "elsewhere")
    assert (done.exit_code, done.output) == (
        1,
        "UsageError: There is no sample shop in the schema elsewhere: the table sample_shop is missing.\n"
        "  Nothing was written.\n"
        "  Make one with `kedro mart sample --to`, or name its schema with --schema.\n",
    )


def test_a_refusal_of_the_server_leaves_the_shop_as_it_was(postgres: str):
    made(postgres, *SMALL, "--days", "30")
    before = texts(postgres, "orders")
    psql(postgres, "CREATE VIEW public.watch AS SELECT * FROM shop.orders")
    done = sample(postgres, *SMALL, "--days", "31")
    assert done.exit_code == 1
    assert done.output.splitlines()[1] == "  Nothing was written, the shop is as it was."
    assert "depend" in done.output
    assert texts(postgres, "orders") == before


def test_a_name_with_quotes_is_only_a_name(postgres: str):
    made(postgres, *SMALL, "--days", "30", "--schema", 'a "b" c')
    ((settings,),) = psql(postgres, 'SELECT settings FROM "a ""b"" c".sample_shop')
    assert settings == shop(30, dirt=0.3).to_dict()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://reader:top-secret@127.0.0.1:1/shop", "cannot be reached"),
        ("postgresql+psycopg2://reader:top-secret@127.0.0.1:1/shop", "cannot be reached"),
        (
            "mysql://reader:top-secret@127.0.0.1/shop",
            "The address of --to cannot be used. It does not begin with postgresql://.",
        ),
        ("postgresql://reader:top-secret@127.0.0.1:door/shop", "The address of --to cannot be used."),
    ],
)
def test_a_server_that_cannot_be_reached_is_refused_without_the_password(url: str, said: str):
    done = sample(url, *SMALL)
    assert done.exit_code == 1
    assert said in done.output
    assert "Nothing was written." in done.output
    assert "top-secret" not in done.output
