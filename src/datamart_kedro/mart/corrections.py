"""Which staged rows hold corrected values, and which corrections found no row."""

from __future__ import annotations

from datamart_kedro.expressions.corrections import SEPARATOR, Corrections
from datamart_kedro.expressions.judge import CORRECTED
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, literal, quoted

SHOWN = 1000
"""Rows of a domain that are told at most."""


def corrected_rows(mart: Mart, domain: str) -> list[tuple[str, str]]:
    """The key of each staged row with corrected values, its parts joined by a slash, and what the shop says."""
    staged = f"tmp_{domain}"
    if CORRECTED not in mart.columns(staged):
        return []
    found = mart.execute(
        f"SELECT {_key(domain)}, {CORRECTED} FROM {quoted(staged)}"
        f" WHERE {CORRECTED} IS NOT NULL ORDER BY 1 LIMIT {SHOWN}"
    )
    return [(str(key), str(note)) for key, note in found]


def correction_lines(mart: Mart, domain: str, corrections: Corrections) -> list[str]:
    """Lines that name the corrections of which there is no staged row.

    Args:
        mart: Once a run has published.
        domain: A domain that it has loaded.
        corrections: Those of the domain.
    """
    if not corrections:
        return []
    wanted = ", ".join(f"({literal(key)})" for key in corrections)
    staged = f"(SELECT {_key(domain)} AS key FROM {quoted(f'tmp_{domain}')})"
    found = mart.execute(f"SELECT key FROM (VALUES {wanted}) AS wanted(key) ANTI JOIN {staged} USING (key) ORDER BY 1")
    if not found:
        return []
    shown = ", ".join(str(key) for (key,) in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return [f"{domain}: no staged row has the key of the corrections of {shown}. Correct the key, or take them out."]


def _key(domain: str) -> str:
    parts = (f"CAST({quoted(name)} AS VARCHAR)" for name in published_table(domain).key)
    return f" || {literal(SEPARATOR)} || ".join(parts)
