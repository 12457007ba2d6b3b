"""How good the data is: rules, rows that were set aside, and where each row that was read went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class RuleCourse:
    """How a rule fared over time.

    Attributes:
        domain: Its domain.
        rule: The rule, in words.
        severity: error, warn or off, in the last run that held rows against it.
        rows_checked: In that run.
        breaches: Rows that broke it in that run.
        example: The key of one of them.
        course: Breaches, run by run, the oldest first.
    """

    domain: str
    rule: str
    severity: str
    rows_checked: int
    breaches: int
    example: str
    course: tuple[int, ...]


@dataclass(frozen=True)
class Accounting:
    """Where the rows went that a run read of a domain: read = staged + rejected + superseded."""

    domain: str
    started_at: datetime
    read: int
    staged: int
    rejected: int
    superseded: int

    @property
    def is_complete(self) -> bool:
        """Is every row accounted for?"""
        return self.read == self.staged + self.rejected + self.superseded


def rule_courses(results: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]]) -> list[RuleCourse]:
    """How each rule fared, broken ones first.

    Args:
        results: One row per run, domain and rule.
        runs: Rows of the ledger, which tell when a run was.
    """
    started = {run["run_id"]: run["started_at"] for run in runs}
    known = sorted((r for r in results if r["run_id"] in started), key=lambda r: started[r["run_id"]])
    by_rule: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in known:
        by_rule.setdefault((result["domain"], result["rule"]), []).append(result)
    newest = {result["domain"]: result["run_id"] for result in known}
    courses = [
        RuleCourse(
            domain,
            rule,
            rows[-1]["severity"],
            rows[-1]["rows_checked"],
            rows[-1]["breaches"],
            str(rows[-1]["example"] or ""),
            tuple(row["breaches"] for row in rows),
        )
        for (domain, rule), rows in by_rule.items()
        if rows[-1]["run_id"] == newest[domain]  # a rule that nobody holds any more says nothing of today
    ]
    return sorted(courses, key=lambda course: (-course.breaches, course.domain, course.rule))


def accounting(runs: Sequence[dict[str, Any]]) -> list[Accounting]:
    """Where the rows went that were read last, by domain."""
    found: dict[str, Accounting] = {}
    for run in runs:
        if run["domain"] not in found and run["rows_read"]:
            found[run["domain"]] = Accounting(
                run["domain"],
                run["started_at"],
                *(int(run[f"rows_{name}"] or 0) for name in ("read", "staged", "rejected", "superseded")),
            )
    return [found[domain] for domain in sorted(found)]
