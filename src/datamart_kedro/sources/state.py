"""What a source looks like before anything is read from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SourceState:
    """A cheap look at a domain's source.

    Attributes:
        rows: How many there are, None where counting would mean reading them.
        newest_updated_at: Newest `updated_at`, without zone if the shop writes none; None where the source has none or
            would have to be read.
        fingerprint: What tells this content from another.
    """

    rows: int | None
    newest_updated_at: datetime | None
    fingerprint: str
