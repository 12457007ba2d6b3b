"""What is written down about a column of a feature table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

WINDOWS = (30, 90, 180, 365)
"""Days before a cutoff that sums look at, besides life."""

Timing = Literal["key", "safe", "known_ahead", "past_only", "label"]


@dataclass(frozen=True)
class Feature:
    """A column of a feature table.

    Attributes:
        table_name: Its table.
        name: Its name.
        group: What it is about.
        dtype: Its type in Ibis; ``id`` is the type of the shop's ids.
        unit: What it counts; empty for texts and flags.
        window_days: Days before the cutoff that it looks at; None for all of life, or where there is no window.
        definition: What it is, in words.
        sources: Published columns that it is made of.
        null_meaning: What NULL says; empty if it never is.
        default_fill: What a model may put in place of NULL; empty where there is no NULL, or nothing sensible.
        timing: key; safe (known at the cutoff); known_ahead (of future days, too); past_only (must be lagged); label.
        is_personal: Does it tell one person from another?
    """

    table_name: str
    name: str
    group: str
    dtype: str
    unit: str
    window_days: int | None
    definition: str
    sources: str
    null_meaning: str = ""
    default_fill: str = ""
    timing: Timing = "safe"
    is_personal: bool = False

    @property
    def meaning(self) -> str:
        """What the database says of the column."""
        return f"{self.definition}{f' NULL: {self.null_meaning}' if self.null_meaning else ''}"

    @staticmethod
    def meanings() -> Mapping[str, str]:
        """What each column of the catalogue itself means."""
        return {
            "table_name": "Table of the column.",
            "name": "Name of the column.",
            "group_name": "What it is about.",
            "dtype": "Type of its values.",
            "unit": "What it counts.",
            "window_days": "Days before the cutoff that it looks at; NULL for all of life, or without a window.",
            "definition": "What it is.",
            "source_columns": "Published columns that it is made of.",
            "null_meaning": "What NULL says; NULL if it never is.",
            "default_fill": "What a model may put in place of NULL; NULL where there is nothing to put.",
            "timing": "key; safe (known at the cutoff); known_ahead (of future days, too); past_only (to be lagged);"
            " label (from the cutoff on).",
            "is_personal": "Does it tell one person from another?",
        }
