"""One table of a replica held against the mart's, row by row, as of the version that the replica holds. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from psycopg2.extensions import cursor as Cursor
from psycopg2.sql import SQL, Composable, Composed, Identifier, Literal

from datamart_kedro.mart.ledger import LEDGER, PRUNED
from datamart_kedro.replica.plan import Replica
from datamart_kedro.replica.schema import Found, identifiers, missing_columns
from datamart_kedro.replica.served import ENDED, Served
from datamart_kedro.replica.snapshot import Snapshot
from datamart_kedro.replica.stage import STAGE, Stage

KINDS = ("only in the mart", "only in the replica", "different")
"""How a row can differ."""

NOTHING = SQL("0")
DOUBLED = SQL("count(*) FILTER (WHERE {0}) - count(DISTINCT new.ctid) FILTER (WHERE {0})").format(
    SQL("new.ctid IS NOT NULL AND old.ctid IS NOT NULL")
)
"""Number of rows of the replica whose key another one has already."""


@dataclass(frozen=True)
class TableCheck:
    """How one table of a replica compares with the mart's.

    Attributes:
        table: Its name.
        faults: What is wrong with its shape, in words.
        rows: For each of `KINDS` that there is, the number of rows.
        examples: For each of them the key of one row, such as ``order_id=107``.
        is_known: Could its rows be compared?
    """

    table: str
    faults: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    is_known: bool = True

    @property
    def is_alike(self) -> bool:
        """Is nothing wrong with it?"""
        return not self.faults and not self.rows


def compare(
    snapshot: Snapshot, cursor: Cursor, schema: str, served: Served, replica: Replica, number: int, since: datetime
) -> TableCheck:
    """Compare a table with the mart's, as of the version that the replica holds.

    Args:
        snapshot: The mart.
        cursor: In a transaction that is rolled back afterwards.
        schema: That holds the replica.
        served: The table.
        replica: What the server has.
        number: The mart's version. What a later version than the replica's brings is no fault.
        since: Instant, UTC, from which rows of a ledger are newer than the replica.
    """
    held = replica.number or 0
    found = replica.tables.get(served.name)
    if found is None:
        ((rows,),) = snapshot.rows(f"SELECT count(*) FROM ({served.rows_at(held)})")
        if held < number and not rows:
            return TableCheck(served.name)
        return TableCheck(served.name, ("there is no such table",), {KINDS[0]: int(rows)} if rows else {})
    faults = shape_faults(served, found, is_behind=held < number)
    if held < served.reaches_back_to or not all(name in found.columns for name in served.key):
        return TableCheck(served.name, faults, is_known=False)
    stage = Stage(snapshot, cursor, served)
    stage.hold_rows(served.rows_at(held))
    pairs = _Pairs(
        cursor, Identifier(schema, served.name), served, found, _tolerated(cursor, schema, served, replica, since)
    )
    rows = pairs.count()
    examples = {kind: pairs.example(kind) for kind in rows}
    stage.drop()
    return TableCheck(served.name, faults, rows, examples)


def shape_faults(served: Served, found: Found, *, is_behind: bool) -> tuple[str, ...]:
    """What is wrong with the shape of a table, in words; columns and comments may be those of an earlier version."""
    faults = []
    if found.key != served.key:
        has = f"is ({', '.join(found.key)})" if found.key else "is missing"
        faults.append(f"its primary key ({', '.join(served.key)}) {has}")
    if is_behind:
        return tuple(faults)
    if more := [name for name in found.columns if name not in served.columns]:
        faults.append(f"it has {', '.join(more)}, which the mart does not have")
    if lacking := missing_columns(served, found):
        faults.append(f"it lacks {', '.join(lacking)}")
    faults += [
        f"{name} is {kind}, not {served.columns[name]}"
        for name, kind in found.columns.items()
        if name in served.columns and kind != served.columns[name]
    ]
    meanings = {name: said for name, said in served.table.meanings.items() if name in served.columns}
    wrong = [name for name, said in meanings.items() if name in found.columns and found.meanings.get(name) != said]
    if said := len(wrong) + (found.comment != served.table.comment):
        faults.append(f"{said} of its comments {'is' if said == 1 else 'are'} not the mart's")
    return tuple(faults)


def never() -> Composable:
    """A condition that holds for no row."""
    return SQL("false")


@dataclass(frozen=True)
class _Tolerated:
    """Conditions on rows that differ for a good reason.

    Attributes:
        missing: Of rows ``new`` of the mart that came after the replica was written.
        extra: Of rows ``old`` of the replica that the mart removed since.
        changed: Of pairs of rows, of which the mart's changed since.
    """

    missing: Composable = field(default_factory=never)
    extra: Composable = field(default_factory=never)
    changed: Composable = field(default_factory=never)


def _tolerated(cursor: Cursor, schema: str, served: Served, replica: Replica, since: datetime) -> _Tolerated:
    """What runs and prunings did to ledgers and histories after the replica was written, without a version of it."""
    newer = Literal(since.replace(tzinfo=UTC))
    if served.name == LEDGER.name:
        closed = SQL("old.status = 'running' AND new.status = 'interrupted'")
        return _Tolerated(SQL("new.started_at >= {}").format(newer), changed=closed)
    if served.name == PRUNED.name:
        return _Tolerated(SQL("new.pruned_at >= {}").format(newer))
    if not served.is_history:
        return _Tolerated()
    cut = Literal(_cut_back_to(cursor, schema, served, replica))
    ended = Identifier("old", ENDED)
    return _Tolerated(extra=SQL("{} > {} AND {} <= {}").format(ended, cut, ended, Literal(served.oldest)))


def _cut_back_to(cursor: Cursor, schema: str, served: Served, replica: Replica) -> int:
    """The version to which the replica's own history of a table was cut back; 0 if it never was."""
    if PRUNED.name not in replica.tables:
        return 0
    cursor.execute(
        SQL("SELECT coalesce(max(oldest_version), 0) FROM {} WHERE table_name = {}").format(
            Identifier(schema, PRUNED.name), Literal(served.name.removesuffix("_history"))
        )
    )
    return int(cursor.fetchall()[0][0])


class _Pairs:
    """Rows of the stage, ``new``, beside those of the replica with the same key, ``old``."""

    def __init__(self, cursor: Cursor, table: Identifier, served: Served, found: Found, tolerated: _Tolerated) -> None:
        self._cursor, self._key, self._tolerated = cursor, served.key, tolerated
        self._is_unique = found.key == served.key
        same_kind = [name for name, kind in served.columns.items() if found.columns.get(name) == kind]
        on = SQL(" AND ").join(_same(name, as_text=name not in same_kind) for name in served.key)
        self._pairs = SQL("{} AS new FULL JOIN {} AS old ON {}").format(STAGE, table, on)
        self._differ = (
            SQL("({}) IS DISTINCT FROM ({})").format(identifiers(same_kind, "new"), identifiers(same_kind, "old"))
            if same_kind
            else never()
        )

    def count(self) -> dict[str, int]:
        """For each kind of difference that there is, the number of rows; keys that come twice are one too many."""
        doubled = NOTHING if self._is_unique else DOUBLED
        counts = SQL(", ").join(SQL("count(*) FILTER (WHERE {})").format(self._condition(kind)) for kind in KINDS)
        self._cursor.execute(SQL("SELECT {}, {} FROM {}").format(counts, doubled, self._pairs))
        missing, extra, different, more = self._cursor.fetchall()[0]
        return {kind: rows for kind, rows in zip(KINDS, (missing, extra + more, different), strict=True) if rows}

    def example(self, kind: str) -> str:
        """The first key of a kind of difference; empty if only keys that come twice are of that kind."""
        keys = SQL(", ").join(
            SQL("coalesce({}::text, {}::text)").format(Identifier("new", name), Identifier("old", name))
            for name in self._key
        )
        self._cursor.execute(
            SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT 1").format(keys, self._pairs, self._condition(kind), keys)
        )
        found = self._cursor.fetchone() or ()
        return ", ".join(f"{name}={value}" for name, value in zip(self._key, found, strict=False))

    def _condition(self, kind: str) -> Composed:
        both = SQL("new.ctid IS NOT NULL AND old.ctid IS NOT NULL AND {} AND NOT ({})")
        return {
            KINDS[0]: SQL("old.ctid IS NULL AND NOT ({})").format(self._tolerated.missing),
            KINDS[1]: SQL("new.ctid IS NULL AND NOT ({})").format(self._tolerated.extra),
            KINDS[2]: both.format(self._differ, self._tolerated.changed),
        }[kind]


def _same(column: str, *, as_text: bool) -> Composed:
    """Condition that both rows have the same value; a column of another type is compared by how it is written."""
    equal = "{}::text = {}::text" if as_text else "{} = {}"
    return SQL(equal).format(Identifier("new", column), Identifier("old", column))
