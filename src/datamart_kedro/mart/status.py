"""How fresh each domain is, and what the last runs did: read from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datamart_kedro.mart.domains import table_name
from datamart_kedro.mart.ledger import LEDGER, domain_state
from datamart_kedro.mart.mart import Mart


@dataclass(frozen=True)
class DomainStatus:
    """Where a domain stands. Instants are UTC, without zone.

    Attributes:
        domain: Such as ``orders``.
        rows: Rows of its published table, None without one.
        version: Version of the mart after its last publication.
        newest_change_at: Newest updated_at among the rows that were read last.
        checked_at: Start of the last run that knew whether there was something new.
        published_at: Start of the last run that built its table.
        last_path: How the last run that built its table refreshed it: changes or full.
        last_status: How the last run ended for it.
        last_reason: What opened its gate then, or kept it closed.
        last_error: What went wrong in the last run, if it failed.
        pending: What the next run has to do at least; empty if nothing is known to be left over.
    """

    domain: str
    rows: int | None
    version: int | None
    newest_change_at: datetime | None
    checked_at: datetime | None
    published_at: datetime | None
    last_path: str | None
    last_status: str | None
    last_reason: str | None
    last_error: str | None
    pending: str


def status_of(mart: Mart, domain: str) -> DomainStatus:
    """Where a domain stands, by the ledger; its source is not asked."""
    state = domain_state(mart, domain)
    checked_at = mart.scalar(
        f"SELECT max(started_at) FROM {LEDGER.name} WHERE domain = ? AND status IN ('published', 'skipped')", [domain]
    )
    last_path = mart.scalar(
        f"SELECT arg_max_null(path, started_at) FROM {LEDGER.name} WHERE domain = ? AND status = 'published'", [domain]
    )
    latest = mart.execute(
        f"SELECT status, reason, error FROM {LEDGER.name} WHERE domain = ? ORDER BY started_at DESC LIMIT 1", [domain]
    )
    last_status, last_reason, last_error = latest[0] if latest else (None, None, None)
    return DomainStatus(
        domain=domain,
        rows=mart.rows(table_name(domain)) if state.table_exists else None,
        version=state.last.version if state.last else None,
        newest_change_at=state.last.watermark if state.last else None,
        checked_at=checked_at,
        published_at=state.last.started_at if state.last else None,
        last_path=last_path,
        last_status=last_status,
        last_reason=last_reason,
        last_error=last_error,
        pending=_pending(mart, domain, last_status),
    )


def _pending(mart: Mart, domain: str, last_status: str | None) -> str:
    state = domain_state(mart, domain)
    if state.last is None:
        return "first publication"
    if last_status in ("failed", "interrupted", "running"):
        return f"the last run is {last_status}" if last_status == "running" else f"the last run was {last_status}"
    if state.staged and state.staged.started_at > state.last.started_at:
        return f"tmp_{domain} holds rows that are not published"
    return ""


def past_runs(mart: Mart, domain: str | None, limit: int) -> list[dict[str, Any]]:
    """Rows of the ledger, the newest first.

    Args:
        mart: Read only.
        domain: The one to look at; all if absent.
        limit: Number of rows at most.
    """
    columns = [name for name in LEDGER.columns if name not in ("parameters", "source_fingerprint")]
    condition = " WHERE domain = ?" if domain else ""
    found = mart.execute(
        f"SELECT {', '.join(columns)} FROM {LEDGER.name}{condition}"
        f" ORDER BY started_at DESC, domain LIMIT {int(limit)}",
        [domain] if domain else [],
    )
    return [dict(zip(columns, row, strict=True)) for row in found]
