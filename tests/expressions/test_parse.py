"""What a source delivers becomes a value or a reason, and never something else in silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datamart_kedro.columns import Kind, SourceColumn
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import judge
from datamart_kedro.expressions.stage import stage
from tests.tables import table

PARIS = Formats(time_zone="Europe/Paris")
PLACES: dict[Kind, int] = {"decimal": 3, "money": 4, "rate": 6}


def read(kind: Kind, *came: Any, dtype: str = "string", formats: Formats | None = None) -> list[Any]:
    """The value made of each thing that came, or the reasons why there is none."""
    source = table([{"row": row, "x": value} for row, value in enumerate(came)], row="int64", x=dtype)
    columns = {"row": SourceColumn("id", required=True), "x": SourceColumn(kind), "updated_at": SourceColumn("instant")}
    staged = stage(source, columns, ("row",), formats or Formats(), rules={})
    found = {row["row"]: row["x"] for row in staged.rows.to_pyarrow().to_pylist()}
    found |= {row["came"]["row"]: row["reasons"] for row in staged.rejected.to_pyarrow().to_pylist()}
    return [found[row] for row in range(len(came))]


def test_plain_numbers_are_read_in_all_their_forms():
    assert read("money", "12", "  12 ", "-3.50", "+3.5", ".5", "5.", "1e3", "1E-2") == [
        Decimal(text) for text in ("12.0000", "12.0000", "-3.5000", "3.5000", "0.5000", "5.0000", "1000.0000", "0.0100")
    ]


def test_a_text_that_is_no_plain_number_is_not_guessed_at():
    came = [
        "1,234.56",
        "1 234",
        "1_000",
        "١٢",
        "\uff11\uff12",
        "NaN",
        "inf",
        "-Infinity",
        "0x10",
        "--5",
        "+",
        "1e",
        "e5",
        ".",
        "12 €",
    ]
    assert read("money", *came) == ["x is not a number"] * len(came)


def test_a_number_too_large_for_its_type_is_out_of_range():
    came = ["9" * 40, "100000000000000", "99999999999999.99995", "1e14", "1e99", "-1e14"]
    assert read("money", *came) == ["x is out of range"] * len(came)


def test_the_largest_number_of_a_type_is_kept():
    assert read("money", "99999999999999.9999", "-99999999999999.9999") == [
        Decimal("99999999999999.9999"),
        Decimal("-99999999999999.9999"),
    ]


@pytest.mark.parametrize("kind", ["decimal", "money", "rate"])
@settings(deadline=None, max_examples=5)
@given(numbers=st.lists(st.decimals(-(10**9), 10**9, places=9), min_size=1, max_size=80))
@example(numbers=[Decimal(text) for text in ("0.0005", "-0.0005", "0.00005", "-0.00005", "0.0000005", "2.67499999")])
def test_digits_beyond_the_type_are_rounded_half_away_from_zero(kind: Kind, numbers: list[Decimal]):
    cents = Decimal(1).scaleb(-PLACES[kind])
    assert read(kind, *(f"{number:f}" for number in numbers)) == [
        number.quantize(cents, ROUND_HALF_UP) for number in numbers
    ]


def test_decimals_of_the_source_are_rounded_half_away_from_zero_too():
    came = [Decimal("1.00005"), Decimal("-1.00005"), Decimal("1.00004"), None]
    assert read("money", *came, dtype="decimal(38, 5)") == [
        Decimal("1.0001"),
        Decimal("-1.0001"),
        Decimal("1.0000"),
        None,
    ]


def test_a_decimal_of_the_source_that_does_not_fit_is_out_of_range():
    assert read("money", Decimal("99999999999999999999.1"), dtype="decimal(38, 5)") == ["x is out of range"]


@pytest.mark.parametrize("kind", ["decimal", "money", "rate"])
def test_the_largest_number_of_each_type_of_the_source_is_kept_or_out_of_range(kind: Kind):
    whole = {"int8": 2**7, "int16": 2**15, "int32": 2**31, "int64": 2**63, "uint32": 2**32, "uint64": 2**64}
    sizes = ((12, 6), (13, 0), (14, 0), (14, 2), (17, 3), (18, 2), (18, 5), (18, 9), (19, 4), (38, 20))
    with localcontext(prec=60):
        largest = {dtype: Decimal(beyond - 1) for dtype, beyond in whole.items()}
        largest |= {f"decimal({digits}, {scale})": Decimal(10**digits - 1).scaleb(-scale) for digits, scale in sizes}
        rounded = {
            dtype: number.quantize(Decimal(1).scaleb(-PLACES[kind]), ROUND_HALF_UP) for dtype, number in largest.items()
        }
    for dtype, number in largest.items():
        fits = rounded[dtype] < 10 ** (18 - PLACES[kind])
        came = int(number) if dtype in whole else number
        assert read(kind, came, dtype=dtype) == [rounded[dtype] if fits else "x is out of range"]


def test_floats_of_the_source_become_the_decimals_that_people_wrote():
    assert read("money", 0.1, 2.675, 19.99, dtype="float64") == [
        Decimal("0.1000"),
        Decimal("2.6750"),
        Decimal("19.9900"),
    ]


def test_a_float_that_is_no_decimal_is_out_of_range():
    came = [float("nan"), float("inf"), -float("inf"), 1e300, 1e14]
    assert read("money", *came, dtype="float64") == ["x is out of range"] * len(came)


def test_whole_numbers_are_read_and_others_are_not_rounded():
    assert read("integer", "7", "-7", "7.0", "7.5", "1e2", "9223372036854775807") == [
        7,
        -7,
        7,
        "x is not a whole number",
        "x is not a whole number",
        9223372036854775807,
    ]


def test_a_whole_number_beyond_64_bits_is_out_of_range():
    assert read("integer", "9223372036854775808") == ["x is out of range"]
    assert read("integer", 2**63, dtype="uint64") == ["x is out of range"]


@pytest.mark.parametrize(("dtype", "half"), [("float64", 1.5), ("decimal(18, 10)", Decimal("1.5"))])
def test_a_fraction_in_a_numeric_column_is_not_a_whole_number(dtype: str, half: float | Decimal):
    assert read("integer", half, half * 2, dtype=dtype) == ["x is not a whole number", 3]


def test_missing_words_mean_null_in_any_case_and_nothing_else_does():
    assert read("text", "", "  ", "N/A", "null", "None", "-", "na", "0", None) == [None] * 6 + ["na", "0", None]


def test_missing_words_are_a_parameter():
    formats = Formats(missing_words=("OHNE", "ΕΛΛΑΣ"))
    assert read("text", "ohne", "ελλασ", "n/a", "", formats=formats) == [None, None, "n/a", None]


def test_a_missing_number_instant_or_flag_is_null_and_no_fault():
    assert [read(kind, "n/a") for kind in ("money", "integer", "instant", "flag", "id")] == [[None]] * 5


def test_yes_and_no_are_read_in_any_case():
    assert read("flag", "TRUE", "t", "Yes", "y", "1", "False", "F", "no", "N", "0") == [True] * 5 + [False] * 5


def test_any_other_flag_is_not_guessed_at():
    came = ["2", "-1", "ja", "on", "truee"]
    assert read("flag", *came) == ["x is not yes or no"] * len(came)


def test_flags_come_as_booleans_or_as_0_and_1():
    assert read("flag", True, False, None, dtype="boolean") == [True, False, None]
    assert read("flag", 0, 1, 2, -1, dtype="int64") == [False, True, "x is not yes or no", "x is not yes or no"]


def test_ids_are_kept_as_they_are_but_for_blanks_around_them():
    assert read("id", "007", " 7 ", "7", "ab-C", "7\n") == ["007", "7", "7", "ab-C", "7"]


def test_integer_ids_stay_integers_and_those_beyond_64_bits_become_text():
    assert read("id", 7, -1, dtype="int32") == [7, -1]
    assert read("id", 2**64 - 1, dtype="uint64") == ["18446744073709551615"]


def test_other_types_can_be_text():
    assert read("text", 7, dtype="int64") == ["7"]
    assert read("text", True, dtype="boolean") == ["true"]


def test_a_column_that_is_always_null_is_null():
    assert [read(kind, None, dtype="null") for kind in ("id", "text", "money", "instant", "flag")] == [[None]] * 5


def test_dates_are_read_in_the_formats_of_the_shop():
    known = [
        ("2025-12-31", datetime(2025, 12, 31)),
        ("2025-1-2", datetime(2025, 1, 2)),
        ("2025-12-31 23:59", datetime(2025, 12, 31, 23, 59)),
        ("2025-12-31T23:59:58.123456789", datetime(2025, 12, 31, 23, 59, 58, 123456)),
        ("20251231", datetime(2025, 12, 31)),
        ("20251231 06:05", datetime(2025, 12, 31, 6, 5)),
        ("31/12/2025 23:59", datetime(2025, 12, 31, 23, 59)),
        ("1.2.2025", datetime(2025, 2, 1)),
        ("1-2-2025", datetime(2025, 2, 1)),
        ("2024-02-29", datetime(2024, 2, 29)),
        ("2025-01-01T24:00:00", datetime(2025, 1, 2)),
        ("0001-01-01", datetime(1, 1, 1)),
        ("9999-12-31", datetime(9999, 12, 31)),
    ]
    assert read("instant", *(text for text, _ in known)) == [instant for _, instant in known]


def test_an_offset_is_read_however_it_is_written_and_wins_over_the_zone():
    came = [
        "2025-12-31T10:00:00Z",
        "2025-12-31T10:00:00z",
        "2025-12-31 10:00:00 UTC",
        "2025-12-31T10:00Z",
        "2025-12-31T15:30:00+05:30",
        "2025-12-31T15:30:00+0530",
        "2025-12-31 15:30:00 +0530",
        "2025-12-31T15:30+05:30",
        "2025-12-31T15:00:00.000000+05",
        "2025-12-31T09:30:00-00:30",
    ]
    assert read("instant", *came, formats=PARIS) == [datetime(2025, 12, 31, 10)] * len(came)


def test_a_text_that_is_no_date_of_the_formats_is_not_guessed_at():
    came = [
        "2025-02-30",
        "2023-02-29",
        "20250230",
        "13/13/2025",
        "12/31/2025",
        "2025/12/31",
        "2025-12-31T23:59:60Z",
        "2025-12-31T23:59:60",
        "2025-12-31 25:00",
        "2025-12-31T10:00:00+99:00",
        "12025-01-01",
        "infinity",
        "epoch",
        "today",
        "1735689600",
        "2025-12-31 10:00 PM",
        "2025-12-31 10:00 Europe/Paris",
        "2025-12-31T anything Z",
        "0044-03-15 (BC)",
    ]
    assert read("instant", *came) == ["x is not a date"] * len(came)


def test_an_instant_outside_the_years_1_to_9999_is_out_of_range():
    came = ["0000-01-01", "0000-12-31T00:00:00Z", "9999-12-31T23:59:59-12:00"]
    assert read("instant", *came) == ["x is out of range"] * len(came)


def test_a_zone_can_move_a_time_out_of_range():
    assert read("instant", "0001-01-01", formats=PARIS) == ["x is out of range"]


def test_only_the_formats_of_the_shop_are_read():
    formats = Formats(date_formats=("month_first",))
    assert read("instant", "12/31/2025", "31/12/2025", "2025-12-31", "2025-12-31T10:00:00Z", formats=formats) == [
        datetime(2025, 12, 31),
        "x is not a date",
        "x is not a date",
        datetime(2025, 12, 31, 10),
    ]


def test_an_hour_that_clocks_skip_or_repeat_is_read_in_standard_time():
    assert read("instant", "2025-03-30 02:30", "2025-10-26 02:30", formats=PARIS) == [
        datetime(2025, 3, 30, 1, 30),
        datetime(2025, 10, 26, 1, 30),
    ]


def test_instants_and_days_of_the_source_are_read_in_the_zone_of_the_shop():
    assert read("instant", datetime(2025, 7, 1, 12), dtype="timestamp", formats=PARIS) == [datetime(2025, 7, 1, 10)]
    assert read("instant", date(2025, 7, 1), dtype="date", formats=PARIS) == [datetime(2025, 6, 30, 22)]


def test_an_instant_of_the_source_with_a_zone_is_left_as_it_is():
    noon = datetime(2025, 7, 1, 12, tzinfo=UTC)
    assert read("instant", noon, dtype="timestamp('Europe/Paris')", formats=PARIS) == [datetime(2025, 7, 1, 12)]


def test_an_instant_of_the_source_that_no_calendar_shows_is_out_of_range():
    instants = ("'infinity'::TIMESTAMP", "'-infinity'::DATE", "'infinity'::TIMESTAMPTZ", "'290000-01-01'::TIMESTAMP")
    columns = {f"x{number}": SourceColumn("instant") for number in range(len(instants))}
    values = ", ".join(f"{instant} AS {name}" for instant, name in zip(instants, columns, strict=True))
    engine = ibis.get_backend()
    engine.raw_sql(f"CREATE OR REPLACE TEMP VIEW beyond AS SELECT {values}")
    _, _, rejected = judge(engine.table("beyond"), columns, PARIS, {})
    (reasons,) = rejected.reasons.to_pyarrow().to_pylist()
    assert reasons == "; ".join(f"{name} is out of range" for name in columns)


@pytest.fixture
def engine_in_new_york() -> Iterator[None]:
    """The engine, in a session whose time zone is not UTC."""
    engine = ibis.get_backend()
    engine.raw_sql("SET TimeZone = 'America/New_York'")
    yield
    engine.raw_sql("RESET TimeZone")


@pytest.mark.usefixtures("engine_in_new_york")
def test_instants_do_not_depend_on_the_zone_of_the_session():
    noon, instant = datetime(2025, 7, 1, 12), "timestamp('UTC')"
    assert read("instant", noon.replace(tzinfo=UTC), dtype=instant) == [noon]
    assert read("instant", "2025-07-01T14:00:00+02:00", "2025-07-01 12:00") == [noon, noon]
    assert read("instant", "2025-07-01 14:00", formats=PARIS) == [noon]


@settings(deadline=None, max_examples=5)
@given(
    st.lists(
        st.tuples(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), st.integers(-15 * 60, 15 * 60)),
        min_size=1,
        max_size=60,
    )
)
def test_instants_with_an_offset_are_those_that_python_finds(instants: list[tuple[datetime, int]]):
    aware = [at.replace(tzinfo=timezone(timedelta(minutes=minutes))) for at, minutes in instants]
    assert read("instant", *(at.isoformat() for at in aware)) == [
        at.astimezone(UTC).replace(tzinfo=None) for at in aware
    ]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Asia/Kolkata"])
@settings(deadline=None, max_examples=5)
@given(times=st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), min_size=1, max_size=60))
@example(times=[datetime(2025, 3, 30, 2, 30), datetime(2025, 11, 2, 1, 30), datetime(2025, 3, 9, 2, 30)])
def test_times_in_a_zone_are_those_that_python_finds(zone: str, times: list[datetime]):
    def standard(time: datetime) -> datetime:
        folds = (time.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
        return max(folds).replace(tzinfo=None)

    read_times = read("instant", *(time.isoformat(" ") for time in times), formats=Formats(time_zone=zone))
    assert read_times == [standard(time) for time in times]


@pytest.mark.parametrize("kind", ["decimal", "money", "rate", "integer", "instant", "flag"])
@settings(deadline=None, max_examples=8)
@given(came=st.lists(st.one_of(st.text(), st.text("0123456789+-.eE:TZ /")), min_size=1, max_size=60))
def test_no_text_becomes_null_without_a_reason(kind: Kind, came: list[str]):
    texts = read("text", *came)
    assert [value is None for value in read(kind, *came)] == [text is None for text in texts]
