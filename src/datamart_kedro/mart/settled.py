"""What the mart knows of the last publication of a table of features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime

from datamart_kedro.control.settlement import LastFeatures
from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import published_table, table_name
from datamart_kedro.mart.mart import Mart, literal, quoted, timestamp
from datamart_kedro.mart.run import Run


def last_features(mart: Mart, domain: str, above: Sequence[str], marks: Sequence[str]) -> LastFeatures:
    """How a table of features was published last, and whether it can be told what changed since.

    Args:
        mart: The mart, in a run or not.
        domain: The table.
        above: Domains that it is made of; the first gives it its ids.
        marks: The columns that tell how the rows of a cutoff were made, its day first.
    """
    last, run = ledger.domain_state(mart, domain).last, mart.run
    if run is None or last is None:
        return LastFeatures(f"{domain} does not exist yet" if run else "no run asks for it")
    if reason := _reason_in_run(run, domain) or _reason_in_mart(mart, run, domain, above):
        return LastFeatures(reason)
    published = f"SELECT DISTINCT {', '.join(map(quoted, marks))} FROM {quoted(domain)}"
    return LastFeatures("", last.started_at, json.loads(last.parameters), frozenset(mart.execute(published)))


def rows_of(days: frozenset[date]) -> str:
    """SQL condition on the rows of these cutoffs."""
    named = ", ".join(f"DATE {literal(day.isoformat())}" for day in sorted(days))
    return f"cutoff_date IN ({named})" if named else "false"


def _reason_in_run(run: Run, domain: str) -> str:
    """What the run's decision says against leaving anything out."""
    decision = run.decisions[domain]
    return decision.reason if decision.is_forced or not decision.code_version else ""


def _reason_in_mart(mart: Mart, run: Run, domain: str, above: Sequence[str]) -> str:
    last = ledger.domain_state(mart, domain).last
    if last is None or not mart.exists(domain):
        return f"{domain} does not exist yet"
    if last.is_rollback:
        return f"it went back with the {last.reason}"
    if last.code_version != run.decisions[domain].code_version:
        return f"its code changed since version {last.version}"
    if _happened_since(mart, last.started_at, f"FROM {ledger.PRUNED.name} WHERE pruned_at"):
        return f"the history was shortened since version {last.version}"
    if _happened_since(mart, last.started_at, f"FROM {ledger.LEDGER.name} WHERE status = 'erased' AND started_at"):
        return f"a customer was erased since version {last.version}"
    new = [table_name(name) for name in above if name in run.built and run.built[name].shape.is_new]
    return f"{new[0]} is new" if new else _other_ids(mart, run, domain, above[0])


def _happened_since(mart: Mart, since: datetime, rows: str) -> bool:
    """Is there a row whose instant, which the clause ends with, is later?"""
    return bool(mart.scalar(f"SELECT count(*) {rows} > {timestamp(since)}"))


def _other_ids(mart: Mart, run: Run, domain: str, above: str) -> str:
    """Which id has another type in the table above than in the published rows, in words; empty if none has."""
    table = table_name(above)
    own, others = mart.columns(domain), mart.columns(f"next_{above}" if above in run.built else table)
    changed = [name for name in published_table(domain).key if own[name] != others.get(name, own[name])]
    return f"{table}.{changed[0]} is of another type than before" if changed else ""
