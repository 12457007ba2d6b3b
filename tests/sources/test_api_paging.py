"""A list comes whole, however the API pages it, or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.paging import link_to_next
from tests.sources.api_reading import BY_CURSOR, BY_LINK, BY_OFFSET, BY_PAGE, PAGINGS, ids, numbered, read, source
from tests.sources.faulty_api import body, nothing, serving


@pytest.mark.parametrize("kind", PAGINGS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_every_row_comes_once_however_the_list_is_paged(tmp_path: Path, kind: str, count: int):
    with serving(customers=numbered(count)) as api:
        assert ids(read(source(api, tmp_path, paging=PAGINGS[kind]))) == list(range(1, count + 1))


@pytest.mark.parametrize("paging", [BY_PAGE, BY_OFFSET], ids=["page", "offset"])
def test_every_row_comes_where_the_api_tells_no_total(tmp_path: Path, paging: dict[str, object]):
    with serving(customers=numbered(5)) as api:
        assert ids(read(source(api, tmp_path, paging=paging, total=None))) == [1, 2, 3, 4, 5]


def test_a_total_may_come_in_a_header(tmp_path: Path):
    with serving(customers=numbered(5)) as api:
        assert ids(read(source(api, tmp_path, total=None, total_header="x-total"))) == [1, 2, 3, 4, 5]
    assert api.params("page") == ["1", "2", "3"]


@pytest.mark.parametrize("paging", [BY_PAGE | {"size": 100}, BY_OFFSET | {"size": 100}], ids=["page", "offset"])
def test_pages_that_are_smaller_than_asked_for_are_not_taken_for_the_last(tmp_path: Path, paging: dict[str, object]):
    with serving(customers=numbered(7)) as api:
        api.largest_page = 3
        assert ids(read(source(api, tmp_path, paging=paging, total=None, read_twice=False))) == [1, 2, 3, 4, 5, 6, 7]


def test_an_empty_page_with_a_cursor_is_not_the_end(tmp_path: Path):
    with serving(customers=numbered(4)) as api:
        api.faults.append(body(b'{"data": null, "next": "0", "meta": {"total": 4}}'))
        assert ids(read(source(api, tmp_path, paging=BY_CURSOR))) == [1, 2, 3, 4]


def test_cursors_that_lead_in_a_circle_are_refused(tmp_path: Path):
    with serving(customers=numbered(4)) as api:
        api.faults += [nothing, body(b'{"data": [{"id": 3}], "next": "2", "meta": {"total": 4}}')]
        with pytest.raises(SourceError, match=r"Page 2 of .*/customers leads back to a page that was read"):
            read(source(api, tmp_path, paging=BY_CURSOR))


def test_an_api_that_does_not_heed_the_page_is_refused(tmp_path: Path):
    paging = {"kind": "page", "param": "number", "size_param": None}
    refused = pytest.raises(SourceError, match=r"Pages 1 and 2 of .* have the same rows.*parameter number")
    with serving(customers=numbered(4)) as api, refused:
        read(source(api, tmp_path, paging=paging, total=None))


def test_a_list_without_end_is_refused(tmp_path: Path):
    with serving(customers=numbered(1)) as api:
        api.before = lambda number: api.lists["customers"].extend(numbered(2))
        with pytest.raises(SourceError, match=r"has more than 5 pages"):
            read(source(api, tmp_path, paging=BY_CURSOR, api_settings={"max_pages": 5}))


def test_links_are_followed_as_they_are_given(tmp_path: Path):
    with serving(customers=numbered(5)) as api:
        read(source(api, tmp_path, paging=BY_LINK, params={"sort": "id"}))
    assert api.params("after") == [None, "2", "4"]
    assert api.params("sort") == ["id", "id", "id"]


def test_a_link_in_the_answer_may_be_whole_or_relative(tmp_path: Path):
    with serving(customers=[]) as api:
        api.faults += [
            body(b'{"data": [{"id": 1}], "links": {"next": "/customers?p=b"}}'),
            body(f'{{"data": [{{"id": 2}}], "links": {{"next": "{api.url}/customers?p=c"}}}}'.encode()),
            body(b'{"data": [{"id": 3}], "links": {"next": null}}'),
        ]
        found = source(api, tmp_path, paging=BY_LINK | {"next": "links.next"}, total=None)
        assert ids(read(found)) == [1, 2, 3]
    assert api.params("p") == [None, "b", "c"]


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ('<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"', "https://a/x?page=2"),
        ('<https://a/x?page=1>; rel="prev"; title="a, b", </x?page=3,4>; title="next"; rel=next', "/x?page=3,4"),
        ('<https://a/x>; rel="last next"', "https://a/x"),
        ('<https://a/x>; rel="nextish"', None),
        ('<https://a/x>; title="rel=next"', None),
        ("", None),
    ],
)
def test_the_next_page_is_found_in_a_link_header(header: str, address: str | None):
    assert link_to_next(header) == address


# What changes while it is read.


def test_a_total_that_changes_between_pages_makes_the_list_be_read_again(tmp_path: Path):
    with serving(customers=numbered(4)) as api:

        def change(number: int) -> None:
            if number == 2:
                del api.lists["customers"][0]

        api.before = change
        assert ids(read(source(api, tmp_path))) == [2, 3, 4]


def test_a_row_that_goes_while_another_comes_is_noticed_by_a_second_reading(tmp_path: Path):
    """With pages of two, 1 and 2 come, then 1 goes and 7 comes: 4 and 5, 6 and 7 follow, and 3 is missing."""
    with serving(customers=numbered(6)) as api:

        def shift(number: int) -> None:
            if number == 2:
                api.lists["customers"] = [{"id": number} for number in (2, 3, 4, 5, 6, 7)]

        api.before = shift
        assert ids(read(source(api, tmp_path, read_twice=True))) == [2, 3, 4, 5, 6, 7]
    assert len(api.asked) == 9


def test_rows_that_come_twice_make_the_list_be_read_again(tmp_path: Path):
    """1 and 2 come, then 0 is put in front and 6 goes: 2 and 3 follow, 4 and 5."""
    with serving(customers=numbered(6)) as api:

        def shift(number: int) -> None:
            if number == 2:
                api.lists["customers"] = [{"id": number} for number in (0, 1, 2, 3, 4, 5)]

        api.before = shift
        assert ids(read(source(api, tmp_path, key=["id"]))) == [0, 1, 2, 3, 4, 5]


def test_rows_that_really_are_there_twice_are_both_read(tmp_path: Path):
    with serving(customers=[*numbered(3), {"id": 3}]) as api:
        assert ids(read(source(api, tmp_path))) == [1, 2, 3, 3]
    assert len(api.asked) == 4


def test_a_missing_page_is_noticed_by_the_total(tmp_path: Path):
    with serving(customers=numbered(4)) as api:
        for _ in range(3):
            api.faults += [nothing, body(b'{"data": [], "meta": {"total": 4}}')]
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path))
    assert str(caught.value) == (
        f"{api.url}/customers changed in each of 3 readings: the API tells of 4 rows, and 2 came.\n"
        "  Nothing was published, the mart is as it was.\n"
        "  Run again when fewer people write; page by cursor if the API can; or raise source.api.readings."
    )


def test_a_list_that_is_never_still_is_refused(tmp_path: Path):
    with serving(customers=numbered(4)) as api:
        api.before = lambda number: api.lists["customers"].append({"id": 100 + number})
        with pytest.raises(
            SourceError, match=r"changed in each of 3 readings: the API told of 9 rows at first, and of 10"
        ):
            read(source(api, tmp_path))


def test_a_list_that_grows_at_its_end_is_read_by_cursor_all_the_same(tmp_path: Path):
    with serving(customers=numbered(4)) as api:

        def grow(number: int) -> None:
            if number == 2:
                api.lists["customers"].append({"id": 5})

        api.before = grow
        assert ids(read(source(api, tmp_path, paging=BY_CURSOR))) == [1, 2, 3, 4, 5]
    assert len(api.asked) == 3


def test_a_total_is_compared_with_what_came_by_cursor(tmp_path: Path):
    with serving(customers=numbered(4)) as api:
        api.faults += [body(b'{"data": [{"id": 1}], "meta": {"total": 4}}')] * 3
        with pytest.raises(SourceError, match="the API tells of 4 rows, and 1 came"):
            read(source(api, tmp_path, paging=BY_CURSOR))


def test_no_thread_of_the_server_is_left():
    with serving() as api:
        assert api.url.startswith("http://127.0.0.1:")
    assert [thread for thread in threading.enumerate() if "serve_forever" in thread.name] == []
