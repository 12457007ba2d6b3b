"""What changed in a published table between two versions, by counts and by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from datamart_kedro.columns import PERSONAL, PublishedTable
from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.mart.versions import select_as_of

INSERTED, UPDATED, DELETED = "inserted", "updated", "deleted"


@dataclass(frozen=True)
class CellChange:
    """One value that changed.

    Attributes:
        key: Values of the key columns, in their order.
        change: inserted, updated or deleted.
        column: Which one; empty for a row that was inserted or deleted.
        before: Its value at the earlier version, as text; None for NULL.
        after: Its value at the later version. Of personal data only that it changed is told, unless it is asked for.
    """

    key: tuple[Any, ...]
    change: str
    column: str = ""
    before: str | None = None
    after: str | None = None


def _hidden(cell: CellChange) -> CellChange:
    """The same without its values; NULL stays NULL."""
    before, after = (value and PERSONAL for value in (cell.before, cell.after))
    return replace(cell, before=before, after=after)


class Difference:
    """A published table at two versions, side by side: only rows that were written between the two are looked at.

    Args:
        mart: Read only.
        table: The table.
        earlier: Version to compare from.
        later: Version to compare to.

    Raises:
        VersionError: The history does not reach back so far.
    """

    def __init__(self, mart: Mart, table: PublishedTable, earlier: int, later: int) -> None:
        self._mart = mart
        self._table = table
        self._values = [name for name in table.columns if name not in table.key]
        same_key = " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in table.key)
        self._sides = (
            f"({select_as_of(mart, table, earlier)}) AS old"
            f" FULL JOIN ({select_as_of(mart, table, later)}) AS new ON {same_key}"
        )
        first = quoted(table.key[0])
        self._change = (
            f"CASE WHEN old.{first} IS NULL THEN '{INSERTED}' WHEN new.{first} IS NULL THEN '{DELETED}'"
            f" ELSE '{UPDATED}' END"
        )
        differs = " OR ".join(f"old.{quoted(name)} IS DISTINCT FROM new.{quoted(name)}" for name in self._values)
        one_sided = f"old.{first} IS NULL OR new.{first} IS NULL"
        self._differs = f"old._version IS DISTINCT FROM new._version AND ({one_sided}{differs and ' OR '}{differs})"

    def counts(self) -> dict[str, int]:
        """Rows inserted, updated and deleted."""
        found = dict(
            self._mart.execute(f"SELECT {self._change}, count(*) FROM {self._sides} WHERE {self._differs} GROUP BY 1")
        )
        return {change: int(found.get(change, 0)) for change in (INSERTED, UPDATED, DELETED)}

    def cells(self, limit: int, key: Sequence[str] = (), *, show_personal: bool = False) -> list[CellChange]:
        """Values that changed, sorted by key.

        Args:
            limit: Rows of the table to look at, at most.
            key: Values of the key columns, as text, of the one row to look at; every row if empty.
            show_personal: Give the values of personal data too?
        """
        keys = [f"coalesce(old.{quoted(name)}, new.{quoted(name)})" for name in self._table.key]
        values = [f"CAST({side}.{quoted(name)} AS VARCHAR)" for name in self._values for side in ("old", "new")]
        wanted = "".join(f" AND CAST({k} AS VARCHAR) = {literal(v)}" for k, v in zip(keys, key, strict=False))
        rows = self._mart.execute(
            f"SELECT {', '.join([*keys, self._change, *values])} FROM {self._sides}"
            f" WHERE {self._differs}{wanted} ORDER BY {', '.join(keys)} LIMIT {int(limit)}"
        )
        hidden = set() if show_personal else {*self._table.personal_columns}
        return [_hidden(cell) if cell.column in hidden else cell for row in rows for cell in self._cells_of(row)]

    def _cells_of(self, row: Sequence[Any]) -> list[CellChange]:
        width = len(self._table.key)
        key, change, values = tuple(row[:width]), str(row[width]), row[width + 1 :]
        if change != UPDATED:
            return [CellChange(key, change)]
        pairs = zip(self._values, values[::2], values[1::2], strict=True)
        return [CellChange(key, change, name, old, new) for name, old, new in pairs if old != new]
