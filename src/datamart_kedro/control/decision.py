"""Is there something to do for a domain? Pure functions of what the source, the ledger and the mart say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from datamart_kedro.sources.state import SourceState

Action = Literal["load", "rebuild", "skip"]


@dataclass(frozen=True)
class LastPublication:
    """A domain's last publication, as the ledger has it."""

    version: int
    started_at: datetime
    fingerprint: str
    watermark: datetime | None
    rows: int | None
    parameters: str
    code_version: str


@dataclass(frozen=True)
class StagedLoad:
    """What ``tmp_<domain>`` holds.

    Attributes:
        started_at: When the run that staged it started, UTC.
        fingerprint: Of the source that it read; empty if nothing was checked.
        parameters: With which it was staged, JSON.
        code_version: By which code.
    """

    started_at: datetime
    fingerprint: str
    parameters: str
    code_version: str


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
    """

    domain: str
    action: Action
    reason: str
    source: SourceState
    watermark_from: datetime | None
    parameters: str
    code_version: str

    @property
    def is_open(self) -> bool:
        """Does the domain run at all?"""
        return self.action != "skip"

    @classmethod
    def by_name(cls, domain: str) -> Decision:
        """A domain whose nodes were asked for one by one: nothing was checked."""
        return cls(domain, "load", "asked for by name (--nodes)", SourceState(None, None, ""), None, "{}", "")

    def rebuild(self, reason: str) -> Decision:
        """The same, opened by something above it."""
        return replace(self, action="rebuild", reason=reason)


def decide(
    domain: str,
    source: SourceState,
    mart: DomainState,
    *,
    force: bool,
    parameters: Mapping[str, Any],
    code_version: str,
) -> Decision:
    """Open the gate of a domain, or leave it closed, by the first reason that holds."""
    asked = json.dumps(parameters, sort_keys=True, ensure_ascii=False)
    reason = (
        ("forced by `--params force=true`" if force else None)
        or _reason_in_mart(domain, source, mart)
        or _reason_in_project(mart, asked, code_version)
    )
    last = mart.last
    return Decision(
        domain=domain,
        action="load" if reason else "skip",
        reason=reason or f"nothing new since version {last.version if last else 0}",
        source=source,
        watermark_from=last.watermark if last else None,
        parameters=asked,
        code_version=code_version,
    )


def _reason_in_mart(domain: str, source: SourceState, mart: DomainState) -> str | None:
    last, staged = mart.last, mart.staged
    if not mart.table_exists or last is None:
        return f"tb_{domain} does not exist yet"
    if not last.code_version:
        return f"version {last.version} was built by name (--nodes), with nothing checked"
    if source.fingerprint != last.fingerprint:
        return f"new data: {_difference(source, last)}"
    if staged is None or (staged.fingerprint, staged.parameters, staged.code_version) != (
        last.fingerprint,
        last.parameters,
        last.code_version,
    ):
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
