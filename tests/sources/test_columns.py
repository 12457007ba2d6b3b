"""Which columns a source must give, and of which types they can be."""

from __future__ import annotations

import logging
from typing import cast

import pytest

from datamart_kedro.columns import Kind, SourceColumn
from datamart_kedro.control.probe import Probe, require_columns
from datamart_kedro.errors import SourceError
from datamart_kedro.sources.query import SourceQuery
from datamart_kedro.sources.shop import Shop


class ShopOfColumns:
    """A shop of which only the columns are known."""

    def __init__(self, columns: dict[str, str]) -> None:
        self.columns = columns

    def place(self, query: str) -> str:
        return "the shop"

    def describe(self, query: str) -> dict[str, str]:
        return self.columns


def probe(**columns: str) -> Probe:
    return Probe(cast("Shop", ShopOfColumns(columns)), SourceQuery("orders", "SELECT 1", "orders.sql"))


INSTANTS = ("VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", '"NULL"')
NUMBERS = (
    "VARCHAR",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UBIGINT",
    "DECIMAL(12,4)",
    "DOUBLE",
    "FLOAT",
    '"NULL"',
)
TYPES: dict[Kind, tuple[str, ...]] = {
    "id": ("VARCHAR", "SMALLINT", "INTEGER", "BIGINT", "UUID", "ENUM('a', 'b')", '"NULL"'),
    "text": ("VARCHAR", "INTEGER", "DATE", "JSON", "TIME", "UUID", "BOOLEAN", '"NULL"'),
    "instant": INSTANTS,
    "integer": NUMBERS,
    "decimal": NUMBERS,
    "money": NUMBERS,
    "rate": NUMBERS,
    "flag": ("VARCHAR", "BOOLEAN", "INTEGER", "SMALLINT", '"NULL"'),
}
IMPOSSIBLE: dict[Kind, tuple[str, ...]] = {
    "id": ("DOUBLE", "DECIMAL(10,0)", "DATE", "BOOLEAN", "JSON", "INTEGER[]"),
    "text": ("VARCHAR[]", "STRUCT(a INTEGER)", "BLOB", "MAP(VARCHAR, INTEGER)"),
    "instant": ("INTEGER", "DOUBLE", "TIME", "TIME WITH TIME ZONE", "INTERVAL", "UUID", "BOOLEAN", "DATE[]"),
    "money": ("BOOLEAN", "DATE", "TIMESTAMP", "TIME", "UUID", "JSON", "DECIMAL(12,2)[]", "BLOB"),
    "flag": ("DATE", "TIMESTAMP", "DOUBLE", "DECIMAL(1,0)", "UUID", "BLOB"),
}


@pytest.mark.parametrize(("kind", "found"), [(kind, found) for kind, types in TYPES.items() for found in types])
def test_a_column_can_be_of_this_type(kind: Kind, found: str):
    require_columns(probe(x=found), {"x": SourceColumn(kind, required=True)})


WORDS = {"id": "an id", "text": "a text", "instant": "an instant", "money": "a number", "flag": "a yes or no"}


@pytest.mark.parametrize(("kind", "found"), [(kind, found) for kind, types in IMPOSSIBLE.items() for found in types])
def test_a_column_cannot_be_of_this_type(kind: Kind, found: str):
    with pytest.raises(SourceError) as refusal:
        require_columns(probe(x=found), {"x": SourceColumn(kind)})
    assert refusal.value.happened == f"orders: the shop gives x as {found}, which cannot be {WORDS[kind]}."
    assert refusal.value.next_step == "Cast it in orders.sql."


def test_missing_required_columns_are_named_with_those_that_are_there():
    columns = {"order_id": SourceColumn("id", required=True), "ordered_at": SourceColumn("instant", required=True)}
    with pytest.raises(SourceError) as refusal:
        require_columns(probe(id="INTEGER", day="DATE"), columns)
    assert refusal.value.happened == "orders: the shop gives no column order_id, ordered_at; it gives id, day."
    assert refusal.value.next_step == ("Give the shop's column that name in orders.sql: SELECT its_name AS order_id.")


def test_an_absent_optional_column_is_no_fault():
    require_columns(probe(order_id="INTEGER"), {"order_id": SourceColumn("id"), "status": SourceColumn("text")})


def test_columns_that_nobody_uses_are_named_in_the_log(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO, "datamart_kedro"):
        require_columns(probe(order_id="INTEGER", colour="VARCHAR", size="VARCHAR"), {"order_id": SourceColumn("id")})
    assert caplog.messages == ["orders: columns that the mart does not use: colour, size"]
