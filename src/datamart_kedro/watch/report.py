"""What a worker answers, as JSON: how an order ended, and what the mart holds afterwards."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from datamart_kedro.mart.ledger import LEDGER, current_version
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.status import status_of
from datamart_kedro.watch.schedule import Outcome

ROWS = ("read", "staged", "rejected", "superseded", "inserted", "updated", "deleted")
"""What the ledger counts of a domain's rows in a run."""


@dataclass(frozen=True)
class DomainFigures:
    """Where a domain stands. Instants are seconds since 1970.

    Attributes:
        rows: Of its published table, None without one.
        checked_at: Start of the last run that knew whether there was something new.
        published_at: Start of the last run that built its table.
        newest_change_at: Newest updated_at among its source's rows.
    """

    rows: int | None
    checked_at: float | None
    published_at: float | None
    newest_change_at: float | None


@dataclass(frozen=True)
class MartFigures:
    """What the mart holds.

    Attributes:
        version: The one that readers see, 0 before the first.
        domains: By name.
    """

    version: int
    domains: dict[str, DomainFigures]


@dataclass(frozen=True)
class Report:
    """How an order ended.

    Attributes:
        outcome: In one word.
        error: What went wrong, for people; empty if nothing did.
        run_id: Of the run, if there was one.
        seconds: That it took.
        rows: What a run counted, by domain and `ROWS`.
        mart: What the mart holds; None if it did not change since the last report, or cannot be read.
    """

    outcome: Outcome
    error: str = ""
    run_id: str = ""
    seconds: float = 0.0
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    mart: MartFigures | None = None

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """From JSON."""
        values: dict[str, Any] = json.loads(text)
        if mart := values.pop("mart"):
            domains = {name: DomainFigures(**figures) for name, figures in mart["domains"].items()}
            return cls(**values, mart=MartFigures(mart["version"], domains))
        return cls(**values)


def figures_of(mart: Mart, domains: list[str]) -> MartFigures:
    """What a mart holds of some domains; it must be open, or be readable."""
    if not mart.exists(LEDGER.name):
        return MartFigures(0, {})
    found = {}
    for domain in domains:
        status = status_of(mart, domain)
        found[domain] = DomainFigures(
            status.rows, *map(_epoch, (status.checked_at, status.published_at, status.newest_change_at))
        )
    return MartFigures(current_version(mart), found)


def rows_of(mart: Mart, run_id: str) -> dict[str, dict[str, int]]:
    """What a run counted, by domain; only of domains that it published."""
    columns = ", ".join(f"coalesce(rows_{name}, 0)" for name in ROWS)
    found = mart.execute(
        f"SELECT domain, {columns} FROM {LEDGER.name} WHERE run_id = ? AND status = 'published' ORDER BY domain",
        [run_id],
    )
    return {str(domain): dict(zip(ROWS, counts, strict=True)) for domain, *counts in found}


def _epoch(instant: datetime | None) -> float | None:
    """Seconds since 1970 of an instant in UTC, without zone."""
    return None if instant is None else instant.replace(tzinfo=UTC).timestamp()
