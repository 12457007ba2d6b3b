"""What runs did: those that the mart's copy knows, and those that came after it was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from datamart_kedro.mart.domains import published_tables
from datamart_kedro.mart.journal import Journal, ledger_rows, rule_results
from datamart_kedro.mart.mart import Mart
from datamart_kedro.pipeline_registry import DOMAINS

RUNS = 400
"""Rows of the ledger that are looked at."""


@dataclass(frozen=True)
class Freshness:
    """Where a domain stands. Instants are UTC, without zone.

    Attributes:
        domain: Such as ``orders``.
        table: Its published table.
        rows: Of that table.
        version: Of its last publication.
        newest_change_at: Newest updated_at among the rows that were read last.
        checked_at: Start of the last run that knew whether there was something new.
        published_at: Start of the last run that built its table.
        last_status: How the last run ended for it.
        last_error: What went wrong in it.
    """

    domain: str
    table: str
    rows: int
    version: int | None
    newest_change_at: datetime | None
    checked_at: datetime | None
    published_at: datetime | None
    last_status: str
    last_error: str

    @property
    def is_of_shop(self) -> bool:
        """Is it read from the shop? Features and models are made when somebody asks for them."""
        return self.domain in DOMAINS


def runs_of(mart: Mart, journal: Journal) -> list[dict[str, Any]]:
    """Rows of the ledger, one per run and domain, the newest first."""
    rows = {(row["run_id"], row["domain"]): row for row in [*ledger_rows(mart, RUNS), *journal.runs]}
    return sorted(rows.values(), key=lambda row: (-row["started_at"].timestamp(), row["domain"]))


def freshness(mart: Mart, runs: Sequence[dict[str, Any]]) -> list[Freshness]:
    """Where each domain stands whose table is there, in the order of their registration."""
    found = []
    for domain, table in published_tables().items():
        if not mart.exists(table.name):
            continue
        own = [run for run in runs if run["domain"] == domain]
        built = next((run for run in own if run["status"] == "published"), {})
        checked = next((run for run in own if run["status"] in ("published", "skipped")), {})
        last: dict[str, Any] = own[0] if own else {}
        found.append(
            Freshness(
                domain,
                table.name,
                mart.rows(table.name),
                built.get("version"),
                built.get("watermark_to"),
                checked.get("started_at"),
                built.get("started_at"),
                str(last.get("status") or "-"),
                str(last.get("error") or ""),
            )
        )
    return found


def results_of(mart: Mart, journal: Journal) -> list[dict[str, Any]]:
    """How rules fared: one row per run, domain and rule."""
    rows = rule_results(mart)
    known = {(row["run_id"], row["domain"]) for row in rows}
    return rows + [row for row in journal.results if (row["run_id"], row["domain"]) not in known]
