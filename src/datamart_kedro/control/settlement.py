"""How features were published last, and which of their cutoffs are settled: plain values, no tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class LastFeatures:
    """How a table of features was published last.

    Attributes:
        unknown: Why it cannot be told what changed since; empty if it can.
        started_at: When its run started, UTC, without zone: it saw what was published until then, and itself.
        parameters: With which it was made.
        marks: What is published of each cutoff: its day, and what tells how it was made.
    """

    unknown: str
    started_at: datetime = datetime.min
    parameters: Mapping[str, Any] = field(default_factory=dict)
    marks: frozenset[tuple[Any, ...]] = frozenset()


@dataclass(frozen=True)
class Settled:
    """The cutoffs whose rows cannot have changed since they were published, and stay as they are.

    Attributes:
        days: Their days.
        reason: How many they are, or why there are none.
    """

    days: frozenset[date] = frozenset()
    reason: str = ""
