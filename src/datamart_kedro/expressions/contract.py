"""What a published table promises: rules on its rows, all of them counted in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import ibis.expr.types as ir
from ibis import _
from pydantic import Field

from datamart_kedro.expressions.formats import Rules

Severity = Literal["error", "warn", "off"]
"""What a broken rule does: stop the publication of the run, be counted and shown, or nothing."""

Share = Annotated[float, Field(ge=0, le=1)]


class ContractRules(Rules):
    """How strict the contract of a table is.

    Attributes:
        severities: By rule, in its words; a rule that is not named keeps the severity that the contract gives it.
        max_rejected_share: Share of the rows read that may be rejected.
        max_unknown_share: Share of the staged rows with a value that no map knows; more is counted and shown.
        max_lost_share: Share of the published rows that one run may delete.
        shares_from_rows: Tables with fewer rows are not held against these shares.
    """

    severities: dict[str, Severity] = Field(default_factory=dict)
    max_rejected_share: Share = 0.2
    max_unknown_share: Share = 0.1
    max_lost_share: Share = 0.5
    shares_from_rows: Annotated[int, Field(ge=1)] = 100


@dataclass(frozen=True)
class Rule:
    """A rule on the rows of a table.

    Attributes:
        text: In words, as errors show it and parameters name it.
        breach: True for a row that breaks it; NULL counts as a breach.
        severity: What a breach does, where the parameters do not say otherwise.
    """

    text: str
    breach: ir.BooleanValue
    severity: Severity = "error"


@dataclass(frozen=True)
class Reference:
    """A rule that rows of one table are to be found in another.

    Attributes:
        text: In words, as errors show it and parameters name it.
        orphans: The rows that are not.
        key: Columns that tell one of them from another.
        severity: What a breach does, where the parameters do not say otherwise.
    """

    text: str
    orphans: ir.Table
    key: tuple[str, ...]
    severity: Severity = "warn"


@dataclass(frozen=True)
class Contract:
    """The rules of a table; nothing is computed yet.

    Attributes:
        table: The rows, with whatever the rules need beside their columns.
        key: The grain: that it is one is the first rule.
        rules: Rules on its rows.
        references: Rules on rows that refer to it, or that it refers to.
        strictness: How strict it is.
    """

    table: ir.Table
    key: tuple[str, ...]
    rules: Sequence[Rule]
    strictness: ContractRules
    references: Sequence[Reference] = ()

    @property
    def grain_rule(self) -> str:
        """The rule that the key tells one row from another."""
        return f"{', '.join(self.key)} is unique"

    def severities(self) -> dict[str, Severity]:
        """What a breach of each rule does."""
        given: dict[str, Severity] = {self.grain_rule: "error"}
        given |= {rule.text: rule.severity for rule in self.rules}
        given |= {reference.text: reference.severity for reference in self.references}
        return given | {text: severity for text, severity in self.strictness.severities.items() if text in given}

    def breaches(self, *, has_unique_key: bool = False) -> ir.Table:
        """Count the rows that break each rule: one row, with a column for each rule.

        Args:
            has_unique_key: Is the key known to tell one row from another? Then its rule costs nothing.
        """
        repeated = self._repeated().limit(0) if has_unique_key else self._repeated()
        counted = repeated.agg(**{self.grain_rule: (_.copies - 1).sum().fill_null(0).cast("int64")})
        if self.rules:
            breaches = {rule.text: rule.breach.fill_null(True).sum().fill_null(0) for rule in self.rules}
            counted = counted.cross_join(self.table.agg(**breaches))
        for reference in self.references:
            counted = counted.cross_join(reference.orphans.agg(**{reference.text: _.count()}))
        return counted

    def example(self, text: str) -> ir.Table:
        """The key of a row that breaks a rule: the first by its key; no row if none does."""
        if text == self.grain_rule:
            return _first(self._repeated(), self.key)
        for reference in self.references:
            if reference.text == text:
                return _first(reference.orphans, reference.key)
        (breach,) = (rule.breach for rule in self.rules if rule.text == text)
        return _first(self.table.filter(breach.fill_null(True)), self.key)

    def _repeated(self) -> ir.Table:
        return self.table.group_by(*self.key).agg(copies=_.count()).filter(_.copies > 1)


def _first(table: ir.Table, key: Sequence[str]) -> ir.Table:
    return table.select(*key).order_by(*key).limit(1)


def known_to_fail(condition: ir.BooleanValue) -> ir.BooleanValue:
    """Breach: the condition does not hold; where a value is missing nothing is said."""
    return (~condition).fill_null(False)
