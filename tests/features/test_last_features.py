"""What a run can tell of the last publication of features."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from datamart_kedro.control.decision import Decision
from datamart_kedro.mart import ledger
from datamart_kedro.mart.mart import Mart, MartSettings
from datamart_kedro.mart.run import begin, now
from datamart_kedro.mart.settled import last_features
from datamart_kedro.sources.state import SourceState

NAMES = ("customers", "orders", "order_items")


def decision(reason: str = "tb_orders is built in this run", code: str = "code") -> Decision:
    return Decision("ft_customers", "rebuild", reason, SourceState(None, None, ""), None, '{"features": {}}', code)


@pytest.fixture
def mart(tmp_path: Path) -> Iterator[Mart]:
    """A mart in which one cutoff of one customer is published, in the run after."""
    opened = Mart(MartSettings(str(tmp_path / "mart.duckdb"), str(tmp_path / "tmp"), str(tmp_path)))
    first = begin(opened, "first", ["ft_customers"])
    ledger.note_decisions(opened, first.run_id, [decision()], now())
    ledger.update(opened, first.run_id, "ft_customers", {"status": "published", "version": 1})
    opened.execute(
        "CREATE TABLE ft_customers AS SELECT 1 AS customer_id, DATE '2025-02-01' AS cutoff_date, 'known_then' AS basis"
    )
    opened.execute("CREATE TABLE tb_customers AS SELECT 1 AS customer_id")
    begin(opened, "second", ["ft_customers"]).decisions["ft_customers"] = decision()
    yield opened
    opened.close()


def unknown(mart: Mart) -> str:
    return last_features(mart, "ft_customers", NAMES, ("cutoff_date", "basis")).unknown


def test_the_marks_of_what_is_published_are_told(mart: Mart):
    found = last_features(mart, "ft_customers", NAMES, ("cutoff_date", "basis"))
    assert (found.unknown, found.parameters) == ("", {"features": {}})
    assert found.marks == {(date(2025, 2, 1), "known_then")}
    assert mart.scalar("SELECT started_at FROM tb_control_data_update WHERE run_id = 'first'") == found.started_at


def test_ids_of_another_type_cannot_be_held_against_those_of_before(mart: Mart):
    mart.execute("ALTER TABLE tb_customers ALTER customer_id TYPE VARCHAR")
    assert unknown(mart) == "tb_customers.customer_id is of another type than before"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (decision(code="other"), "its code changed since version 1"),
        (decision("forced by `--params force=ft_customers`"), "forced by `--params force=ft_customers`"),
        (Decision.by_name("ft_customers"), "asked for by name (--nodes)"),
    ],
)
def test_a_decision_against_leaving_anything_out_is_told(mart: Mart, given: Decision, reason: str):
    assert mart.run is not None
    mart.run.decisions["ft_customers"] = given
    assert unknown(mart) == reason


def test_a_table_that_somebody_dropped_does_not_exist(mart: Mart):
    mart.execute("DROP TABLE ft_customers")
    assert unknown(mart) == "ft_customers does not exist yet"


def test_outside_of_a_run_nothing_is_settled(mart: Mart):
    mart.run = None
    assert unknown(mart) == "no run asks for it"
