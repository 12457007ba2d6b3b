"""How a domain's source is read: only the rows that changed since it was staged last, or all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field

from datamart_kedro.columns import CLOCK
from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.formats import Rules
from datamart_kedro.sources.parts import CLOCKS

if TYPE_CHECKING:
    from datamart_kedro.control.decision import Decision, DomainState


class RefreshRules(Rules):
    """When a domain is refreshed by its changes alone.

    Attributes:
        overlap_minutes: Rows are read again from so long before the watermark: a transaction of the shop may commit
            later than its `updated_at` says.
        compare_keys_every: Runs after which the keys of the source are compared with those staged, to find rows that
            were deleted or missed; 1 is every run, null is never. Where the source's count or the sum of its
            `updated_at` does not add up, they are compared in any case.
        full_from_share: Share of the source's rows that changed, from which all of them are read.
    """

    overlap_minutes: Annotated[int, Field(ge=0, le=527_040)] = 60
    compare_keys_every: Annotated[int, Field(ge=1)] | None = 24
    full_from_share: Annotated[float, Field(ge=0, le=1)] = 0.3


@dataclass(frozen=True)
class Reading:
    """How a run reads a source, and why.

    Attributes:
        reason: In words for people.
        since: Instant, UTC, without zone, from which changes are read; None for all rows.
        compare_keys: Is it the turn of comparing keys?
    """

    reason: str
    since: datetime | None = None
    compare_keys: bool = False

    def __str__(self) -> str:
        return f"reads {self.reason}" if self.since else f"reads all rows: {self.reason}"

    def to_json(self) -> str:
        """The reading as text; `from_json` reads it."""
        return json.dumps({**asdict(self), "since": self.since.isoformat() if self.since else None})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """A reading out of its text."""
        values = json.loads(text)
        since = values.pop("since")
        return cls(since=datetime.fromisoformat(since) if since else None, **values)


def choose_reading(
    decision: Decision,
    state: DomainState,
    columns: Mapping[str, str],
    rules: RefreshRules,
    *,
    full: bool,
    read_since: datetime | None,
    forced: bool,
) -> Reading:
    """Choose how the source of a domain with an open gate is read.

    Changes alone will do if what is staged is what was published last, by the same code, query, rules and columns.

    Args:
        decision: What opened the gate.
        state: What the mart knows of the domain.
        columns: What the source gives, with the engine's types.
        rules: When changes alone are read.
        full: Did somebody ask for all rows?
        read_since: The instant, UTC, from which somebody asked to read again.
        forced: Did somebody force the gate?
    """
    if full:
        return Reading("asked for by `--params full=true`")
    if reason := _reason_for_all(decision, state, columns):
        return Reading(reason)
    if forced and read_since is None:
        return Reading("asked for by force")
    staged = state.staged
    assert staged is not None and staged.watermark is not None
    since = _before(staged.watermark, timedelta(minutes=rules.overlap_minutes))
    reason = f"rows changed since {since:%Y-%m-%d %H:%M:%S}"
    if read_since is not None and forced:
        since = min(since, read_since)
        reason = f"rows changed since {since:%Y-%m-%d %H:%M:%S}, read again as asked"
    every = rules.compare_keys_every
    is_turn = every is not None and staged.runs_since_comparison + 1 >= every
    return Reading(reason, since, is_turn)


def instant_of(read_since: object) -> datetime | None:
    """The parameter `read_since` as an instant, UTC, without zone; None if it is absent.

    Raises:
        ParameterError: It is no date and no instant.
    """
    if read_since is None:
        return None
    if isinstance(read_since, date) and not isinstance(read_since, datetime):
        return datetime.combine(read_since, time.min)
    try:
        at = read_since if isinstance(read_since, datetime) else datetime.fromisoformat(str(read_since))
        return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    except (ValueError, OverflowError):
        raise ParameterError(
            f"read_since is {str(read_since)[:60]!r}.", "Give a date or an instant, such as 2026-10-01T12:00Z."
        ) from None


def _before(at: datetime, overlap: timedelta) -> datetime:
    """An instant so much earlier; shops write the first day there is for rows that never changed."""
    return at - overlap if at - datetime.min > overlap else datetime.min


def _reason_for_all(decision: Decision, state: DomainState, columns: Mapping[str, str]) -> str | None:
    """Why all rows have to be read, None if changes will do."""
    last, staged = state.last, state.staged
    if last is None or staged is None or not state.table_exists:
        return "nothing is published yet"
    reasons = {
        f"the mart went back with the {last.reason}": last.is_rollback,
        "its code, query or parameters changed": (decision.code_version, decision.parameters)
        != (last.code_version, last.parameters),
        f"tmp_{decision.domain} holds the rows of a run that did not publish them": staged.published
        != (last.fingerprint, last.parameters, last.code_version),
        f"its source has no {CLOCK} with a time": columns.get(CLOCK) not in CLOCKS,
        "no watermark was kept by the run before": staged.watermark is None,
        "its source has other columns than before": json.loads(last.source_columns or "{}") != dict(columns),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
