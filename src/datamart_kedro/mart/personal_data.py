"""Personal data in the mart's SQL: hashed with a key or left out on its way into a published table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.personal_data import Publishing
from datamart_kedro.mart.history import history_of, oldest_version
from datamart_kedro.mart.ledger import LEDGER
from datamart_kedro.mart.mart import Mart, quoted

INNER, OUTER = "datamart_hash_inner_pad", "datamart_hash_outer_pad"
"""Variables of the engine: what is in them stands in no statement that an error or a log could show."""


def as_published(publishing: Publishing, domain: str, table: PublishedTable, select: str) -> str:
    """A SELECT of a published table's rows, with personal data as it is published; the columns stay the same.

    Run it where the key is known, see `hashing`.
    """
    replaced = {
        name: keyed_hash(quoted(name)) if treatment == "hashed" else f"CASE WHEN false THEN {quoted(name)} END"
        for name, treatment in publishing.treatments(domain, table.personal_columns).items()
    }
    if not replaced:
        return select
    columns = ", ".join(f"{expression} AS {quoted(name)}" for name, expression in replaced.items())
    return f"SELECT * REPLACE ({columns}) FROM ({select})"


def keyed_hash(expression: str) -> str:
    """HMAC-SHA-256 of a value as text (RFC 2104, FIPS 180-4), in lower-case hexadecimal digits; NULL stays NULL."""
    inner = f"unhex(sha256(getvariable('{INNER}') || encode(CAST({expression} AS VARCHAR))))"
    return f"sha256(getvariable('{OUTER}') || {inner})"


@contextmanager
def hashing(mart: Mart, pads: tuple[bytes, bytes] | None) -> Iterator[None]:
    """Let the engine know a key while statements run that hash with it.

    Args:
        mart: The mart.
        pads: See `hash_pads`; None if nothing is hashed.
    """
    if pads is None:
        yield
        return
    for name, pad in zip((INNER, OUTER), pads, strict=True):
        mart.execute(f"SET VARIABLE {name} = unhex('{pad.hex()}')")
    try:
        yield
    finally:
        for name in (INNER, OUTER):
            mart.execute(f"RESET VARIABLE {name}")


def treatments_at(mart: Mart, domain: str, version: int) -> Mapping[str, Any]:
    """How a domain's personal data was published at a version, as the ledger has it; empty if as it is."""
    found = mart.scalar(
        f"SELECT arg_max(parameters, started_at) FROM {LEDGER.name}"
        f" WHERE domain = ? AND status = 'published' AND version <= {version}",
        [domain],
    )
    return _treatments(found)


def held_otherwise(mart: Mart, domain: str, table: PublishedTable, now: Mapping[str, Any]) -> list[str]:
    """Columns that the history of a table holds in another way than they are published now.

    Args:
        mart: The mart.
        domain: Such as ``customers``.
        table: Its table.
        now: How its personal data is published, see `Publishing.noted`.
    """
    if not now or not mart.exists(history_of(table).name) or not mart.rows(history_of(table).name):
        return []
    then = [
        _treatments(parameters)
        for (parameters,) in mart.execute(
            f"SELECT DISTINCT parameters FROM {LEDGER.name} WHERE domain = ? AND status = 'published'"
            f" AND version >= {oldest_version(mart, table)}",
            [domain],
        )
    ]
    return [
        name
        for name in table.personal_columns
        if name in now and any((t.get(name), t.get("key")) != (now[name], now.get("key")) for t in then)
    ]


def _treatments(parameters: str | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(parameters or "{}").get("personal_data", {})
    return found
