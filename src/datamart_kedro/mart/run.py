"""One run of the mart: what it decided, and what it has built."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import duckdb

from datamart_kedro.columns import PublishedTable
from datamart_kedro.control.decision import Decision, DomainState
from datamart_kedro.control.personal_data import Publishing
from datamart_kedro.control.reading import RefreshRules
from datamart_kedro.control.settlement import Settled
from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import RunError
from datamart_kedro.expressions.contract import ContractRules, Severity
from datamart_kedro.mart import ledger
from datamart_kedro.mart.file import sign
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.node_times import NodeTime, keep_times
from datamart_kedro.mart.shape import Shape

if TYPE_CHECKING:
    from datamart_kedro.mart.scope import Scope
    from datamart_kedro.mart.source_changes import Changes
    from datamart_kedro.sources.parts import Totals

logger = logging.getLogger(__name__)


@dataclass
class RowCounts:
    """What became of the rows of one domain in one run."""

    read: int = 0
    staged: int = 0
    rejected: int = 0
    superseded: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    published: int = 0


@dataclass(frozen=True)
class Built:
    """What a run changes in one published table.

    Attributes:
        table: The table.
        shape: How its columns change.
        before: Rows that are published before the run.
        inserted: Rows with a new key.
        updated: Rows with other values.
        deleted: Rows whose key is gone.
    """

    table: PublishedTable
    shape: Shape
    before: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def published(self) -> int:
        """Rows that the table will have."""
        return self.before + self.inserted - self.deleted

    @property
    def changed(self) -> int:
        """Rows that differ from the version before."""
        return self.inserted + self.updated + self.deleted

    @property
    def is_changed(self) -> bool:
        """Will a reader see anything else than before?"""
        return self.shape.is_new or self.shape.is_altered or self.changed > 0


@dataclass(frozen=True)
class RuleResult:
    """How a rule fared in a run.

    Attributes:
        rule: In words.
        severity: What a breach does.
        rows_checked: Rows of the table.
        breaches: Rows that broke it.
        example: The key of one of them, such as ``order_id=107``; empty without breaches.
    """

    rule: str
    severity: Severity
    rows_checked: int
    breaches: int
    example: str = ""

    def __str__(self) -> str:
        rows = f"{self.breaches:,} row{'s' if self.breaches != 1 else ''}"
        return f"{self.rule} -- {rows}{', e.g. ' if self.example else ''}{self.example}"


@dataclass(frozen=True)
class Held:
    """How the contract of a domain fared in a run, and how strict it is."""

    results: Sequence[RuleResult]
    strictness: ContractRules


@dataclass(frozen=True)
class RefreshPath:
    """How a domain was refreshed.

    Attributes:
        kind: changes, if only the rows were built that could differ; full, if all were.
        reason: Why.
    """

    kind: Literal["changes", "full"]
    reason: str


@dataclass
class Run:
    """The run that a mart is in.

    Attributes:
        run_id: By the time it started.
        version: Version that its publication gets.
        started_at: Instant, UTC, without zone; later than that of any run before, whatever the clock says. The rows
            that the run publishes hold from then on.
        decisions: What was decided for each domain.
        states: What the mart knew of each domain when the gates were asked.
        built: What it changes, by domain, not yet published.
        loaded: Domains staged in this run, with the number of rows that their source delivered.
        held: How the contracts of the domains built in this run fared.
        results: How every rule fared, by domain.
        accepted: Published columns that may go, such as ``tb_orders.shipping_method``.
        rows: Rows of the tables that it has made so far, by name.
        times: What its nodes took.
        publishing: How personal data is published.
        files: Files that the run replaces when it is published, each with what is written so far.
        refresh: When domains are refreshed by their changes.
        totals: What the sources hold that tell when their rows changed.
        changes: What was read of the domains whose changes alone were read.
        scopes: What is built anew of the domains of which not all is.
        paths: How domains were refreshed.
        settled: Cutoffs of tables of features whose published rows stay as they are.
    """

    run_id: str
    version: int
    started_at: datetime
    decisions: dict[str, Decision] = field(default_factory=dict)
    states: Mapping[str, DomainState] = field(default_factory=dict)
    built: dict[str, Built] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    results: dict[str, list[RuleResult]] = field(default_factory=dict)
    accepted: frozenset[object] = frozenset()
    rows: dict[str, int] = field(default_factory=dict)
    times: list[NodeTime] = field(default_factory=list)
    publishing: Publishing = field(default_factory=Publishing)
    files: dict[Path, Path] = field(default_factory=dict)
    refresh: RefreshRules = field(default_factory=RefreshRules)
    totals: dict[str, Totals] = field(default_factory=dict)
    changes: dict[str, Changes] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    paths: dict[str, RefreshPath] = field(default_factory=dict)
    settled: dict[str, Settled] = field(default_factory=dict)

    def seconds(self, domain: str) -> float:
        """Seconds that the nodes of a domain took."""
        return sum(time.seconds for time in self.times if time.domain == domain)


def now() -> datetime:
    """This instant, UTC, without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def new_run_id(what: str) -> str:
    """An id for a run that Kedro did not start: its time, as in Kedro's, and what it does."""
    return f"{now():%Y-%m-%dT%H.%M.%S.%f}"[:-3] + f"Z.{what}"


def begin(mart: Mart, run_id: str, domains: Iterable[str]) -> Run:
    """Open the mart for writing and start a run of some domains in it."""
    mart.open(write=True)
    sign(mart.path, run_id)
    ledger.create_ledger(mart)
    for other in ledger.close_interrupted(mart):
        logger.warning(
            "Run %s was interrupted before it published anything; the mart is as it was before. This run starts over.",
            other,
        )
    for (name,) in mart.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'build\\_%' ESCAPE '\\'"):
        mart.execute(f"DROP TABLE {quoted(name)}")
    started_at = max(now(), ledger.last_started_at(mart) + timedelta(microseconds=1))
    mart.run = Run(run_id, ledger.current_version(mart) + 1, started_at)
    ledger.begin_run(mart, run_id, started_at, domains)
    return mart.run


def fail(mart: Mart, status: str, error: str, times: Sequence[NodeTime] = ()) -> None:
    """Close the run's rows in the ledger; what was built stays unseen, what was staged stays for inspection.

    A mart that cannot be written any more, such as on a full disk, keeps them open: the next run closes them.
    """
    if mart.run is None:
        return
    try:
        ledger.end_run(mart, mart.run.run_id, status, error[:2000], now())
    except duckdb.Error as cause:
        logger.debug("The ledger cannot be written: %s", first_line(cause))
    keep_times(mart, mart.run.run_id, times)


def current_run(mart: Mart, what: str) -> Run:
    """The run that the mart is in."""
    if mart.run is None:
        raise RunError(
            f"{what} can only be written by a run.", "Use `kedro run`, or session.run() in a notebook.", state=""
        )
    return mart.run
