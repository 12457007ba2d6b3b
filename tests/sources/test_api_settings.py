"""Settings of an API that cannot be are refused by name, with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from datamart_kedro.config import settings_of
from datamart_kedro.errors import ParameterError
from datamart_kedro.sources.api.settings import ApiSettings, Endpoint


def settings(**values: Any) -> dict[str, Any]:
    return {"base_url": "https://shop.example.com/v2", "endpoints": {"orders": {"path": "/orders"}}} | values


def endpoint(**values: Any) -> dict[str, Any]:
    return settings(endpoints={"orders": {"path": "/orders"} | values})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": (settings(retries=3), "source.api.retries: Extra inputs are not permitted."),
    "no address": (settings(base_url="shop.example.com"), "source.api.base_url: an address such as"),
    "a secret in the address": (
        settings(base_url="https://ann:pw@shop.example.com"),
        "secrets belong in the credentials, not in the address.",
    ),
    "parameters in the address": (settings(base_url="https://a.example.com?key=1"), "parameters belong under params"),
    "a secret over plain HTTP": (
        settings(base_url="http://shop.example.com", authentication="bearer"),
        "secrets would be sent for everybody to read: use https, or set insecure_http",
    ),
    "a key without a name": (settings(authentication="header"), "name goes with authentication: header or query"),
    "a name without a key": (settings(authentication="bearer", name="X-Key"), "name goes with authentication"),
    "no endpoint": (settings(endpoints={}), "source.api.endpoints: Dictionary should have at least 1 item"),
    "an endpoint that hides a published table": (
        settings(endpoints={"tb_orders": {"path": "/orders"}}),
        "'tb_orders' cannot be read by a query",
    ),
    "an endpoint whose name is no name": (settings(endpoints={"Orders!": {"path": "/x"}}), "'Orders!' cannot be read"),
    "another host as a path": (endpoint(path="https://evil.org/x"), "a path below base_url is wanted"),
    "parameters in a path": (endpoint(path="/orders?x=1"), "parameters belong under params"),
    "a path to another host": (endpoint(path="//evil.org/x"), "a path below base_url is wanted"),
    "a cursor from nowhere": (
        endpoint(paging={"kind": "cursor"}),
        "source.api.endpoints.orders.paging.cursor.next: Field required.",
    ),
    "an unknown paging": (endpoint(paging={"kind": "scroll"}), "Input tag 'scroll' found using 'kind'"),
    "pages of nothing": (endpoint(paging={"kind": "page", "size": 0}), "greater than or equal to 1"),
    "changes without a key": (endpoint(incremental={"param": "since"}), "incremental needs key"),
    "two ways to know of news": (
        endpoint(incremental={"param": "since"}, key=["id"], etag_covers_list=True),
        "incremental and etag_covers_list exclude one another",
    ),
    "a field without a name": (endpoint(rows="data..items"), "String should match pattern"),
    "no time at all": (settings(timeout_s=0), "source.api.timeout_s: Input should be greater than 0."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_setting_that_cannot_be_is_refused(case: str):
    values, said = REFUSED[case]
    with pytest.raises(ParameterError) as caught:
        settings_of(ApiSettings, "source.api", values)
    assert said in caught.value.happened
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_will_do_on_this_machine(host: str):
    ApiSettings.model_validate(settings(base_url=f"http://{host}:8000", authentication="bearer"))


def test_plain_http_can_be_allowed():
    url = "http://shop.internal"
    ApiSettings.model_validate(settings(base_url=url, authentication="bearer", insecure_http=True))


@pytest.mark.parametrize(
    ("values", "twice"),
    [
        ({"paging": {"kind": "page"}}, True),
        ({"paging": {"kind": "offset"}}, True),
        ({"paging": {"kind": "page"}, "total": "total"}, False),
        ({"paging": {"kind": "page"}, "total_header": "X-Total"}, False),
        ({"paging": {"kind": "cursor", "next": "next"}}, False),
        ({"paging": {"kind": "link"}}, False),
        ({}, False),
        ({"paging": {"kind": "page"}, "read_twice": False}, False),
        ({"read_twice": True}, True),
    ],
)
def test_a_list_is_read_twice_where_rows_can_shift_and_are_not_counted(values: dict[str, Any], twice: bool):
    assert Endpoint.model_validate({"path": "/x"} | values).is_read_twice is twice
