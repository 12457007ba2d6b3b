"""How a source is read, and why: decided from the ledger and what is staged, without a look at a row."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from datamart_kedro.control.decision import Decision, DomainState, LastPublication, StagedLoad
from datamart_kedro.control.reading import Reading, RefreshRules, choose_reading, instant_of
from datamart_kedro.errors import ParameterError
from datamart_kedro.sources.parts import LocalParts, changed_since
from datamart_kedro.sources.state import SourceState

NOON = datetime(2026, 3, 1, 12)
COLUMNS = {"order_id": "BIGINT", "updated_at": "TIMESTAMP"}
LAST = LastPublication(
    version=4,
    started_at=NOON,
    changed_at=NOON,
    reason="new data",
    fingerprint="f4",
    watermark=NOON,
    rows=9,
    parameters="{}",
    code_version="c",
    source_columns='{"order_id": "BIGINT", "updated_at": "TIMESTAMP"}',
)
STAGED = StagedLoad(NOON, "f4", "{}", "c", watermark=NOON, source_rows=9)
STATE = DomainState(table_exists=True, last=LAST, staged=STAGED)
RULES = RefreshRules()
OPEN = Decision("orders", "load", "new data", SourceState(10, NOON, "f5"), NOON, "{}", "c")


def chosen(
    state: DomainState = STATE,
    decision: Decision = OPEN,
    columns: dict[str, str] = COLUMNS,
    rules: RefreshRules = RULES,
    **how: Any,
) -> Reading:
    return choose_reading(
        decision, state, columns, rules, **{"full": False, "read_since": None, "forced": False, **how}
    )


def test_changes_are_read_from_an_hour_before_the_watermark():
    assert chosen() == Reading("rows changed since 2026-03-01 11:00:00", datetime(2026, 3, 1, 11), compare_keys=False)


ALL = {
    "no table": (replace(STATE, table_exists=False), OPEN, COLUMNS, "nothing is published yet"),
    "no publication": (replace(STATE, last=None), OPEN, COLUMNS, "nothing is published yet"),
    "nothing staged": (replace(STATE, staged=None), OPEN, COLUMNS, "nothing is published yet"),
    "a rollback": (
        replace(STATE, last=replace(LAST, reason="rollback to version 2")),
        OPEN,
        COLUMNS,
        "the mart went back with the rollback to version 2",
    ),
    "other code": (STATE, replace(OPEN, code_version="d"), COLUMNS, "its code, query or parameters changed"),
    "other parameters": (STATE, replace(OPEN, parameters='{"a": 1}'), COLUMNS, "its code, query or parameters changed"),
    "a source that was staged alone": (
        replace(STATE, staged=replace(STAGED, fingerprint="f5")),
        OPEN,
        COLUMNS,
        "tmp_orders holds the rows of a run that did not publish them",
    ),
    "no clock": (STATE, OPEN, {"order_id": "BIGINT"}, "its source has no updated_at with a time"),
    "a clock of days": (STATE, OPEN, {**COLUMNS, "updated_at": "DATE"}, "its source has no updated_at with a time"),
    "a clock of text": (STATE, OPEN, {**COLUMNS, "updated_at": "VARCHAR"}, "its source has no updated_at with a time"),
    "no watermark": (
        replace(STATE, staged=replace(STAGED, watermark=None)),
        OPEN,
        COLUMNS,
        "no watermark was kept by the run before",
    ),
    "one more column": (STATE, OPEN, {**COLUMNS, "status": "VARCHAR"}, "its source has other columns than before"),
    "another type": (
        STATE,
        OPEN,
        {**COLUMNS, "order_id": "VARCHAR"},
        "its source has other columns than before",
    ),
}


@pytest.mark.parametrize(("state", "decision", "columns", "reason"), ALL.values(), ids=ALL.keys())
def test_all_rows_are_read_if_what_is_staged_cannot_be_built_on(
    state: DomainState, decision: Decision, columns: dict[str, str], reason: str
):
    assert chosen(state, decision, columns) == Reading(reason)
    assert chosen(state, decision, columns, forced=True, read_since=NOON) == Reading(reason)


def test_all_rows_are_read_if_somebody_asks_for_it():
    assert chosen(full=True) == Reading("asked for by `--params full=true`")
    assert chosen(forced=True) == Reading("asked for by force")
    assert chosen(full=True, forced=True, read_since=NOON) == Reading("asked for by `--params full=true`")


def test_a_window_that_is_read_again_begins_where_it_is_asked_to_and_never_after_the_overlap():
    past = NOON - timedelta(days=9)
    assert chosen(forced=True, read_since=past) == Reading(
        "rows changed since 2026-02-20 12:00:00, read again as asked", past
    )
    assert chosen(forced=True, read_since=NOON + timedelta(days=9)).since == datetime(2026, 3, 1, 11)


def test_rows_that_a_shop_dates_to_the_first_day_there_is_are_read_from_then_on():
    first = datetime(1, 1, 1)
    state = replace(STATE, staged=replace(STAGED, watermark=first))
    assert chosen(state).since == first
    for zone in ("America/New_York", "Europe/Paris", "UTC"):
        assert changed_since(first, "TIMESTAMP", zone).startswith("(updated_at >= TIMESTAMP '0001-01-01 00:0")


def test_a_window_is_read_again_only_for_domains_that_are_forced():
    assert chosen(read_since=NOON - timedelta(days=9)) == chosen()


@pytest.mark.parametrize(
    ("every", "runs", "is_turn"),
    [(1, 0, True), (3, 0, False), (3, 1, False), (3, 2, True), (3, 7, True), (None, 999, False)],
)
def test_keys_are_compared_when_it_is_their_turn(every: int | None, runs: int, is_turn: bool):
    state = replace(STATE, staged=replace(STAGED, runs_since_comparison=runs))
    assert chosen(state, rules=RefreshRules(compare_keys_every=every)).compare_keys is is_turn


@pytest.mark.parametrize("wrong", [{"overlap_minutes": -1}, {"compare_keys_every": 0}, {"full_from_share": 1.1}])
def test_rules_out_of_range_are_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        RefreshRules(**wrong)


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        (None, None),
        ("2026-03-01", datetime(2026, 3, 1)),
        (date(2026, 3, 1), datetime(2026, 3, 1)),
        ("2026-03-01T12:00+02:00", datetime(2026, 3, 1, 10)),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), NOON),
        (NOON, NOON),
    ],
)
def test_the_parameter_read_since_is_an_instant_in_utc(given: object, instant: datetime | None):
    assert instant_of(given) == instant


def test_what_is_no_instant_is_refused():
    for wrong in ("soon", "0001-01-01T00:00+02:00"):
        with pytest.raises(ParameterError, match=re.escape(f"read_since is '{wrong}'")):
            instant_of(wrong)


def test_a_reading_is_itself_again_out_of_its_text():
    for reading in (chosen(), chosen(full=True), Reading("why", NOON, compare_keys=True)):
        assert Reading.from_json(reading.to_json()) == reading


def test_a_reading_says_which_rows():
    assert str(chosen()) == "reads rows changed since 2026-03-01 11:00:00"
    assert str(chosen(full=True)) == "reads all rows: asked for by `--params full=true`"


@pytest.mark.parametrize(
    ("since", "bound"),
    [
        (datetime(2026, 1, 15, 12), "TIMESTAMP '2026-01-15 13:00:00'"),
        (datetime(2026, 7, 15, 12), "TIMESTAMP '2026-07-15 13:00:00'"),  # 14:00 by the clock, 13:00 if it was put back
        (datetime(2026, 10, 25, 1, 30), "TIMESTAMP '2026-10-25 02:30:00'"),
    ],
)
def test_a_window_by_the_clock_begins_at_the_first_of_the_hours_that_it_can_mean(since: datetime, bound: str):
    condition = changed_since(since, "TIMESTAMP", "Europe/Paris")
    assert condition == f"(updated_at >= {bound} OR updated_at IS NULL)"


def test_a_window_west_of_greenwich_begins_earlier_by_the_clock():
    condition = changed_since(datetime(2026, 7, 15, 12), "TIMESTAMP", "America/New_York")
    assert condition == "(updated_at >= TIMESTAMP '2026-07-15 07:00:00' OR updated_at IS NULL)"


def test_a_window_of_instants_is_in_utc():
    condition = changed_since(NOON, "TIMESTAMP WITH TIME ZONE", "Europe/Paris")
    assert condition == "(updated_at >= TIMESTAMPTZ '2026-03-01 12:00:00+00' OR updated_at IS NULL)"


def test_where_all_rows_tell_when_they_changed_the_window_is_a_plain_comparison():
    condition = changed_since(NOON, "TIMESTAMP", "UTC", all_tell=True)
    assert condition == "(updated_at >= TIMESTAMP '2026-03-01 12:00:00')"


@pytest.mark.parametrize(("second", "all_tell"), [("TIMESTAMP '2026-01-02'", True), ("NULL", False)])
def test_totals_tell_whether_all_rows_tell_when_they_changed(second: str, all_tell: bool):
    with duckdb.connect() as engine:
        engine.execute(
            f"CREATE TEMP TABLE whole AS FROM (VALUES (TIMESTAMP '2026-01-01'), ({second})) AS t(updated_at)"
        )
        parts = LocalParts(engine, "whole", "TABLE", 2)
        assert not parts.all_tell
        assert parts.totals("TIMESTAMP", "UTC").rows == 2
        assert parts.all_tell is all_tell
