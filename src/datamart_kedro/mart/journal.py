"""What the last runs did, in a small file beside the readable copy.

The copy is replaced when something was published. Runs that found nothing new, failed, or set rows aside are told by
this file, so that whoever looks at the mart need not open it, which would keep the next run waiting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from datamart_kedro.mart.corrections import corrected_rows
from datamart_kedro.mart.ledger import LEDGER, REJECTED, RESULTS
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.rejected import count_rejected

RUNS = 60
"""Whose rows the file holds."""
HIDDEN = ("parameters", "source_columns", "source_fingerprint")
RUN_COLUMNS = tuple(name for name in LEDGER.columns if name not in HIDDEN)
INSTANTS = ("started_at", "finished_at", "watermark_from", "watermark_to")


@dataclass(frozen=True)
class Journal:
    """What the last runs did.

    Attributes:
        runs: Rows of the ledger.
        results: Rows of ``tb_contract_results`` of the same runs.
        rejected: Domain, reason, rows that are set aside now, and the run since which; None if nobody wrote it down.
        corrected: By domain and key of a staged row with corrected values: what the shop says.
    """

    runs: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[tuple[str, str, int, str]] | None = None
    corrected: dict[tuple[str, str], str] = field(default_factory=dict)


def journal_path(copy: str | Path) -> Path:
    """Where the journal of a mart is: beside its readable copy."""
    return Path(copy).with_suffix(".runs.json")


def write_journal(mart: Mart) -> None:
    """Write down what the last runs did; nothing is done for a mart without a readable copy.

    It is of use to those who look on, and no part of a run: a journal that cannot be written stays as it was.

    Args:
        mart: Open.
    """
    if mart.settings.readable_copy is None or not mart.is_written:
        return
    target = journal_path(mart.settings.readable_copy)
    fresh = target.with_name(f"{target.name}.new")
    with suppress(duckdb.Error, OSError):
        text = json.dumps(_content(mart), default=str)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(target)


def journal_of(mart: Mart) -> Journal:
    """What the last runs did, by the mart itself, or by the file beside its copy if that is what is open."""
    return _journal(_content(mart)) if mart.exists(REJECTED.name) else read_journal(mart.path)


def read_journal(copy: str | Path) -> Journal:
    """The journal beside a copy; an empty one if there is none, or it is not readable."""
    try:
        content = json.loads(journal_path(copy).read_text(encoding="utf-8"))
        runs = [{**run, **{name: _instant(run[name]) for name in INSTANTS}} for run in content["runs"]]
        return _journal({**content, "runs": runs})
    except (OSError, ValueError, KeyError, TypeError):
        return Journal()


def _journal(content: Mapping[str, Any]) -> Journal:
    rejected = [
        (str(domain), str(reason), int(rows), str(since)) for domain, reason, rows, since in content["rejected"]
    ]
    corrected = {(str(domain), str(key)): str(note) for domain, key, note in content.get("corrected", [])}
    return Journal(list(content["runs"]), list(content["results"]), rejected, corrected)


def ledger_rows(mart: Mart, limit: int) -> list[dict[str, Any]]:
    """Rows of the ledger, the newest first, without what no person reads."""
    if not mart.exists(LEDGER.name):
        return []
    found = mart.execute(
        f"SELECT {', '.join(RUN_COLUMNS)} FROM {LEDGER.name} ORDER BY started_at DESC, domain LIMIT {int(limit)}"
    )
    return [dict(zip(RUN_COLUMNS, row, strict=True)) for row in found]


def rule_results(mart: Mart, condition: str = "true") -> list[dict[str, Any]]:
    """Rows of ``tb_contract_results``.

    Args:
        mart: Read only.
        condition: SQL, of the rows.
    """
    if not mart.exists(RESULTS.name):
        return []
    found = mart.execute(f"SELECT {', '.join(RESULTS.columns)} FROM {RESULTS.name} WHERE {condition}")
    return [dict(zip(RESULTS.columns, row, strict=True)) for row in found]


def _content(mart: Mart) -> dict[str, Any]:
    from datamart_kedro.pipeline_registry import DOMAINS  # here, since the pipelines are imported with it

    last = f"run_id IN (SELECT run_id FROM {LEDGER.name} GROUP BY run_id ORDER BY max(started_at) DESC LIMIT {RUNS})"
    order = "ORDER BY started_at DESC, domain"
    runs = mart.execute(f"SELECT {', '.join(RUN_COLUMNS)} FROM {LEDGER.name} WHERE {last} {order}")
    return {
        "runs": [dict(zip(RUN_COLUMNS, run, strict=True)) for run in runs],
        "results": rule_results(mart, last),
        "rejected": [row[:4] for row in count_rejected(mart)],
        "corrected": [(domain, *row) for domain in DOMAINS for row in corrected_rows(mart, domain)],
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
