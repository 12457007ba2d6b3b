"""Rows that were set aside: counted by reason, and given back whole."""

from __future__ import annotations

from pathlib import Path

from datamart_kedro.mart.ledger import LEDGER, REJECTED
from datamart_kedro.mart.mart import Mart, literal

FORMATS = {".csv": "FORMAT csv, HEADER", ".json": "FORMAT json", ".parquet": "FORMAT parquet"}


def count_rejected(
    mart: Mart, domain: str | None = None, run_id: str | None = None, reason: str | None = None
) -> list[tuple[str, str, str, int]]:
    """Count rejected rows: one row per run, domain and reason; a row with two reasons counts for both.

    Args:
        mart: Read only.
        domain: The one to look at; all if absent.
        run_id: The run that read them; for each domain the last that read its source if absent.
        reason: Only rows rejected for this reason, among others.
    """
    return [
        (str(run), str(name), str(why), int(rows))
        for run, name, why, rows in mart.execute(
            "SELECT run_id, domain, reason, count(*) FROM"
            f" (SELECT run_id, domain, unnest(string_split(reasons, '; ')) AS reason FROM {REJECTED.name}"
            f" WHERE {_wanted(domain, run_id, reason)}) GROUP BY ALL ORDER BY domain, count(*) DESC, reason"
        )
    ]


def export_rejected(mart: Mart, domain: str | None, run_id: str | None, reason: str | None, target: Path) -> int:
    """Write rejected rows to a file, each as it came in the column ``row`` (JSON), and return their number."""
    mart.execute(
        f"COPY (FROM {REJECTED.name} WHERE {_wanted(domain, run_id, reason)})"
        f" TO {literal(str(target.resolve()))} ({FORMATS[target.suffix]})"
    )
    return int(mart.scalar(f"SELECT count(*) FROM {REJECTED.name} WHERE {_wanted(domain, run_id, reason)}"))


def _wanted(domain: str | None, run_id: str | None, reason: str | None) -> str:
    """The condition on rejected rows, in SQL."""
    conditions = [f"domain = {literal(domain)}"] if domain else []
    if run_id:
        conditions.append(f"run_id = {literal(run_id)}")
    else:
        conditions.append(
            "(run_id, domain) IN (SELECT (arg_max(run_id, started_at), domain)"
            f" FROM {LEDGER.name} WHERE rows_read > 0 GROUP BY domain)"
        )
    if reason:
        conditions.append(f"list_contains(string_split(reasons, '; '), {literal(reason)})")
    return " AND ".join(conditions)
