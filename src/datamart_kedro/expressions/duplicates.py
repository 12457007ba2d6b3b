"""One row for each key: the newest version wins."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _


def find_duplicates(valid: ir.Table, key: tuple[str, ...]) -> ir.Table:
    """Keys that came more than once: one row per key, with `copies`, how often it came."""
    return valid.group_by(*key).agg(copies=_.count()).filter(_.copies > 1)


def keep_newest(valid: ir.Table, key: tuple[str, ...], duplicates: ir.Table) -> ir.Table:
    """Keep one row for each key: the one with the newest updated_at.

    Of versions with the same updated_at the one that sorts last by its columns stays, so that the order in which rows
    arrive does not matter. Rows without updated_at are the oldest.

    Args:
        valid: Typed rows.
        key: The grain.
        duplicates: See `find_duplicates`. Only these keys are sorted; the other rows pass.
    """
    single = valid.anti_join(duplicates, list(key))
    repeated = valid.semi_join(duplicates, list(key))
    others = [name for name in valid.columns if name not in (*key, "updated_at")]
    newest_first = [repeated[name].desc(nulls_first=False) for name in ("updated_at", *others)]
    place = ibis.row_number().over(group_by=list(key), order_by=newest_first)
    return single.union(repeated.filter(place == 0))
