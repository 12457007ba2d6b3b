"""Is there something to do for a domain? Pure functions of what the source, the ledger and the mart say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from datamart_kedro.control.reading import Reading
from datamart_kedro.mart.domains import table_name
from datamart_kedro.sources.state import SourceState

ROLLBACK = "rollback to version "
"""How the reason of a publication begins that went back to an earlier version."""

FORCED = "forced by `--params "
"""How the reason of a decision begins that a person asked for."""

Action = Literal["load", "rebuild", "skip"]


@dataclass(frozen=True)
class LastPublication:
    """A domain's last publication, as the ledger has it.

    Attributes:
        version: Of the mart, afterwards.
        started_at: When its run started, UTC.
        changed_at: When the last run that changed a row of the table started, UTC; None if none ever did.
        reason: What opened the gate then.
        fingerprint: Of the source that was read.
        watermark: Newest updated_at among the rows, UTC.
        rows: Of the source, where it can count them.
        parameters: With which it was built, JSON.
        code_version: By which code.
        source_columns: Columns that the source gave when it was last read, with their types, JSON; None if unknown.
    """

    version: int
    started_at: datetime
    changed_at: datetime | None
    reason: str
    fingerprint: str
    watermark: datetime | None
    rows: int | None
    parameters: str
    code_version: str
    source_columns: str | None = None

    @property
    def is_rollback(self) -> bool:
        """Was an earlier version published again?"""
        return self.reason.startswith(ROLLBACK)


@dataclass(frozen=True)
class StagedLoad:
    """What ``tmp_<domain>`` holds.

    Attributes:
        started_at: When the run that staged it started, UTC.
        fingerprint: Of the source that it read; empty if nothing was checked.
        parameters: With which it was staged, JSON.
        code_version: By which code.
        watermark: Newest updated_at, UTC, up to which it is complete; None where the source tells none.
        source_rows: How many rows the source had.
        source_clock: Sum of their updated_at, microseconds since 1970.
        runs_since_comparison: Runs that read changes alone since the keys were last compared, or all rows read.
    """

    started_at: datetime
    fingerprint: str
    parameters: str
    code_version: str
    watermark: datetime | None = None
    source_rows: int = 0
    source_clock: int = 0
    runs_since_comparison: int = 0

    @property
    def published(self) -> tuple[str, str, str]:
        """What the publication has to say that was made of it: fingerprint, parameters, code."""
        return self.fingerprint, self.parameters, self.code_version


@dataclass(frozen=True)
class DomainState:
    """What the mart knows of a domain before it is checked."""

    table_exists: bool
    last: LastPublication | None = None
    staged: StagedLoad | None = None


@dataclass(frozen=True)
class Decision:
    """What a run does for a domain, and why.

    Attributes:
        domain: Such as ``orders``.
        action: load (stage and build), rebuild (build from what is staged) or skip.
        reason: Why, in words for people.
        source: State of the source when it was checked.
        watermark_from: Newest updated_at of the last publication, UTC.
        parameters: The domain's parameters, JSON with sorted keys.
        code_version: Version of the project and digest of the domain's code and query.
        source_columns: Columns that the source gives, with their types, JSON; None if it was not asked.
        reading: How the source is read; None if it is not.
    """

    domain: str
    action: Action
    reason: str
    source: SourceState
    watermark_from: datetime | None
    parameters: str
    code_version: str
    source_columns: str | None = None
    reading: Reading | None = None

    @property
    def is_open(self) -> bool:
        """Does the domain run at all?"""
        return self.action != "skip"

    @property
    def is_forced(self) -> bool:
        """Did a person ask for all rows to be made anew?"""
        return self.reason.startswith(FORCED)

    @classmethod
    def by_name(cls, domain: str, parameters: str = "{}") -> Decision:
        """A domain whose nodes were asked for one by one: nothing was checked."""
        return cls(domain, "load", "asked for by name (--nodes)", SourceState(None, None, ""), None, parameters, "")

    def opened(self, action: Action, reason: str) -> Decision:
        """The same, opened by something else; a source that is read is read in whole."""
        return replace(self, action=action, reason=reason, reading=Reading(reason) if action == "load" else None)

    @property
    def since(self) -> datetime | None:
        """Instant, UTC, from which changes are read; None if all rows are, or none."""
        return self.reading.since if self.reading else None


def decide(
    domain: str,
    source: SourceState,
    mart: DomainState,
    *,
    force: object,
    parameters: Mapping[str, Any],
    code_version: str,
    full: bool = False,
) -> Decision:
    """Open the gate of a domain, or leave it closed, by the first reason that holds.

    Args:
        domain: Such as ``orders``.
        source: What its source holds now.
        mart: What the mart knows of it.
        force: The parameter: yes or no for all domains, or the name of one, or a list of names.
        parameters: The domain's parameters.
        code_version: Of the project, with a digest of the domain's code and query.
        full: The parameter: is everything read and built anew?
    """
    asked = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    reason = (
        _reason_to_force(domain, force, full=full)
        or _reason_in_mart(domain, source, mart)
        or _reason_in_project(mart, asked, code_version)
    )
    last = mart.last
    return Decision(
        domain=domain,
        action="load" if reason else "skip",
        reason=reason or _closed(last),
        source=source,
        watermark_from=last.watermark if last else None,
        parameters=asked,
        code_version=code_version,
    )


def named(force: object) -> list[object]:
    """What the parameter `force` names, if it names domains."""
    return force if isinstance(force, list) else [force]


def is_forced(domain: str, force: object) -> bool:
    """Does the parameter `force` open the gate of a domain?"""
    return force is True or domain in named(force)


def _reason_to_force(domain: str, force: object, *, full: bool) -> str | None:
    if full:
        return f"{FORCED}full=true`"
    return f"{FORCED}force={'true' if force is True else domain}`" if is_forced(domain, force) else None


def decide_below(
    domain: str,
    mart: DomainState,
    *,
    force: object,
    missing_file: str,
    parameters: Mapping[str, Any],
    code_version: str,
    full: bool = False,
) -> Decision:
    """Open the gate of a table that has no source, or leave it closed; what changed above opens it afterwards.

    Args:
        domain: Such as ``ft_customers``.
        mart: What the mart knows of it.
        force: As for `decide`.
        missing_file: A file that should have been written with the table and is not there; empty if all are.
        parameters: Its parameters.
        code_version: The code that would make it.
        full: As for `decide`.
    """
    asked = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    last = mart.last
    reason = (
        _reason_to_force(domain, force, full=full)
        or _reason_below(domain, mart, missing_file)
        or _reason_in_project(mart, asked, code_version)
    )
    return Decision(
        domain=domain,
        action="rebuild" if reason else "skip",
        reason=reason or _closed(last),
        source=SourceState(None, None, ""),
        watermark_from=None,
        parameters=asked,
        code_version=code_version,
    )


def _reason_below(domain: str, mart: DomainState, missing_file: str) -> str | None:
    if not mart.table_exists or mart.last is None:
        return f"{table_name(domain)} does not exist yet"
    if missing_file:
        return f"{missing_file} is not there, or not complete"
    if mart.last.is_rollback:
        return f"it went back with the {mart.last.reason}"
    return None


def _closed(last: LastPublication | None) -> str:
    """Why a gate stays closed."""
    if last is None:
        return "nothing new"
    if last.is_rollback:
        return f"nothing new since the {last.reason}; --params force=true reads the source again"
    return f"nothing new since version {last.version}"


def _reason_in_mart(domain: str, source: SourceState, mart: DomainState) -> str | None:
    last, staged = mart.last, mart.staged
    if not mart.table_exists or last is None:
        return f"tb_{domain} does not exist yet"
    if not last.code_version:
        return f"version {last.version} was built by name (--nodes), with nothing checked"
    if source.fingerprint != last.fingerprint:
        return f"new data: {_difference(source, last)}"
    if staged is None or staged.published != (last.fingerprint, last.parameters, last.code_version):
        return f"tmp_{domain} holds the rows of a run that did not publish them"
    return None


def _reason_in_project(mart: DomainState, parameters: str, code_version: str) -> str | None:
    last = mart.last
    if last is None:
        return None
    if code_version != last.code_version:
        return f"its code or its query changed since version {last.version}"
    if parameters != last.parameters:
        changed = ", ".join(changed_keys(json.loads(last.parameters), json.loads(parameters)))
        return f"its parameters changed since version {last.version}: {changed}"
    return None


def _difference(source: SourceState, last: LastPublication) -> str:
    if source.rows is not None and last.rows is not None and source.rows != last.rows:
        return f"{source.rows:,} rows, {last.rows:,} before"
    if source.newest_updated_at and source.newest_updated_at != last.watermark:
        return f"newest change {source.newest_updated_at:%Y-%m-%d %H:%M:%S}"
    before, now = (fingerprint.partition(":")[0] for fingerprint in (last.fingerprint, source.fingerprint))
    if before != now:
        return f"the source is of another kind than at version {last.version} ({now}, {before} before)"
    return "the content of the source changed"


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[str]:
    """Dotted keys whose values differ."""
    found: list[str] = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += changed_keys(old, new, f"{path}{key}.")
        elif old != new:
            found.append(f"{path}{key}")
    return found
