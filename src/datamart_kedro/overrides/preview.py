"""What changed rules would change in the published tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from datamart_kedro.expressions.corrections import CORRECTIONS
from datamart_kedro.mart.verify import KINDS, Verification
from datamart_kedro.overrides.kept import Override

WOULD = dict(zip(KINDS, ("take out", "add", "change"), strict=True))
"""What a difference from a full build by other rules means."""


PARAMETERS = "its parameters changed since version "
"""How the reason begins that changed rules give."""


def preview_lines(found: Verification, proposed: Sequence[Override] = ()) -> Iterator[str]:
    """What to tell of a mart that is held against one built by other rules.

    Args:
        found: How they compare.
        proposed: Rules that were tried; of all others that differ from what was published it is said.
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
    tried = {_as_noted(override) for override in proposed}
    for domain, reason in found.moved.items():
        version, _, names = reason.removeprefix(PARAMETERS).partition(": ")
        if not reason.startswith(PARAMETERS):
            yield f"{domain}: {reason}; some of what differs comes from that."
        elif proposed and (others := ", ".join(name for name in names.split(", ") if name not in tried)):
            yield f"{domain}: {others} changed since version {version} and did not run yet; that is counted, too."


def _as_noted(override: Override) -> str:
    """The rule of an override as the reasons of gates name it."""
    block, name, *_ = override.rule
    return f"{block}.{name}" if name == CORRECTIONS else override.name
