"""What a run stages of a domain whose changes alone were read: kept apart until it is published.

The rows read are staged in ``build_tmp_<domain>`` and its sisters. ``next_tmp_<domain>`` is the staged table as it will
be: what it holds, without the keys that the run touches, and what was staged of them.
"""

from __future__ import annotations

from datamart_kedro.control.decision import StagedLoad
from datamart_kedro.mart import ledger
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.run import Run, current_run

PARTS = ("_rejected", "_duplicates", "")
"""What is staged beside the rows of a domain, and the rows themselves."""


def kept_in(run: Run | None, table: str) -> str:
    """The table that holds what this run stages under the name of a ``tmp_`` table."""
    return f"build_{table}" if run and _is_changed(run, table) else table


def seen_as(run: Run | None, table: str) -> str:
    """The table or view in which the nodes of this run see a ``tmp_`` table."""
    return f"next_{table}" if run and _is_changed(run, table) else table


def show_next(mart: Mart, domain: str) -> None:
    """Show the staged tables of a domain as they will be."""
    run = current_run(mart, f"tmp_{domain}")
    for part in PARTS:
        table = f"tmp_{domain}{part}"
        mart.execute(
            f"CREATE OR REPLACE TEMP VIEW {quoted(f'next_{table}')} AS SELECT * FROM {quoted(table)} AS old"
            f" WHERE rowid NOT IN ({_replaced(mart, run, domain, part)})"
            f" UNION ALL BY NAME FROM {quoted(f'build_{table}')}"
        )


def apply_staged(mart: Mart, run: Run, domain: str) -> None:
    """Write what was staged of a domain's changes into its staged tables.

    To be called in the transaction of the publication.
    """
    for part in PARTS:
        table = f"tmp_{domain}{part}"
        replaced = _replaced(mart, run, domain, part)
        mart.execute(f"DELETE FROM {quoted(table)} WHERE rowid IN ({replaced})")
        mart.execute(f"INSERT INTO {quoted(table)} BY NAME FROM {quoted(f'build_{table}')}")


def note_staged(mart: Mart, run: Run, domain: str) -> None:
    """Write on the staged rows which state of the source they come from, and by which rules."""
    decision = run.decisions[domain]
    totals, changes = run.totals.get(domain), run.changes.get(domain)
    before = ledger.staged_load(mart, domain) if changes else None
    newest = mart.scalar(f"SELECT max(updated_at) FROM {quoted(kept_in(run, f'tmp_{domain}'))}") if totals else None
    if before and before.watermark:
        newest = max(newest or before.watermark, before.watermark)
    is_compared = changes is None or changes.compared
    ledger.note_staged_load(
        mart,
        domain,
        StagedLoad(
            run.started_at,
            decision.source.fingerprint,
            decision.parameters,
            decision.code_version,
            watermark=min(newest, run.started_at) if newest else None,
            source_rows=totals.rows if totals else 0,
            source_clock=totals.clock if totals else 0,
            runs_since_comparison=0 if is_compared or before is None else before.runs_since_comparison + 1,
        ),
    )


def _is_changed(run: Run, table: str) -> bool:
    return table.startswith("tmp_") and any(table == f"tmp_{domain}{part}" for domain in run.changes for part in PARTS)


def _replaced(mart: Mart, run: Run, domain: str, part: str) -> str:
    """SELECT of the numbers of the rows that are replaced: those of keys that the run touches."""
    table, touched = quoted(f"tmp_{domain}{part}"), f"touched_{domain}"
    same = " AND ".join(f"old.{quoted(name)} = touched.{quoted(name)}" for name in mart.columns(touched))
    rows = f"SELECT old.rowid FROM {table} AS old SEMI JOIN {quoted(touched)} AS touched ON {same}"
    if part == "_rejected":
        rows += f" UNION ALL SELECT rowid FROM {table} WHERE {run.changes[domain].read_again}"
    return rows
