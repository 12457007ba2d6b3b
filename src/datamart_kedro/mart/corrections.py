"""Which staged rows hold corrected values, and which corrections found no row."""

from __future__ import annotations

from datamart_kedro.expressions.corrections import SEPARATOR, Corrections
from datamart_kedro.expressions.judge import CORRECTED
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, literal, quoted

UNNUMBERED = "the shop does not give their whole keys, so they cannot be told apart"
SET_ASIDE = "their rows were set aside, see `kedro mart rejected`"
NOT_THERE = "there are no such rows; correct the keys, or take them out"
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
    """Lines that name the corrections that were not applied, and say why.

    Args:
        mart: Once a run has published.
        domain: A domain that it has loaded.
        corrections: Those of the domain.
    """
    keys = [key for key, values in corrections.items() if values]
    if not keys:
        return []
    wanted = f"(VALUES {', '.join(f'({literal(key)})' for key in keys)}) AS wanted(key)"
    staged = f"(SELECT {_key(domain)} AS key, {CORRECTED} FROM {quoted(f'tmp_{domain}')})"
    set_aside = f"(SELECT {_key(domain)} AS key FROM {quoted(f'tmp_{domain}_rejected')})"
    found = mart.execute(
        f"SELECT CASE WHEN staged.key IS NOT NULL THEN {literal(UNNUMBERED)} WHEN key IN {set_aside} THEN"
        f" {literal(SET_ASIDE)} ELSE {literal(NOT_THERE)} END AS why, key FROM {wanted} LEFT JOIN {staged} AS staged"
        f" USING (key) WHERE staged.{CORRECTED} IS NULL ORDER BY ALL"
    )
    by_reason: dict[str, list[str]] = {}
    for why, key in found:
        by_reason.setdefault(str(why), []).append(str(key))
    return [f"{domain}: the corrections of {_shown(keys)} were not applied: {why}." for why, keys in by_reason.items()]


def _shown(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def _key(domain: str) -> str:
    parts = (f"CAST({quoted(name)} AS VARCHAR)" for name in published_table(domain).key)
    return f" || {literal(SEPARATOR)} || ".join(parts)
