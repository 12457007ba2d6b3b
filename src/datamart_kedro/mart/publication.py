"""Publication: what a run has built becomes visible, all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.control.decision import Decision, StagedLoad
from datamart_kedro.errors import RunError
from datamart_kedro.mart import ledger
from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.mart.run import RowCounts, Run, current_run, now


def build(mart: Mart, table: PublishedTable, domain: str, select: str) -> int:
    """Make the table that a run will publish, beside the published one, and return its rows.

    A row that is the same as in the published table keeps its version.
    """
    run = current_run(mart, table.name)
    name = quoted(f"build_{domain}")
    version, valid_from = str(run.version), f"TIMESTAMP {literal(run.started_at.isoformat())}"
    columns = ", ".join(f"new.{quoted(column)}" for column in table.columns)
    joined = f"({select}) AS new"
    if _is_comparable(mart, table, select):
        joined += f" LEFT JOIN {quoted(table.name)} AS old ON {_same_key(table.key)}"
        unchanged = _same_values([column for column in table.columns if column not in table.key])
        is_old = f"old.{quoted(table.key[0])} IS NOT NULL AND {unchanged}"
        version = f"CASE WHEN {is_old} THEN old._version ELSE {version} END"
        valid_from = f"CASE WHEN {is_old} THEN old._valid_from ELSE {valid_from} END"
    mart.compute(
        table.name,
        f"CREATE OR REPLACE TABLE {name} AS SELECT {columns}, CAST({version} AS BIGINT) AS _version,"
        f" CAST({valid_from} AS TIMESTAMP) AS _valid_from FROM {joined}",
    )
    run.built[domain] = table
    return mart.rows(f"build_{domain}")


def note_loaded(mart: Mart, domain: str) -> None:
    """Write on the staged rows which state of the source they come from, and by which rules."""
    run = current_run(mart, f"tmp_{domain}")
    decision = run.decisions.get(domain) or Decision.by_name(domain)
    load = StagedLoad(run.version, decision.source.fingerprint, decision.parameters, decision.code_version)
    ledger.note_staged_load(mart, domain, load)


def publish(mart: Mart) -> dict[str, RowCounts]:
    """Make all that the run has built visible, in one transaction.

    Raises:
        RunError: Rows are unaccounted for; nothing is published.
    """
    run = current_run(mart, "the mart")
    counts = {domain: _count(mart, run, domain) for domain in run.loaded.keys() | run.built.keys()}
    mart.execute("BEGIN TRANSACTION")
    try:
        for domain, table in run.built.items():
            _swap(mart, table, f"build_{domain}")
        for domain in run.loaded:
            _keep_rejected(mart, run, domain)
        finished_at = now()
        for domain, count in counts.items():
            _close_ledger(mart, run, domain, count, finished_at)
        mart.execute("COMMIT")
    except BaseException:
        mart.execute("ROLLBACK")
        raise
    return counts


def _is_comparable(mart: Mart, table: PublishedTable, select: str) -> bool:
    """Has the published table the same columns and types as the one being built?"""
    old = mart.columns(table.name)
    if not old or "_version" not in old:
        return False
    new = {name: kind for name, kind, *_ in mart.execute(f"DESCRIBE {select}")}
    return all(old.get(column) == new.get(column) for column in table.columns)


def _same_key(key: Sequence[str]) -> str:
    return " AND ".join(f"new.{quoted(name)} = old.{quoted(name)}" for name in key)


def _same_values(columns: Sequence[str]) -> str:
    return " AND ".join(f"new.{quoted(name)} IS NOT DISTINCT FROM old.{quoted(name)}" for name in columns) or "true"


def _count(mart: Mart, run: Run, domain: str) -> RowCounts:
    """Count what became of a domain's rows, each number by its own way, and hold them against one another."""
    counts = RowCounts()
    if domain in run.loaded:
        counts.read = run.loaded[domain]
        counts.staged = mart.rows(f"tmp_{domain}")
        counts.rejected = mart.rows(f"tmp_{domain}_rejected")
        counts.superseded = int(mart.scalar(f"SELECT sum(copies - 1) FROM {quoted(f'tmp_{domain}_duplicates')}") or 0)
        accounted = counts.staged + counts.rejected + counts.superseded
        if accounted != counts.read:
            raise RunError(
                f"{domain}: {counts.read:,} rows were read, but {accounted:,} are accounted for:"
                f" {counts.staged:,} staged, {counts.rejected:,} rejected, {counts.superseded:,} superseded.",
                f"Look into tmp_{domain} and its sisters; the staging of {domain} loses or doubles rows.",
            )
    if domain in run.built:
        _count_changes(mart, run, domain, counts)
    return counts


def _count_changes(mart: Mart, run: Run, domain: str, counts: RowCounts) -> None:
    table, new = run.built[domain], quoted(f"build_{domain}")
    counts.published = mart.rows(f"build_{domain}")
    if not mart.exists(table.name):
        counts.inserted = counts.published
        return
    old = quoted(table.name)
    before = mart.rows(table.name)
    changed = int(mart.scalar(f"SELECT count(*) FROM {new} WHERE _version = {run.version}"))
    if changed == 0 and before == counts.published:
        return
    kept = int(mart.scalar(f"SELECT count(*) FROM {new} AS new SEMI JOIN {old} AS old ON {_same_key(table.key)}"))
    counts.inserted = counts.published - kept
    counts.updated = changed - counts.inserted
    counts.deleted = before - kept


def _swap(mart: Mart, table: PublishedTable, built: str) -> None:
    mart.execute(f"DROP TABLE IF EXISTS {quoted(table.name)}")
    mart.execute(f"ALTER TABLE {quoted(built)} RENAME TO {quoted(table.name)}")
    ledger.comment(mart, table)
    for column, meaning in VERSION_COLUMNS.items():
        mart.execute(f"COMMENT ON COLUMN {quoted(table.name)}.{quoted(column)} IS {literal(meaning)}")


def _keep_rejected(mart: Mart, run: Run, domain: str) -> None:
    mart.execute(
        f"INSERT INTO {ledger.REJECTED.name} SELECT ?, ?, to_json(came), reasons FROM"
        f" (SELECT COLUMNS(* EXCLUDE (reasons)), reasons FROM {quoted(f'tmp_{domain}_rejected')}) AS came",
        [run.run_id, domain],
    )


def _close_ledger(mart: Mart, run: Run, domain: str, counts: RowCounts, finished_at: datetime) -> None:
    """Write how the domain's run ended.

    Its source is described by what is staged, not by what the check saw last: the two differ where a domain is built
    again from an earlier load. A domain that was staged and not built published nothing.
    """
    staged = ledger.domain_state(mart, domain).staged
    is_built = domain in run.built
    newest = mart.scalar(f"SELECT max(updated_at) FROM {quoted(f'tmp_{domain}')}")
    values: dict[str, object] = {
        "status": "published" if is_built else "skipped",
        "watermark_to": newest,
        "rows_read": counts.read,
        "rows_staged": counts.staged,
        "rows_rejected": counts.rejected,
        "rows_superseded": counts.superseded,
        "rows_inserted": counts.inserted,
        "rows_updated": counts.updated,
        "rows_deleted": counts.deleted,
        "version": run.version if is_built else None,
        "finished_at": finished_at,
        "source_fingerprint": staged.fingerprint if staged else "",
    }
    if not is_built:
        values["reason"] = "staged only: the run left its build out"
    mart.execute(
        f"UPDATE {ledger.LEDGER.name} SET {', '.join(f'{name} = ?' for name in values)}"
        " WHERE run_id = ? AND domain = ?",
        [*values.values(), run.run_id, domain],
    )
