"""How faults get into a table, and into the ledger of faults.

Which row has which fault depends on the row's key alone: it keeps its fault as time passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datamart_kedro.sample.draws import Draws, Flags, Floats, Ints

Expected = Literal["rejected", "superseded", "normalised", "unknown", "kept"]
"""What becomes of a fault: its row is rejected, or superseded by a better copy of it; its value is brought into form,
or known to no map; or nothing is wrong enough to touch it."""

Plant = Callable[[pa.Array, Floats], pa.Array]
"""Given the values that stand in a column and a draw for each, what is planted: NULL where that cannot be."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: What is wrong, in a few words.
        column: Where.
        expected: What becomes of it.
        plant: What is put there.
        reason: Why its row is rejected.
        is_copy: Does the row stay as it is, and the fault lie in a second copy of it?
        fits_types: Can a column of the right type hold it?
        on_null: Is it also planted where there is no value?
        unless: A column: where it has a value, the row would be wrong in a second way, and nothing is planted.
    """

    name: str
    column: str
    expected: Expected
    plant: Plant
    reason: str = ""
    is_copy: bool = False
    fits_types: bool = True
    on_null: bool = False
    unless: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows of a table: texts, one array per column.

    Attributes:
        domain: Which table.
        columns: Its columns.
        keys: The key of each row, as text.
        turn: A number per row; see `faulty`.
    """

    domain: str
    columns: Mapping[str, pa.Array]
    keys: pa.Array
    turn: Ints

    def take(self, which: Ints) -> Rows:
        """Some of the rows, or some of them more than once."""
        at = pa.array(which)
        columns = {name: column.take(at) for name, column in self.columns.items()}
        return replace(self, columns=columns, keys=self.keys.take(at), turn=self.turn[which])


def random_turns(draws: Draws, *key: Ints) -> Ints:
    """A number for each row that has none of its own."""
    return (draws.bits("turn", *key) >> np.uint64(32)).astype(np.int64)


def faulty(turn: Ints, rate: float, kinds: int) -> Ints:
    """For each row the kind of its fault, or -1.

    With rows numbered in turn, every (1 / rate)-th has a fault, of one kind after the other.
    """
    fault = np.floor((turn + 1) * rate).astype(np.int64)
    return np.where(fault > np.floor(turn * rate), (fault - 1) % kinds, -1)


def plant(
    rows: Rows, faults: Sequence[Fault], rate: float, draws: Draws, *, typed: bool
) -> tuple[Mapping[str, pa.Array], list[Mapping[str, pa.Array]]]:
    """Plant faults.

    Args:
        rows: Clean rows.
        faults: Kinds of faults; one named twice is planted twice as often.
        rate: Share of the rows that get one.
        draws: The shop's.
        typed: Have the columns types, so that some faults cannot be?

    Returns:
        The rows with faults and copies, and the ledger: columns of `FAULTS` for one kind after the other.
    """
    kind = faulty(rows.turn, rate, len(faults))
    allowed = np.array([not typed or fault.fits_types for fault in faults] + [False])
    kind = np.where(allowed[kind], kind, -1)
    copies = np.array([fault.is_copy for fault in faults] + [False])[kind]
    doubled = np.repeat(np.arange(len(kind)), 1 + copies)
    is_second = np.concatenate([[False], doubled[1:] == doubled[:-1]]) if len(doubled) else copies
    all_rows = rows.take(doubled) if copies.any() else rows
    columns = dict(all_rows.columns)
    ledger = []
    planted_kind = np.where(copies[doubled] & ~is_second, -1, kind[doubled])
    for number in np.unique(planted_kind[planted_kind >= 0]):
        entries = _plant_one(columns, all_rows, faults[number], planted_kind == number, draws)
        if len(entries["key"]):
            ledger.append(entries)
    return columns, ledger


def _plant_one(
    columns: dict[str, pa.Array], rows: Rows, fault: Fault, where: Flags, draws: Draws
) -> Mapping[str, pa.Array]:
    at = np.flatnonzero(where)
    values = columns[fault.column].take(pa.array(at)) if fault.column else rows.keys.take(pa.array(at))
    planted = fault.plant(values, draws.uniform(f"variant {fault.name}", rows.turn[at]))
    can_be = planted.is_valid() if fault.on_null else pc.and_(planted.is_valid(), values.is_valid())
    if fault.unless:
        can_be = pc.and_(can_be, columns[fault.unless].take(pa.array(at)).is_null())
    at, planted = at[can_be.to_numpy(zero_copy_only=False)], planted.filter(can_be)
    if fault.column and len(at):
        mask = np.zeros(len(where), dtype=bool)
        mask[at] = True
        stored = pc.if_else(pc.equal(planted, ""), pa.scalar(None, pa.string()), planted)
        columns[fault.column] = pc.replace_with_mask(columns[fault.column], pa.array(mask), stored)
    return ledger_entries(rows.domain, fault, rows.keys.take(pa.array(at)), planted)


def ledger_entries(domain: str, fault: Fault, keys: pa.Array, planted: pa.Array) -> Mapping[str, pa.Array]:
    """Rows of the ledger of faults: columns of `FAULTS`."""
    same = {
        "domain": domain,
        "column": fault.column,
        "fault": fault.name,
        "expected": fault.expected,
        "reason": fault.reason,
    }
    constant = {name: pa.repeat(pa.scalar(value or None, pa.string()), len(keys)) for name, value in same.items()}
    return {
        "domain": constant["domain"],
        "key": keys,
        "column": constant["column"],
        "fault": constant["fault"],
        "planted": escaped(planted) if fault.column else pa.nulls(len(keys), pa.string()),
        "expected": constant["expected"],
        "reason": constant["reason"],
    }


def escaped(texts: pa.Array) -> pa.Array:
    r"""Texts with control characters written out, such as \x00 and \n; a backslash is doubled."""
    written = {"\\": "\\\\", "\x00": "\\x00", "\x07": "\\x07", "\t": "\\t", "\r": "\\r", "\n": "\\n"}
    for character, name in written.items():
        texts = pc.replace_substring(texts, character, name)
    return texts
