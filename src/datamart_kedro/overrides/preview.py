"""What changed rules would change in the published tables."""

from __future__ import annotations

from collections.abc import Iterator

from datamart_kedro.mart.verify import KINDS, Verification

WOULD = dict(zip(KINDS, ("take out", "add", "change"), strict=True))
"""What a difference from a full build by other rules means."""


def preview_lines(found: Verification) -> Iterator[str]:
    """What to tell of a mart that is held against one built by other rules.

    Args:
        found: How they compare; that parameters differ is expected.
    """
    for table in found.different:
        yield from (f"{table.table}: {fault}" for fault in table.faults)
        for kind, rows in table.rows.items():
            noun = "row" if rows == 1 else "rows"
            yield f"This would {WOULD[kind]} {rows:,} {noun} of {table.table}, e.g. {table.examples[kind]}"
        if table.columns:
            yield f"{table.table}: {', '.join(f'{name} in {rows:,}' for name, rows in table.columns.items())}"
    if found.is_alike:
        yield "No published row would change."
    for domain, reason in found.moved.items():
        if not reason.startswith("its parameters changed"):
            yield f"{domain}: {reason}; some of what differs comes from that."
