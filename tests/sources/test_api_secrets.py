"""Secrets go to the API and to nobody else, and nothing that is written holds them."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from datamart_kedro.engine_messages import traceback_of
from datamart_kedro.errors import SourceError
from datamart_kedro.sources.api.access import Access
from datamart_kedro.sources.api.client import Client
from datamart_kedro.sources.api.settings import ApiSettings
from tests.sources.api_reading import BY_LINK, ids, numbered, read, source
from tests.sources.faulty_api import body, redirect, serving, status

pytestmark = pytest.mark.usefixtures("impatient")

SECRET = "s3cr3t-t0ken"
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()
WAYS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "bearer": ({"authentication": "bearer"}, {"token": SECRET}),
    "header": ({"authentication": "header", "name": "X-Api-Key"}, {"token": SECRET}),
    "query": ({"authentication": "query", "name": "api_key"}, {"token": SECRET}),
    "basic": ({"authentication": "basic"}, {"user": "ann", "password": SECRET}),
}


def sent(way: str, headers: Mapping[str, str], params: Mapping[str, str]) -> str | None:
    """What a request showed."""
    if way == "query":
        return params.get("api_key")
    return headers.get("X-Api-Key") if way == "header" else headers.get("Authorization")


SHOWN = {"bearer": f"Bearer {SECRET}", "header": SECRET, "query": SECRET, "basic": f"Basic {BASIC}"}


@pytest.mark.parametrize("way", WAYS)
def test_every_request_shows_who_asks(tmp_path: Path, way: str):
    settings, credentials = WAYS[way]
    with serving(customers=numbered(5)) as api:
        read(source(api, tmp_path, credentials=credentials, api_settings=settings, paging=BY_LINK))
    assert [sent(way, asked.headers, asked.params) for asked in api.asked] == [SHOWN[way]] * 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_carries_no_secret_along(tmp_path: Path, way: str, code: int):
    settings, credentials = WAYS[way]
    with serving(customers=numbered(2)) as other, serving(customers=[]) as api:
        api.faults.append(redirect(f"{other.url}/customers", code))
        assert ids(read(source(api, tmp_path, credentials=credentials, api_settings=settings))) == [1, 2]
    (asked,) = other.asked
    assert SECRET not in str(asked)
    assert BASIC not in str(asked)


@pytest.mark.parametrize("way", WAYS)
def test_a_redirect_within_the_api_still_shows_who_asks(tmp_path: Path, way: str):
    settings, credentials = WAYS[way]
    with serving(customers=numbered(2)) as api:
        api.faults.append(redirect("/customers"))
        read(source(api, tmp_path, credentials=credentials, api_settings=settings))
    assert [sent(way, asked.headers, asked.params) for asked in api.asked] == [SHOWN[way]] * 2


def test_a_secret_comes_back_with_a_redirect_home(tmp_path: Path):
    """Sent away and back again, the API is asked as before: who sends us is not who is asked."""
    settings, credentials = WAYS["bearer"]
    with serving(customers=[]) as other, serving(customers=numbered(2)) as api:
        api.faults.append(redirect(f"{other.url}/away"))
        other.faults.append(redirect(f"{api.url}/customers"))
        assert ids(read(source(api, tmp_path, credentials=credentials, api_settings=settings))) == [1, 2]
    assert "Authorization" not in other.asked[0].headers


def test_redirects_without_end_are_refused(tmp_path: Path):
    with serving(customers=numbered(2)) as api:
        api.faults += [redirect("/customers")] * 20
        with pytest.raises(SourceError, match="sends us on more than 5 times"):
            read(source(api, tmp_path))
    assert len(api.asked) == 6


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "http://[::1", "http://127.0.0.1:port/", "mailto:ann", "https:///x"]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(tmp_path: Path, location: str):
    with serving(customers=numbered(2)) as api:
        api.faults.append(redirect(location))
        with pytest.raises(SourceError, match="sends us to what is no web address"):
            read(source(api, tmp_path))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://[::1", "A page of /customers tells of a next page whose address is none."),
        ("http://127.0.0.1:port/x", "which is not the API's place."),
        ("file:///etc/passwd", "which is not the API's place."),
    ],
)
def test_a_next_page_at_what_is_no_web_address_is_refused(tmp_path: Path, address: str, said: str):
    with serving(customers=[]) as api:
        api.faults.append(body(json.dumps({"data": [{"id": 1}], "next": address}).encode()))
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path, paging={"kind": "link", "next": "next"}, total=None))
    assert caught.value.happened.endswith(said)


def test_a_next_page_on_another_host_is_refused(tmp_path: Path):
    page = b'{"data": [{"id": 1}], "next": "http://127.0.0.1:9/customers"}'
    with serving(customers=[]) as api:
        api.faults.append(body(page))
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path, paging={"kind": "link", "next": "next"}, total=None))
    assert caught.value.happened == (
        f"{api.url}/customers says that its next page is at http://127.0.0.1:9/customers, which is not the API's place."
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("code", [200, 401, 500, 0])
def test_nothing_that_is_written_holds_a_secret(tmp_path: Path, way: str, code: int, caplog: pytest.LogCaptureFixture):
    """Not the log at its finest, not the error with its causes, not a repr, not the name of a file."""
    settings, credentials = WAYS[way]
    caplog.set_level(logging.DEBUG)
    with serving(customers=numbered(5)) as api:
        api.faults += [status(code) if code else body(b"<", Content_Length=10)] * 2
        if code == 200:
            api.faults.clear()
        found = source(api, tmp_path, credentials=credentials, api_settings=settings, paging=BY_LINK, attempts=2)
        written = [repr(found), str(vars(found)), repr(vars(vars(found)["_client"]))]
        try:
            read(found)
        except SourceError as error:
            written += [str(error), traceback_of(error), "".join(traceback.format_exception(error))]
        else:
            assert code == 200
    written += [str(path) for path in tmp_path.rglob("*")] + [record.getMessage() for record in caplog.records]
    assert [text for text in written if SECRET in text or BASIC in text] == []
    assert caplog.records


def test_a_key_that_the_api_repeats_in_the_next_page_is_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings, credentials = WAYS["query"]
    page = f'{{"data": [{{"id": 1}}], "next": "/customers/{SECRET}?api_key={SECRET}&p=2"}}'.encode()
    with serving(customers=[]) as api:
        api.faults.append(body(page))
        how = {"paging": {"kind": "link", "next": "next"}, "total": None}
        with pytest.raises(SourceError) as caught:
            read(source(api, tmp_path, credentials=credentials, api_settings=settings, **how))
    assert api.asked[1].params == {"api_key": SECRET, "p": "2"}
    assert caught.value.happened == f"{api.url}/customers/(secret) answers 404 Not Found."
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("way", "credentials", "happened"),
    [
        ("bearer", {}, "The token for the shop's API is not known."),
        ("bearer", {"token": None}, "The token for the shop's API is not known."),
        ("basic", {"user": "ann"}, "The password for the shop's API is not known."),
        ("header", {"token": "abc\n"}, "The token for the shop's API has signs that cannot be sent,"),
        ("bearer", {"token": "abc "}, "The token for the shop's API has signs that cannot be sent,"),
        ("bearer", {"token": "abc\r\nX-Other: 1"}, "The token for the shop's API has signs that cannot be sent,"),
    ],
)
def test_a_secret_that_is_missing_or_broken_is_asked_for(
    tmp_path: Path, way: str, credentials: dict[str, Any], happened: str
):
    settings, _ = WAYS[way]
    with pytest.raises(SourceError) as caught:
        source("http://127.0.0.1:9", tmp_path, credentials=credentials, api_settings=settings)
    assert caught.value.happened.startswith(happened)
    assert "DATAMART_SHOP_" in caught.value.next_step
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1/x",
        "http://api.example.com:443/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com.evil.org/v1",
        "https://evil.org/https://api.example.com",
        "https://api.example.com@evil.org/v1",
        "//evil.org/v1",
    ],
)
def test_what_looks_like_the_api_is_not_at_home(url: str):
    access = Access("https://api.example.com/v1", "bearer", None, {"token": SECRET})
    assert access.headers(url) == {}
    assert access.headers("https://API.example.com:443/v2") == {"Authorization": f"Bearer {SECRET}"}


def test_what_is_said_of_an_address_leaves_out_its_user_and_parameters():
    settings = ApiSettings.model_validate({"base_url": "https://a.example.com", "endpoints": {"x": {"path": "/x"}}})
    client = Client(settings, Access("https://a.example.com", "none", None, None), attempts=1, connect_timeout_s=1)
    assert client.place("https://ann:pw@b.example.com/y?key=1#z") == "https://b.example.com/y"


def test_a_proxy_is_asked_with_its_own_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """YW5uOnB3 is ann:pw."""
    with serving(customers=numbered(2)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://ann:p%77@"))
        monkeypatch.delenv("no_proxy", raising=False)
        assert ids(read(source("http://shop.invalid/v1", tmp_path))) == [1, 2]
    assert proxy.asked[0].path == "/v1/customers"
    assert proxy.asked[0].headers["proxy-authorization"] == "Basic YW5uOnB3"


def test_no_proxy_stands_between_this_machine_and_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(customers=numbered(2)) as api:
        assert ids(read(source(api, tmp_path, attempts=1))) == [1, 2]
