"""What may be changed from the console, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from datamart_kedro.console.access import Access
from datamart_kedro.console.rulebook import Rulebook
from datamart_kedro.console.run_now import Runs


@dataclass(frozen=True)
class Desk:
    """Where changes are made.

    Attributes:
        access: Who may make them.
        runs: Starts runs.
        rulebook: Changes rules.
    """

    access: Access
    runs: Runs
    rulebook: Rulebook
