"""Publish an earlier version again, and shorten the history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import ROLLBACK, Decision
from datamart_kedro.errors import VersionError
from datamart_kedro.mart import ledger
from datamart_kedro.mart.history import history_of
from datamart_kedro.mart.mart import Mart, quoted, timestamp
from datamart_kedro.mart.personal_data import treatments_at
from datamart_kedro.mart.publication import build, publish, transaction
from datamart_kedro.mart.rejected import forget_closed
from datamart_kedro.mart.run import RowCounts, begin, fail, now
from datamart_kedro.mart.versions import list_versions, select_as_of
from datamart_kedro.sources.state import SourceState


def roll_back(mart: Mart, tables: Mapping[str, PublishedTable], version: int, run_id: str) -> dict[str, RowCounts]:
    """Publish the content of a version as a new version; nothing that was published in between is lost.

    The gates go on comparing the sources with what was loaded last: the mart stays rolled back until a source, a rule
    or the code changes, or somebody forces a run; then all domains are loaded together.

    Args:
        mart: The mart.
        tables: Published tables by domain.
        version: The version to go back to.
        run_id: For the ledger.

    Returns:
        What changed, by domain; empty if the content is the same.

    Raises:
        VersionError: The history does not reach back so far, or personal data was published in another way then.
    """
    _require_same_privacy(mart, tables, version)
    selects = {domain: select_as_of(mart, table, version) for domain, table in tables.items()}
    run = begin(mart, run_id, tables)
    try:
        for domain, table in tables.items():
            run.decisions[domain] = _as_last_published(mart, domain, version)
            build(mart, table, domain, selects[domain])
        ledger.note_decisions(mart, run_id, run.decisions.values(), now())
        return publish(mart)
    except BaseException as error:
        fail(mart, "failed", str(error))
        raise
    finally:
        mart.run = None


def _as_last_published(mart: Mart, domain: str, version: int) -> Decision:
    """A decision that leaves the domain's gate as its last publication set it."""
    last = ledger.domain_state(mart, domain).last
    assert last is not None
    return Decision(
        domain=domain,
        action="rebuild",
        reason=f"{ROLLBACK}{version}",
        source=SourceState(last.rows, last.watermark, last.fingerprint),
        watermark_from=_watermark(mart, domain, version),
        parameters=last.parameters,
        code_version=last.code_version,
    )


def _require_same_privacy(mart: Mart, tables: Mapping[str, PublishedTable], version: int) -> None:
    """Refuse to publish values again that are hashed or left out by now."""
    for domain, table in tables.items():
        then, now_ = treatments_at(mart, domain, version), treatments_at(mart, domain, ledger.current_version(mart))
        if then != now_:
            columns = [n for n in table.personal_columns if then.get(n) != now_.get(n)] or table.personal_columns
            raise VersionError(
                f"{table.name}: version {version} published {', '.join(columns)} in another way than they are"
                " published now (personal_data).",
                "Set personal_data as it was then and run, before you roll back; or go back to a later version.",
            )


def _watermark(mart: Mart, domain: str, version: int) -> datetime | None:
    """Newest updated_at, UTC, among the rows that a domain held at a version."""
    found = mart.scalar(
        f"SELECT arg_max(watermark_to, started_at) FROM {ledger.LEDGER.name}"
        f" WHERE domain = ? AND status = 'published' AND version <= {version}",
        [domain],
    )
    return found if isinstance(found, datetime) else None


def prune(mart: Mart, tables: Mapping[str, PublishedTable], before: datetime) -> dict[str, int]:
    """Remove superseded and no longer rejected rows that stopped holding before an instant; other rows stay.

    Args:
        mart: The mart, open for writing.
        tables: Published tables by domain.
        before: Instant, UTC.

    Returns:
        Rows removed, by table; all of them or none.
    """
    oldest = max((version.number for version in list_versions(mart) if version.valid_from <= before), default=0)
    removed: dict[str, int] = {}
    at = now()
    with transaction(mart):
        for table in tables.values():
            history = quoted(history_of(table).name)
            gone = f"_version_to <= {oldest}"
            rows = int(mart.scalar(f"SELECT count(*) FROM {history} WHERE {gone}") or 0)
            removed[history_of(table).name] = rows
            if rows:
                mart.execute(f"DELETE FROM {history} WHERE {gone}")
                mart.execute(
                    f"INSERT INTO {ledger.PRUNED.name} VALUES ({timestamp(at)}, ?, ?, ?)", [table.name, oldest, rows]
                )
        removed[ledger.REJECTED.name] = forget_closed(mart, before)
    return removed
