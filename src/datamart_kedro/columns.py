"""What a table is made of: its grain, its columns, their types and their meaning.

Each domain writes its `SOURCE` and its `TABLE` once; staging, the mart's comments, the replica's
primary keys and the documentation read them from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "text", "instant", "integer", "decimal", "money", "rate", "flag"]
"""What a source column holds. `money` is decimal(18, 4), `rate` decimal(18, 6), `decimal` decimal(18, 3)."""


CLOCK = "updated_at"
"""The column that tells when the shop changed a row last."""


@dataclass(frozen=True)
class SourceColumn:
    """A canonical column that a source may deliver, and must if `required`."""

    kind: Kind
    required: bool = False


@dataclass(frozen=True)
class PersonalData:
    """What the tables of a domain, source, staged and published, hold of persons.

    Attributes:
        person: Column with the id of the person whom a row is of; empty if rows are of nobody.
        columns: Columns whose values tell of that person. None of them is part of a key.
        identifying: Those of them by whose values a person can be found.
    """

    person: str = ""
    columns: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()


PERSONAL = "(personal data)"
"""What is shown in place of a value that tells of a person."""

NOBODY = PersonalData()
"""Nothing is told of persons."""


@dataclass(frozen=True)
class PublishedTable:
    """A table that readers see.

    Attributes:
        name: Such as ``tb_orders``.
        key: The columns whose values tell one row from another: the grain.
        comment: First sentence: the grain.
        columns: Name of each column, in order, with its meaning and unit.
        personal: What it holds of persons.
        stamps: Columns that tell when a row was made, not what it says: a row that differs in them alone stays.
    """

    name: str
    key: tuple[str, ...]
    comment: str
    columns: Mapping[str, str] = field(default_factory=dict)
    personal: PersonalData = NOBODY
    stamps: tuple[str, ...] = ()

    @property
    def personal_columns(self) -> list[str]:
        """Its columns with personal data, in order."""
        return [name for name in self.columns if name in self.personal.columns]

    @property
    def meanings(self) -> dict[str, str]:
        """What its columns mean, and which of them hold personal data: for readers of the database."""
        return {
            name: f"{meaning} Personal data." if name in self.personal.columns else meaning
            for name, meaning in self.columns.items()
        }


VERSION_COLUMNS: Mapping[str, str] = {
    "_version": "Version of the mart that wrote the row.",
    "_valid_from": "Instant, UTC, from which the row holds.",
}
