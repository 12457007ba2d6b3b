"""Hold published tables against those of a mart that was built in full, row by row; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.control.decision import LastPublication, changed_keys
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.ledger import LEDGER, current_version, domain_state
from datamart_kedro.mart.mart import Mart, literal, quoted

FULL = "built_in_full"
"""Name under which the other mart is attached."""
KINDS = ("only in the mart", "only in a full build", "different")
"""How a row can differ."""


@dataclass(frozen=True)
class TableCheck:
    """How a published table compares with a full build.

    Attributes:
        table: Its name.
        faults: What is wrong with its columns, in words.
        rows: For each of `KINDS` that there is, the number of rows.
        examples: For each of them the key of one row, such as ``order_id=107``; no key holds personal data.
        columns: Columns that differ, each with the number of rows in which it does.
    """

    table: str
    faults: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_alike(self) -> bool:
        """Is nothing wrong with it?"""
        return not self.faults and not self.rows


@dataclass(frozen=True)
class Verification:
    """How a mart compares with a full build.

    Attributes:
        version: Of the mart.
        tables: How each published table compares.
        moved: For domains of which a full build today is not of what was published, why: its source changed since.
    """

    version: int
    tables: Sequence[TableCheck]
    moved: Mapping[str, str]

    @property
    def different(self) -> list[TableCheck]:
        """Tables with something wrong."""
        return [table for table in self.tables if not table.is_alike]

    @property
    def is_alike(self) -> bool:
        """Is every row like that of a full build?"""
        return not self.different


def verify(mart: Mart, full: Path, domains: Sequence[str]) -> Verification:
    """Compare every row of some published tables with a mart that was just built in full.

    Args:
        mart: Read only.
        full: The file of the other one.
        domains: Whose tables.
    """
    with _attached(mart, full):
        checks = [_compare(mart, published_table(domain)) for domain in domains]
        reasons = {domain: _why_moved(mart, domain) for domain in domains}
    return Verification(current_version(mart), checks, {domain: reason for domain, reason in reasons.items() if reason})


def verification_lines(found: Verification) -> Iterator[str]:
    """What to tell about a verification: what is wrong with each table, why that may be right, and the outcome."""
    for check in found.different:
        yield from (f"{check.table}: {fault}" for fault in check.faults)
        for kind, rows in check.rows.items():
            example = f", e.g. {check.examples[kind]}"
            yield f"{check.table}: {rows:,} row{'s' if rows != 1 else ''} {kind}{example}"
        if check.columns:
            columns = ", ".join(f"{name} in {rows:,}" for name, rows in check.columns.items())
            yield f"{check.table}: what differs: {columns}"
    yield from (f"{domain}: {reason}" for domain, reason in found.moved.items())
    if found.is_alike:
        yield f"The mart at version {found.version} is like a full build."
    elif found.moved:
        yield f"The mart at version {found.version} is not like a full build, which is of other sources than it is."
    else:
        yield f"The mart at version {found.version} is not like a full build."


@contextmanager
def _attached(mart: Mart, full: Path) -> Iterator[None]:
    mart.execute(f"ATTACH {literal(str(full))} AS {FULL} (READ_ONLY)")
    try:
        yield
    finally:
        mart.execute(f"DETACH {FULL}")


def _compare(mart: Mart, table: PublishedTable) -> TableCheck:
    here, there = (mart.columns(table.name, catalog) for catalog in (None, FULL))
    if not here or not there:
        lacking = "the mart" if not here else "a full build"
        return TableCheck(table.name, (f"{lacking} does not have it",)) if here or there else TableCheck(table.name)
    faults = [f"{name} is only in the mart" for name in here if name not in there]
    faults += [f"{name} is only in a full build" for name in there if name not in here]
    values = [name for name in here if name in there and name not in (*table.key, *table.stamps, *VERSION_COLUMNS)]
    # A column that was widened stays wide in the mart; NULL that was something else before the cast is different.
    differs = {
        name: f"(new.{quoted(name)} IS NULL) <> (old.{quoted(name)} IS NULL)"
        f" OR TRY_CAST(new.{quoted(name)} AS {here[name]}) IS DISTINCT FROM old.{quoted(name)}"
        for name in values
    }
    sides = (
        f"(SELECT *, true AS is_there FROM {quoted(table.name)}) AS old"
        f" FULL JOIN (SELECT *, true AS is_there FROM {FULL}.main.{quoted(table.name)}) AS new"
        f" ON {' AND '.join(_same(name, here, there) for name in table.key)}"
    )
    both = "old.is_there AND new.is_there"
    of_kind = {
        KINDS[0]: "new.is_there IS NULL",
        KINDS[1]: "old.is_there IS NULL",
        KINDS[2]: f"{both} AND ({' OR '.join(differs.values()) or 'false'})",
    }
    conditions = [*of_kind.values(), *(f"{both} AND ({differ})" for differ in differs.values())]
    counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
    (counted,) = mart.execute(f"SELECT {counts} FROM {sides}")
    rows = {kind: int(found) for kind, found in zip(of_kind, counted, strict=False) if found}
    columns = {name: int(found) for name, found in zip(values, counted[len(of_kind) :], strict=True) if found}
    examples = {kind: _example(mart, table, sides, of_kind[kind]) for kind in rows}
    return TableCheck(table.name, tuple(faults), rows, examples, columns)


def _same(name: str, here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Condition that both rows have a value; of columns of different types, how it is written is compared."""
    if here[name] == there[name]:
        return f"old.{quoted(name)} = new.{quoted(name)}"
    return f"CAST(old.{quoted(name)} AS VARCHAR) = CAST(new.{quoted(name)} AS VARCHAR)"


def _example(mart: Mart, table: PublishedTable, sides: str, condition: str) -> str:
    """The first key of a kind of difference."""
    keys = ", ".join(
        f"coalesce(CAST(old.{quoted(name)} AS VARCHAR), CAST(new.{quoted(name)} AS VARCHAR))" for name in table.key
    )
    (row,) = mart.execute(f"SELECT {keys} FROM {sides} WHERE {condition} ORDER BY ALL LIMIT 1")
    return ", ".join(f"{name}={value}" for name, value in zip(table.key, row, strict=True))


def _why_moved(mart: Mart, domain: str) -> str:
    """Why a full build today is not of what a domain was published from; empty if it is."""
    last = domain_state(mart, domain).last
    if last is None:
        return "it is not published"
    fingerprint, parameters, code_version = mart.execute(
        "SELECT source_fingerprint, parameters, code_version"
        f" FROM {FULL}.main.{LEDGER.name} WHERE domain = ? AND status = 'published'",
        [domain],
    )[0]
    return _moved(last, str(fingerprint), str(parameters), str(code_version))


def _moved(last: LastPublication, fingerprint: str, parameters: str, code_version: str) -> str:
    since = f"since version {last.version}"
    if last.is_rollback:
        return f"it went back with the {last.reason}"
    if last.fingerprint != fingerprint:
        return f"its source changed {since}"
    if last.code_version != code_version:
        return f"its code or its query changed {since}"
    if last.parameters != parameters:
        changed = ", ".join(changed_keys(json.loads(last.parameters), json.loads(parameters)))
        return f"its parameters changed {since}: {changed}"
    return ""
