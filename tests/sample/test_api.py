"""The sample shop as an API: what it answers, and what it cannot be made of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import urllib3

from datamart_kedro.errors import UsageError
from datamart_kedro.sample.api import SampleApi
from datamart_kedro.sample.folder import write_folder
from datamart_kedro.sample.settings import SampleShop

SHOP = SampleShop(seed=8, customers=200, first_day=date(2025, 1, 1), day=date(2025, 2, 1), dirt=0.02)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleApi]:
    folder = tmp_path_factory.mktemp("shop")
    write_folder(folder, SHOP)
    with SampleApi(folder, 0, "sample") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def answer(api: SampleApi, path: str, token: str = "sample") -> tuple[int, Any, Any]:
    """Status, body and headers."""
    with urllib3.PoolManager() as pool:
        found = pool.request("GET", f"{api.url}/{path}", headers={"Authorization": f"Bearer {token}"}, retries=False)
        return found.status, json.loads(found.data), found.headers


def test_who_shows_another_token_gets_nothing(api: SampleApi):
    assert answer(api, "customers", token="other")[:2] == (401, {"error": "who are you?"})


def test_there_are_four_lists(api: SampleApi):
    assert [answer(api, name)[0] for name in ("customers", "products", "orders", "order_items")] == [200] * 4
    assert answer(api, "truth")[0] == 404


@pytest.mark.parametrize("asked", ["customers?page=x", "orders?updated_since=soon", "products?limit=all"])
def test_a_parameter_that_is_wrong_is_refused(api: SampleApi, asked: str):
    assert answer(api, asked)[0] == 400


def test_a_page_has_no_more_rows_than_the_largest_may_have(api: SampleApi):
    _, items, headers = answer(api, "products?limit=100000")
    assert len(items) == int(headers["X-Total-Count"]) < 1000
    assert len(answer(api, "customers?per_page=3")[1]["data"]) == 3


def test_orders_that_changed_since_are_a_part_of_all(api: SampleApi):
    whole, part = (answer(api, f"orders{since}")[1]["total"] for since in ("", "?updated_since=2025-01-25T00:00:00Z"))
    assert 0 < part < whole


def test_a_folder_without_a_sample_shop_is_refused(tmp_path: Path):
    write_folder(tmp_path, SHOP)
    (tmp_path / "orders.csv").write_text("id,name\n1,Ann\n")
    with pytest.raises(UsageError) as caught:
        SampleApi(tmp_path, 0, "sample")
    assert caught.value.happened == (
        f"There is no sample shop in {tmp_path}: orders.csv is missing, or has other columns."
    )


def test_a_port_that_is_taken_is_refused(api: SampleApi, tmp_path: Path):
    write_folder(tmp_path, SHOP)
    with pytest.raises(UsageError, match=f"Port {api.server_port} cannot be used: Address already in use"):
        SampleApi(tmp_path, api.server_port, "sample")
