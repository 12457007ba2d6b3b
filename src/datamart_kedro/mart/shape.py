"""How the columns of a table that is being built differ from those of the published one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from datamart_kedro.columns import PublishedTable
from datamart_kedro.errors import SchemaError
from datamart_kedro.mart.mart import Mart, quoted

WIDER: Mapping[str, tuple[str, ...]] = {
    "BOOLEAN": ("VARCHAR",),
    "INTEGER": ("BIGINT", "VARCHAR"),
    "BIGINT": ("VARCHAR",),
    "DATE": ("TIMESTAMP", "VARCHAR"),
}
"""Types that hold every value of another one; decimals are compared by their digits."""


@dataclass(frozen=True)
class Shape:
    """What has to be done to a published table before rows of the new shape fit into it.

    Attributes:
        is_new: There is no such table yet.
        added: Columns that it does not have, with their types; its rows hold NULL there.
        widened: Columns whose new type holds every value of the old one, with that type.
        kept: Columns whose old type holds every value of the new one, with the old type, which stays.
        dropped: Columns that go; their values stay in the history.
    """

    is_new: bool = False
    added: Mapping[str, str] = field(default_factory=dict)
    widened: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    @property
    def is_altered(self) -> bool:
        """Has the published table to be altered?"""
        return bool(self.added or self.widened or self.dropped)

    def fitted(self, select: str) -> str:
        """A SELECT of new rows, in the types that the table keeps."""
        if not self.kept:
            return select
        casts = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in self.kept.items())
        return f"SELECT * REPLACE ({casts}) FROM ({select})"

    def as_new(self, column: str) -> str:
        """A column of the published table ``old`` as the new shape has it, in SQL."""
        if column in self.added:
            return f"CAST(NULL AS {self.added[column]})"
        if column in self.widened:
            return f"CAST(old.{quoted(column)} AS {self.widened[column]})"
        return f"old.{quoted(column)}"


def compare_shapes(mart: Mart, table: PublishedTable, select: str, accepted: Collection[object] = ()) -> Shape:
    """Compare the columns of a SELECT with those of the table that is published.

    Args:
        mart: Read only.
        table: The published table.
        select: What is to be published in it.
        accepted: Columns that may go, such as ``tb_orders.shipping_method``.

    Raises:
        SchemaError: A column is missing, or its type holds other values: what readers see would be lost.
    """
    old = mart.columns(table.name)
    if not old:
        return Shape(is_new=True)
    new = {str(name): str(kind) for name, kind, *_ in mart.execute(f"DESCRIBE {select}")}
    lost = [name for name in old if name not in new and not name.startswith("_")]
    changed = {name: kind for name, kind in new.items() if name in old and old[name] != kind}
    kept = {name: old[name] for name, kind in changed.items() if holds(old[name], kind)}
    widened = {name: kind for name, kind in changed.items() if name not in kept}
    narrower = [f"{name} from {old[name]} to {kind}" for name, kind in widened.items() if not holds(kind, old[name])]
    refused = [name for name in lost if f"{table.name}.{name}" not in accepted]
    if narrower:
        raise SchemaError(
            f"{table.name}: its columns changed in a way that would lose published values: {'; '.join(narrower)}.",
            "Give the column another name, or cast it to what it was, where the table is built.",
        )
    if refused:
        raise SchemaError(
            f"{table.name} is built without {', '.join(refused)}, which is published.",
            f"Put it back where the table is built. If it is to go, `kedro run --params"
            f" accept_loss={table.name}.{refused[0]}` lets it go; its values stay in {table.name}_history.",
        )
    return Shape(
        added={name: kind for name, kind in new.items() if name not in old},
        widened=widened,
        kept=kept,
        dropped=tuple(lost),
    )


def holds(wide: str, narrow: str) -> bool:
    """Can a column of one type hold every value of another?"""
    if wide in WIDER.get(narrow, ()):
        return True
    if not (wide.startswith("DECIMAL") and narrow.startswith("DECIMAL")):
        return wide == narrow
    (wide_digits, wide_scale), (digits, scale) = _digits(wide), _digits(narrow)
    return wide_scale >= scale and wide_digits - wide_scale >= digits - scale


def _digits(decimal: str) -> tuple[int, int]:
    precision, scale = decimal.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)
