"""An API that misbehaves: each fault ends in all rows, or in words that say what happened."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.retries import retry_after
from tests.sources.api_reading import ids, numbered, read, source
from tests.sources.faulty_api import body, drip, nothing, packed_but_cut, serving, silence, status

pytestmark = pytest.mark.usefixtures("impatient")

WHOLE = json.dumps({"data": numbered(2), "meta": {"total": 2}}).encode()
SHORT = {"timeout_s": 0.2, "page_timeout_s": 0.5}

PASSING = {
    "500": status(500),
    "502": status(502),
    "503": status(503, Retry_After="0"),
    "429": status(429, Retry_After="0"),
    "408": status(408),
    "cut": body(WHOLE, Content_Length=len(WHOLE) + 5),
    "cut in its chunks": body(b"a\r\n123", Transfer_Encoding="chunked", Content_Length=None),
    "packed and cut": packed_but_cut(WHOLE),
    "not packed": body(WHOLE, Content_Encoding="gzip"),
    "half of it, told as whole": body(WHOLE[:-3]),
    "html": body(b"<html>busy</html>", Content_Type="text/html"),
    "nothing": body(b""),
    "silence": silence,
    "drip": drip,
}
LASTING = {
    "500": (status(500), "answers 500 Internal Server Error (tried 3 times)."),
    "429": (status(429), "answers 429 Too Many Requests (tried 3 times)."),
    "520": (status(520), "answers 520 (tried 3 times)."),
    "cut": (PASSING["cut"], "was lost after 54 bytes: the connection ended before the answer did (tried 3 times)."),
    "html": (PASSING["html"], "does not answer with JSON: it ends too early, or is not JSON (text/html, 17 bytes)"),
    "silence": (silence, "cannot be reached: nothing came for 0.2 s (tried 3 times)."),
    "drip": (drip, "it was still coming after 0.5 s (tried 3 times)."),
}
FINAL = {
    "400": (status(400), "answers 400 Bad Request.", "Check source.api.base_url, and path and params of the endpoint."),
    "401": (status(401), "answers 401 Unauthorized.", "Check source.api.authentication"),
    "403": (status(403), "answers 403 Forbidden.", "Check source.api.authentication"),
    "404": (status(404), "answers 404 Not Found.", "Check source.api.base_url"),
    "501": (status(501), "answers 501 Not Implemented.", "Check source.api.base_url"),
    "204": (status(204), "answers 204 No Content.", "Check source.api.base_url"),
    "304": (status(304), "answers 304 Not Modified.", "Check source.api.base_url"),
    "an error, told as fine": (body(b'{"error": "quota"}'), "no list under data; it has error.", "Name the place"),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("page", [1, 2])
def test_a_fault_that_passes_costs_no_row(tmp_path: Path, fault: str, page: int):
    with serving(customers=numbered(4)) as api:
        api.faults += [nothing] * (page - 1) + [PASSING[fault]]
        assert ids(read(source(api, tmp_path, api_settings=SHORT))) == [1, 2, 3, 4]
    assert len(api.asked) == 3


@pytest.mark.parametrize("fault", LASTING)
def test_a_fault_that_lasts_is_named(tmp_path: Path, fault: str):
    how, said = LASTING[fault]
    with serving(customers=numbered(4)) as api:
        api.faults += [nothing, how, how, how]
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path, api_settings=SHORT))
    assert said in caught.value.happened
    assert f"{api.url}/customers" in caught.value.happened
    assert len(api.asked) == 4


@pytest.mark.parametrize("fault", FINAL)
def test_what_will_not_pass_is_asked_for_once(tmp_path: Path, fault: str):
    how, said, next_step = FINAL[fault]
    with serving(customers=numbered(4)) as api:
        api.faults.append(how)
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path))
    assert caught.value.happened.endswith(said)
    assert caught.value.next_step.startswith(next_step)
    assert len(api.asked) == 1


def test_an_answer_that_gzip_packed_is_unpacked(tmp_path: Path):
    with serving() as api:
        api.faults.append(body(gzip.compress(WHOLE), Content_Encoding="gzip"))
        assert ids(read(source(api, tmp_path))) == [1, 2]


def test_an_answer_that_is_too_large_is_refused(tmp_path: Path):
    """A megabyte of blanks, packed into a thousandth of it."""
    with serving() as api:
        api.faults.append(body(gzip.compress(b" " * (1 << 20) + WHOLE), Content_Encoding="gzip"))
        with pytest.raises(SourceError, match="answers with more than 1 MB"):
            read(source(api, tmp_path, api_settings={"max_page_mb": 1}))
    assert len(api.asked) == 1


def test_nobody_listens(tmp_path: Path):
    with serving() as api:
        url = api.url
    with pytest.raises(SourceError) as caught:
        read(source(url, tmp_path, attempts=2))
    assert str(caught.value) == (
        f"{url}/customers cannot be reached: nothing answers there (tried 2 times).\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Check source.api.base_url, and that the API is up."
    )


def test_the_api_is_left_alone_as_long_as_it_wants(tmp_path: Path):
    with serving(customers=numbered(2)) as api:
        api.faults.append(status(429, Retry_After="1"))
        started = time.monotonic()
        read(source(api, tmp_path))
    assert 1 <= time.monotonic() - started < 3


def test_an_api_that_wants_to_be_left_alone_for_too_long_ends_the_run(tmp_path: Path):
    with serving(customers=numbered(2)) as api:
        api.faults.append(status(503, Retry_After="7200"))
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path))
    assert caught.value.happened == (
        f"{api.url}/customers answers 503 Service Unavailable, and wants to be left alone for 7,200 s."
    )
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("Wed, 25 Nov 2026 12:01:30 GMT", 90.0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None):
    assert retry_after(header, datetime(2026, 11, 25, 12, 0, tzinfo=UTC)) == seconds


def test_requests_keep_to_the_rate(tmp_path: Path):
    """Five requests, of which the first need not wait: four pauses of a twentieth of a second."""
    with serving(customers=numbered(10)) as api:
        started = time.monotonic()
        read(source(api, tmp_path, api_settings={"requests_per_s": 20}))
    assert len(api.asked) == 5
    assert time.monotonic() - started >= 0.2


def test_a_list_without_rows_is_refused(tmp_path: Path):
    with (
        serving(customers=[]) as api,
        pytest.raises(SourceError, match="has no rows, so that its fields are not known"),
    ):
        read(source(api, tmp_path))


def test_fields_that_no_row_has_are_null_if_they_are_named(tmp_path: Path):
    with serving(customers=numbered(2)) as api:
        query = "SELECT id, deleted_at FROM customers"
        assert read(source(api, tmp_path, fields=["id", "deleted_at"]), query) == [("1", None), ("2", None)]
        api.lists["customers"] = []
        assert read(source(api, tmp_path, fields=["id", "deleted_at"]), query) == []


def test_fields_that_differ_in_capital_letters_alone_are_refused(tmp_path: Path):
    with (
        serving(customers=[{"id": 1, "Id": 2}]) as api,
        pytest.raises(SourceError, match="rows have the fields id, Id"),
    ):
        read(source(api, tmp_path))


def test_ids_that_are_used_as_names_are_refused(tmp_path: Path):
    rows = [{f"field_{number}": 1} for number in range(10_001)]
    with serving(customers=rows) as api, pytest.raises(SourceError, match="more than 10,000 different fields"):
        read(source(api, tmp_path, paging={"kind": "page", "size": 20_000}, total=None))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT * FROM clients", "Table with name clients does not exist!"),
        ("SELECT surname FROM customers", 'Referenced column "surname" not found'),
        ("SELECT id FROM", "syntax error"),
    ],
)
def test_a_query_that_is_wrong_names_the_lists_that_there_are(tmp_path: Path, query: str, said: str):
    with serving(customers=numbered(1)) as api, pytest.raises(SourceError) as caught:
        read(source(api, tmp_path), query)
    assert said in caught.value.happened
    assert caught.value.next_step == (
        "Mend the query; there are the lists customers, and every field of theirs is a text."
    )


def test_a_disk_that_is_full_is_named(tmp_path: Path):
    (tmp_path / "data").write_text("a file, where a folder should be")
    with serving(customers=numbered(1)) as api, pytest.raises(SourceError) as caught:
        read(source(api, tmp_path))
    assert caught.value.happened == f"What {api.url}/customers answers cannot be kept: Not a directory."
