"""The ledger: one row per run and domain, and what the current check decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import duckdb

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import Action, Decision, DomainState, LastPublication, StagedLoad
from datamart_kedro.control.reading import Reading
from datamart_kedro.mart.domains import table_name
from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.sources.state import SourceState

LEDGER = PublishedTable(
    name="tb_control_data_update",
    key=("run_id", "domain"),
    comment="One row per run and domain: what was done, why, and with how many rows.",
    columns={
        "run_id": "Run, by the time it started.",
        "domain": "Domain.",
        "status": "running, published, skipped, erased, failed or interrupted.",
        "reason": "What opened the gate, or why it stayed closed.",
        "watermark_from": "Newest updated_at, UTC, of the publication before.",
        "watermark_to": "Newest updated_at, UTC, among the rows staged.",
        "rows_read": "Rows that the source delivered.",
        "rows_staged": "Rows staged, one per key.",
        "rows_rejected": "Rows set aside, see tb_rejected_rows.",
        "rows_superseded": "Rows replaced by a newer version of the same key.",
        "rows_inserted": "Published rows with a new key.",
        "rows_updated": "Published rows that changed.",
        "rows_deleted": "Rows no longer published.",
        "version": "Version of the mart that the run published.",
        "started_at": "Instant, UTC.",
        "finished_at": "Instant, UTC.",
        "error": "What went wrong.",
        "parameters": "The domain's parameters, JSON.",
        "code_version": "Version of the project and digest of the domain's code and query.",
        "source_rows": "Rows of the source when it was checked, where it can count them.",
        "source_fingerprint": "What told the source's content from another.",
        "source_columns": "Columns that the source gave, with their types, JSON; NULL if it was not read.",
        "path": "How the domain was refreshed: changes (only what was touched), or full; NULL if nothing was built.",
        "path_reason": "Why.",
    },
)

REJECTED = PublishedTable(
    name="tb_rejected_rows",
    key=(),
    comment="One row per rejected source row: kept whole, with the reasons. A row that comes again is kept once.",
    columns={
        "run_id": "Run that set the row aside first.",
        "domain": "Domain.",
        "row": "The row as it came, JSON.",
        "reasons": "Why it was set aside; several are joined by '; '.",
        "closed_by": "Run that no longer found it to be rejected; NULL as long as it is.",
        "closed_as": "staged, superseded by another row of its key, rejected again for something else, or gone.",
    },
)

PRUNED = PublishedTable(
    name="tb_control_pruned",
    key=("pruned_at", "table_name"),
    comment="One row per shortening of a table's history.",
    columns={
        "pruned_at": "Instant, UTC.",
        "table_name": "Published table whose history was shortened.",
        "oldest_version": "Oldest version that can still be read.",
        "rows_removed": "Superseded rows that were removed.",
    },
)

RESULTS = PublishedTable(
    name="tb_contract_results",
    key=("run_id", "domain", "rule"),
    comment="One row per run, domain and rule: how many rows broke it.",
    columns={
        "run_id": "Run.",
        "domain": "Domain.",
        "rule": "The rule, in words.",
        "severity": "What a breach does: error (stops the publication), warn or off.",
        "rows_checked": "Rows held against the rule.",
        "breaches": "Rows that broke it.",
        "example": "The key of one of them.",
    },
)

NODE_TIMES = PublishedTable(
    name="tb_control_node_times",
    key=("run_id", "node"),
    comment="One row per run and node: how long it took.",
    columns={
        "run_id": "Run.",
        "node": "Node of the pipeline; publication stands for what follows all nodes.",
        "domain": "Its domain; NULL for what is of all domains.",
        "seconds": "Wall clock: loading its inputs, computing, and saving its outputs.",
        "rows_made": "Rows of the table that it made; NULL if it made none.",
    },
)

FORGOTTEN = PublishedTable(
    name="tb_control_forgotten",
    key=("person",),
    comment="One row per person who was erased, and whose rows are not taken in again.",
    columns={
        "person": "HMAC-SHA-256 of the person's id with the salt as its key: it tells the id when it comes again.",
        "salt": "Random bytes, hexadecimal, made with the mart's first erasure.",
        "forgotten_at": "Instant, UTC.",
    },
)

CHECK = "tmp_tb_control_data_update"

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS {LEDGER.name} (
    run_id VARCHAR NOT NULL, domain VARCHAR NOT NULL, status VARCHAR NOT NULL, reason VARCHAR,
    watermark_from TIMESTAMP, watermark_to TIMESTAMP,
    rows_read BIGINT, rows_staged BIGINT, rows_rejected BIGINT, rows_superseded BIGINT,
    rows_inserted BIGINT, rows_updated BIGINT, rows_deleted BIGINT,
    version BIGINT, started_at TIMESTAMP, finished_at TIMESTAMP, error VARCHAR,
    parameters VARCHAR, code_version VARCHAR, source_rows BIGINT, source_fingerprint VARCHAR,
    source_columns VARCHAR, path VARCHAR, path_reason VARCHAR
);
CREATE TABLE IF NOT EXISTS {REJECTED.name} (
    run_id VARCHAR NOT NULL, domain VARCHAR NOT NULL, "row" JSON, reasons VARCHAR,
    closed_by VARCHAR, closed_as VARCHAR
);
CREATE TABLE IF NOT EXISTS {PRUNED.name} (
    pruned_at TIMESTAMP NOT NULL, table_name VARCHAR NOT NULL, oldest_version BIGINT NOT NULL, rows_removed BIGINT
);
CREATE TABLE IF NOT EXISTS {RESULTS.name} (
    run_id VARCHAR NOT NULL, domain VARCHAR NOT NULL, rule VARCHAR NOT NULL, severity VARCHAR NOT NULL,
    rows_checked BIGINT NOT NULL, breaches BIGINT NOT NULL, example VARCHAR
);
CREATE TABLE IF NOT EXISTS {NODE_TIMES.name} (
    run_id VARCHAR NOT NULL, node VARCHAR NOT NULL, domain VARCHAR, seconds DOUBLE NOT NULL, rows_made BIGINT
);
CREATE TABLE IF NOT EXISTS {FORGOTTEN.name} (
    person VARCHAR NOT NULL, salt VARCHAR NOT NULL, forgotten_at TIMESTAMP NOT NULL
);
CREATE TABLE IF NOT EXISTS {CHECK} (
    domain VARCHAR PRIMARY KEY, action VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    source_rows BIGINT, source_newest_updated_at TIMESTAMP, source_fingerprint VARCHAR,
    watermark_from TIMESTAMP, parameters VARCHAR, code_version VARCHAR, source_columns VARCHAR, reading VARCHAR
);
"""


def create_ledger(mart: Mart) -> None:
    """Make the ledger's tables where they do not exist, and give them the columns that a newer release added."""
    tables = (LEDGER, REJECTED, PRUNED, RESULTS, NODE_TIMES, FORGOTTEN)
    if mart.exists(CHECK) and all(table.columns.keys() <= mart.columns(table.name).keys() for table in tables):
        return
    mart.execute(f"DROP TABLE IF EXISTS {CHECK}")  # of the current check only
    mart.execute(_SCHEMA)
    with duckdb.connect() as blank:
        blank.execute(_SCHEMA)
        declared = blank.execute("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal")
        for name, column, kind in declared.fetchall():
            if column not in mart.columns(name):
                mart.execute(f"ALTER TABLE {quoted(name)} ADD COLUMN {quoted(column)} {kind}")
    for table in tables:
        comment(mart, table, table.columns)


def comment(mart: Mart, table: PublishedTable, meanings: Mapping[str, str], place: str = "") -> None:
    """Write down what a table and its columns mean.

    Args:
        mart: Open for writing.
        table: Its comment is written.
        meanings: Comments of its columns.
        place: The table in SQL, if it is not the mart's own.
    """
    place = place or quoted(table.name)
    mart.execute(f"COMMENT ON TABLE {place} IS {literal(table.comment)}")
    for name, meaning in meanings.items():
        mart.execute(f"COMMENT ON COLUMN {place}.{quoted(name)} IS {literal(meaning)}")


def meanings_of(mart: Mart, table: str) -> dict[str, str]:
    """What the columns of a table mean, as it is written down in the mart."""
    found = mart.execute(
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? AND comment IS NOT NULL"
        " AND database_name = current_database() AND schema_name = 'main'",
        [table],
    )
    return {str(name): str(meaning) for name, meaning in found}


def current_version(mart: Mart) -> int:
    """Version that readers see, 0 before the first publication."""
    return int(mart.scalar(f"SELECT max(version) FROM {LEDGER.name} WHERE status = 'published'") or 0)


def domain_state(mart: Mart, domain: str) -> DomainState:
    """What the mart knows of a domain: its last publication, and what is staged. Reads only."""
    return domain_states(mart, [domain])[domain]


def domain_states(mart: Mart, domains: Sequence[str]) -> dict[str, DomainState]:
    """What the mart knows of domains: their last publications, and what is staged. Reads only."""
    unknown = {domain: DomainState(table_exists=False) for domain in domains}
    if not mart.is_there:
        return unknown
    names = ", ".join(map(literal, domains))
    try:
        found = mart.execute(
            "SELECT domain, version, started_at,"
            " max(started_at) FILTER (rows_inserted + rows_updated + rows_deleted > 0) OVER of_domain,"
            " reason, source_fingerprint, watermark_to, source_rows, parameters, code_version,"
            " arg_max(source_columns, started_at) OVER of_domain"
            f" FROM {LEDGER.name} WHERE domain IN ({names}) AND status = 'published'"
            " WINDOW of_domain AS (PARTITION BY domain)"
            " QUALIFY row_number() OVER (PARTITION BY domain ORDER BY started_at DESC) = 1"
        )
    except duckdb.CatalogException:  # there is no ledger yet
        return unknown
    last = {str(domain): LastPublication(*values) for domain, *values in found}
    tables = mart.tables()
    return {
        domain: DomainState(
            table_exists=table_name(domain) in tables,
            last=last.get(domain),
            staged=_staged_load(tables.get(f"tmp_{domain}")),
        )
        for domain in domains
    }


def staged_load(mart: Mart, domain: str) -> StagedLoad | None:
    """What ``tmp_<domain>`` holds, None if nothing was staged."""
    return _staged_load(mart.tables().get(f"tmp_{domain}"))


def _staged_load(noted: str | None) -> StagedLoad | None:
    if not noted:
        return None
    note = json.loads(noted)
    instants = {name: datetime.fromisoformat(note[name]) for name in ("started_at", "watermark") if note.get(name)}
    return StagedLoad(**{**note, **instants})


def note_staged_load(mart: Mart, domain: str, load: StagedLoad) -> None:
    """Write on ``tmp_<domain>`` which state of the source it holds."""
    note = json.dumps(vars(load), default=datetime.isoformat)
    mart.execute(f"COMMENT ON TABLE {quoted(f'tmp_{domain}')} IS {literal(note)}")


def save_decision(mart: Mart, decision: Decision) -> None:
    """Keep what the current check decided for a domain."""
    source = decision.source
    mart.execute(
        f"INSERT OR REPLACE INTO {CHECK} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            decision.domain,
            decision.action,
            decision.reason,
            source.rows,
            source.newest_updated_at,
            source.fingerprint,
            decision.watermark_from,
            decision.parameters,
            decision.code_version,
            decision.source_columns,
            decision.reading.to_json() if decision.reading else None,
        ],
    )


def load_decision(mart: Mart, domain: str) -> Decision | None:
    """What the last check decided for a domain."""
    try:
        found = mart.execute(f"SELECT * FROM {CHECK} WHERE domain = ?", [domain])
    except duckdb.CatalogException:  # nothing was ever checked
        return None
    if not found:
        return None
    (name, action, reason, rows, newest, fingerprint, *rest, reading) = found[0]
    decision = Decision(name, _action(action), reason, SourceState(rows, newest, fingerprint), *rest)
    return replace(decision, reading=Reading.from_json(reading) if reading else None)


def _action(text: str) -> Action:
    return "load" if text == "load" else "rebuild" if text == "rebuild" else "skip"


def last_started_at(mart: Mart) -> datetime:
    """Instant, UTC, at which the newest run started."""
    newest = mart.scalar(f"SELECT max(started_at) FROM {LEDGER.name}")
    return newest if isinstance(newest, datetime) else datetime.min


def last_run_of(mart: Mart) -> str:
    """The run that started last; empty if none ever did."""
    return str(mart.scalar(f"SELECT arg_max(run_id, started_at) FROM {LEDGER.name}") or "")


def begin_run(mart: Mart, run_id: str, started_at: datetime, domains: Iterable[str]) -> None:
    """Write a row per domain: running."""
    insert_rows(
        mart,
        f"{LEDGER.name} (run_id, domain, status, reason, started_at)",
        [(run_id, domain, "running", "not checked yet", started_at) for domain in domains],
    )


def note_decisions(mart: Mart, run_id: str, decisions: Iterable[Decision], at: datetime) -> None:
    """Write what the gates decided; a domain whose gate is closed is done."""
    for decision in decisions:
        update(
            mart,
            run_id,
            decision.domain,
            {
                "status": "running" if decision.is_open else "skipped",
                "reason": decision.reason,
                "watermark_from": decision.watermark_from,
                "finished_at": None if decision.is_open else at,
                "parameters": decision.parameters,
                "code_version": decision.code_version,
                "source_rows": decision.source.rows,
                "source_fingerprint": decision.source.fingerprint,
                "source_columns": decision.source_columns,
            },
        )


def update(mart: Mart, run_id: str, domain: str, values: Mapping[str, object]) -> None:
    """Write values into the row of a run and domain."""
    mart.execute(
        f"UPDATE {LEDGER.name} SET {', '.join(f'{name} = ?' for name in values)} WHERE run_id = ? AND domain = ?",
        [*values.values(), run_id, domain],
    )


def insert_rows(mart: Mart, table: str, rows: Sequence[Sequence[object]]) -> None:
    """Write rows in one statement.

    Args:
        mart: Open for writing.
        table: Its name, with the columns in parentheses if not all are given.
        rows: Texts, numbers, instants or None; there may be none.
    """
    if rows:
        values = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
        mart.execute(f"INSERT INTO {table} VALUES {values}", [value for row in rows for value in row])


def end_run(mart: Mart, run_id: str, status: str, error: str, finished_at: datetime) -> None:
    """Close the rows of a run that published nothing."""
    mart.execute(
        f"UPDATE {LEDGER.name} SET status = ?, error = ?, finished_at = ? WHERE run_id = ? AND status = 'running'",
        [status, error, finished_at, run_id],
    )


def close_interrupted(mart: Mart) -> list[str]:
    """Mark runs that never ended. Whoever holds the file for writing knows that no other run is alive."""
    found = mart.execute(f"SELECT DISTINCT run_id FROM {LEDGER.name} WHERE status = 'running' ORDER BY run_id")
    mart.execute(
        f"UPDATE {LEDGER.name} SET status = 'interrupted', error = 'the process ended before the run did'"
        " WHERE status = 'running'"
    )
    return [str(run_id) for (run_id,) in found]
