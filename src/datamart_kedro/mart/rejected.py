"""Rows that were set aside: kept once, closed when they are no longer rejected, counted, and given back whole."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.ledger import LEDGER, REJECTED
from datamart_kedro.mart.mart import Mart, literal, quoted, timestamp
from datamart_kedro.mart.run import Run
from datamart_kedro.mart.staged import kept_in, seen_as

FORMATS = {".csv": "FORMAT csv, HEADER", ".json": "FORMAT json", ".parquet": "FORMAT parquet"}
STAGED, SUPERSEDED, AGAIN, GONE = "staged", "superseded", "rejected again", "gone"
"""What becomes of a rejected row: it was let in, another row of its key was, it is rejected for other reasons or with
other values, or its source has it no longer."""


def find_closed(mart: Mart, domain: str) -> None:
    """Find out what became of the open rows of a domain that this load did not reject again.

    They are kept in the temporary table ``closed_<domain>`` until the run is published. To be called while the source
    can still be read.
    """
    columns = mart.columns(f"source_{domain}")
    key = [name for name in published_table(domain).key if name in columns]
    staged, duplicates = (quoted(kept_in(mart.run, f"tmp_{domain}{part}")) for part in ("", "_duplicates"))
    mart.execute(
        f"CREATE OR REPLACE TEMP TABLE {quoted(f'closed_{domain}')} AS"
        f" WITH new AS ({_rejected_now(mart, domain)}), open AS ({_open(domain)})"
        f" SELECT id, row, {_key_of_row(key)} AS key, CAST(NULL AS VARCHAR) AS closed_as"
        " FROM open ANTI JOIN new USING (row, reasons, copy)"
    )
    closed = quoted(f"closed_{domain}")
    if not mart.scalar(f"SELECT count(*) FROM {closed}"):
        return
    keys = f"(SELECT key FROM {closed})"
    source = f"FROM {quoted(f'source_{domain}')} AS source"
    came = f"SELECT to_json(source) AS row, {_key_of_table('source', key)} AS key {source}"
    outcomes = {
        AGAIN: f"row IN (SELECT row FROM ({_rejected_now(mart, domain)}))"
        f" OR key IN (SELECT {_key_of_row(key)} FROM ({_rejected_now(mart, domain)}))",
        STAGED: f"row IN (SELECT row FROM ({came}) WHERE key IN {keys})"
        f" AND key NOT IN (SELECT {_key_of_table('twice', key)} FROM {duplicates} AS twice)",
        SUPERSEDED: f"key IN (SELECT {_key_of_table('staged', key)} FROM {staged} AS staged)",
        GONE: "true",
    }
    for outcome, condition in outcomes.items():
        mart.execute(f"UPDATE {closed} SET closed_as = {literal(outcome)} WHERE closed_as IS NULL AND ({condition})")


def keep_rejected(mart: Mart, run: Run, domain: str) -> None:
    """Keep the rows that a load rejected, once however often they come, and close those that it did not reject.

    Args:
        mart: In the transaction of the publication.
        run: The run.
        domain: A domain that it has loaded.
    """
    mart.execute(
        f"INSERT INTO {REJECTED.name} (run_id, domain, row, reasons) SELECT ?, ?, row, reasons FROM"
        f" ({_rejected_now(mart, domain)}) ANTI JOIN ({_open(domain)}) USING (row, reasons, copy)",
        [run.run_id, domain],
    )
    mart.execute(
        f"UPDATE {REJECTED.name} AS rejected SET closed_by = ?, closed_as = closed.closed_as"
        f" FROM {quoted(f'closed_{domain}')} AS closed WHERE rejected.rowid = closed.id",
        [run.run_id],
    )
    mart.drop_temporary(f"closed_{domain}")


def count_open(mart: Mart) -> dict[str, int]:
    """Rows that are set aside now, by domain, without domains that have none."""
    return dict(
        mart.execute(
            f"SELECT domain, count(*) FROM {REJECTED.name} WHERE closed_by IS NULL GROUP BY domain ORDER BY domain"
        )
    )


def count_closed(mart: Mart, run_id: str) -> dict[str, dict[str, int]]:
    """What became of the rejected rows that a run closed: their number, by domain and outcome."""
    found: dict[str, dict[str, int]] = {}
    for domain, outcome, rows in mart.execute(
        f"SELECT domain, closed_as, count(*) FROM {REJECTED.name} WHERE closed_by = ? GROUP BY ALL", [run_id]
    ):
        found.setdefault(domain, {})[outcome] = rows
    return found


def forget_closed(mart: Mart, before: datetime) -> int:
    """Remove rows that were no longer rejected before an instant, UTC, and return their number."""
    old = (
        f"closed_by IN (SELECT run_id FROM {LEDGER.name} GROUP BY run_id HAVING min(started_at) <= {timestamp(before)})"
    )
    rows = int(mart.scalar(f"SELECT count(*) FROM {REJECTED.name} WHERE {old}"))
    mart.execute(f"DELETE FROM {REJECTED.name} WHERE {old}")
    return rows


def count_rejected(
    mart: Mart, domain: str | None = None, run_id: str | None = None, reason: str | None = None, *, closed: bool = False
) -> list[tuple[str, str, int, str, str]]:
    """Count rejected rows by domain, reason and outcome; a row with two reasons counts for both.

    Args:
        mart: Read only.
        domain: The one to look at; all if absent.
        run_id: The run that read them; those that are still set aside if absent.
        reason: Only rows rejected for this reason, among others.
        closed: Those that are no longer set aside instead.

    Returns:
        Domain, reason, rows, the run that set the first of them aside, and what became of them.
    """
    return [
        (str(name), str(why), int(rows), str(since), str(outcome))
        for name, why, rows, since, outcome in mart.execute(
            "SELECT domain, reason, count(*), min(run_id), coalesce(closed_as, 'set aside') FROM"
            f" (SELECT *, unnest(string_split(reasons, '; ')) AS reason FROM {REJECTED.name}"
            f" WHERE {_wanted(domain, run_id, reason, closed=closed)})"
            " GROUP BY domain, reason, closed_as ORDER BY domain, count(*) DESC, reason, closed_as"
        )
    ]


def export_rejected(
    mart: Mart, target: Path, domain: str | None, run_id: str | None, reason: str | None, *, closed: bool = False
) -> int:
    """Write rejected rows to a file, each as it came in the column ``row`` (JSON), and return their number."""
    wanted = f"FROM {REJECTED.name} WHERE {_wanted(domain, run_id, reason, closed=closed)}"
    mart.execute(f"COPY ({wanted}) TO {literal(str(target.resolve()))} ({FORMATS[target.suffix]})")
    return int(mart.scalar(f"SELECT count(*) {wanted}"))


def _rejected_now(mart: Mart, domain: str) -> str:
    """SELECT of the rows that are rejected after this load; equal ones are told apart by their number."""
    return (
        "SELECT row, reasons, row_number() OVER (PARTITION BY row, reasons) AS copy FROM"
        f" (SELECT to_json(came) AS row, reasons FROM {quoted(seen_as(mart.run, f'tmp_{domain}_rejected'))})"
    )


def _open(domain: str) -> str:
    """SELECT of the rows of a domain that are set aside, from earlier loads."""
    return (
        "SELECT rowid AS id, row, reasons, row_number() OVER (PARTITION BY row, reasons ORDER BY rowid) AS copy"
        f" FROM {REJECTED.name} WHERE domain = {literal(domain)} AND closed_by IS NULL"
    )


def _key_of_row(key: list[str]) -> str:
    """The key in a row as it came, as one text; NULL where a part is missing."""
    return _joined([f"row->>{literal(f'$.{name}')}" for name in key])


def _key_of_table(table: str, key: list[str]) -> str:
    """The key of a table's row, as one text."""
    return _joined([f"CAST({table}.{quoted(name)} AS VARCHAR)" for name in key])


def _joined(parts: list[str]) -> str:
    return " || chr(31) || ".join(f"trim({part})" for part in parts) or "NULL"


def _wanted(domain: str | None, run_id: str | None, reason: str | None, *, closed: bool) -> str:
    """The condition on rejected rows, in SQL."""
    conditions = [f"domain = {literal(domain)}"] if domain else []
    if run_id:
        started = f"(SELECT min(started_at) FROM {LEDGER.name} AS run WHERE run.run_id = {{}})"
        at = started.format(literal(run_id))
        conditions.append(f"{started.format(f'{REJECTED.name}.run_id')} <= {at}")
        conditions.append(f"coalesce({started.format(f'{REJECTED.name}.closed_by')} > {at}, true)")
        conditions.append(
            f"domain IN (SELECT domain FROM {LEDGER.name} WHERE run_id = {literal(run_id)} AND rows_read > 0)"
        )
    else:
        conditions.append(f"closed_by IS {'NOT ' if closed else ''}NULL")
    if reason:
        conditions.append(f"list_contains(string_split(reasons, '; '), {literal(reason)})")
    return " AND ".join(conditions)
