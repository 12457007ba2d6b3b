"""The one SELECT per domain with which a shop's columns get the canonical names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from datamart_kedro.errors import SourceError


@dataclass(frozen=True)
class SourceQuery:
    """A domain's SELECT, and the file that holds it."""

    domain: str
    sql: str
    file: str


def read_query(folder: Path, domain: str) -> SourceQuery:
    """Read a domain's SELECT.

    Raises:
        SourceError: There is no such file, or it is empty.
    """
    file = folder / f"{domain}.sql"
    try:
        sql = file.read_text(encoding="utf-8").strip().rstrip(";").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{domain}: the query {file} cannot be read: {error.__class__.__name__}.",
            "Write one SELECT there that gives the shop's columns their canonical names;"
            " see docs/bring-your-own-shop.md.",
        ) from None
    if not sql:
        raise SourceError(f"{domain}: the query {file} is empty.", "Write one SELECT there.")
    return SourceQuery(domain, sql, str(file))


def require_own_names(columns: Iterable[str]) -> None:
    """Refuse a query two of whose columns have one name: which of them is meant is not known.

    Raises:
        SourceError: Naming them.
    """
    names = Counter(name.lower() for name in columns)
    if twice := sorted(name for name, count in names.items() if count > 1):
        raise SourceError(
            f"the query gives {', '.join(twice)} more than once.", "Name each column once, with AS where needed."
        )
