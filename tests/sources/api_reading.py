"""What tests of APIs share: a source of a server, and the rows that come through it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.sources.api.settings import ApiSettings
from datamart_kedro.sources.api.source import ApiSource
from tests.sources.faulty_api import FaultyApi

BY_PAGE = {"kind": "page", "size": 2}
BY_OFFSET = {"kind": "offset", "size": 2}
BY_CURSOR = {"kind": "cursor", "next": "next", "size": 2}
BY_LINK = {"kind": "link", "size": 2}
PAGINGS = {"page": BY_PAGE, "offset": BY_OFFSET, "cursor": BY_CURSOR, "link": BY_LINK, "none": {"kind": "none"}}

ALL = "SELECT * FROM customers"


def source(
    api: FaultyApi | str,
    project: Path,
    *,
    credentials: Mapping[str, str] | None = None,
    attempts: int = 3,
    api_settings: Mapping[str, Any] | None = None,
    **endpoint: Any,
) -> ApiSource:
    """A source whose list `customers` is asked for as the endpoint says; by page of two, with a total, if it does not.

    The parameters of an endpoint are those of `Endpoint`.
    """
    how = {"path": "/customers", "rows": "data", "total": "meta.total", "paging": BY_PAGE} | endpoint
    settings = {
        "base_url": api if isinstance(api, str) else api.url,
        "requests_per_s": 10_000,
        "endpoints": {"customers": {name: value for name, value in how.items() if value is not None}},
    }
    return ApiSource(
        ApiSettings.model_validate(settings | dict(api_settings or {})),
        project,
        project / "tmp",
        credentials,
        attempts=attempts,
        connect_timeout_s=2,
    )


def read(found: ApiSource, query: str = ALL) -> list[tuple[Any, ...]]:
    """Rows of a query, sorted, as a run gets them: checked first, then extracted."""
    with duckdb.connect() as engine:
        try:
            found.check(query)
            count = found.extract(query, engine, "source_customers")
        finally:
            found.close()
        rows = engine.execute("SELECT * FROM source_customers ORDER BY ALL").fetchall()
    assert count == len(rows)
    return rows


def numbered(count: int, **values: Any) -> list[dict[str, Any]]:
    """Customers with the ids 1 to `count`."""
    return [{"id": number, **values} for number in range(1, count + 1)]


def ids(rows: list[tuple[Any, ...]]) -> list[int]:
    """The first column, as numbers, sorted."""
    return sorted(int(row[0]) for row in rows)
