"""Parameters that somebody reads."""

from __future__ import annotations

from collections.abc import Iterable

from kedro.pipeline import Pipeline

from datamart_kedro.errors import ParameterError

PREFIX = "params:"


def require_known_parameters(everything: Pipeline, given: Iterable[str]) -> None:
    """Refuse a parameter that no node takes: a misspelt one would change nothing, in silence.

    Args:
        everything: The pipeline with all domains.
        given: Top-level names of the parameters, from conf and from ``--params``.

    Raises:
        ParameterError: Naming the unknown ones, and the known.
    """
    known = {_top_level(name) for name in everything.inputs() if name.startswith(PREFIX)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ParameterError(
            f"There is no parameter {', '.join(unknown)}.", f"The parameters are {', '.join(sorted(known))}."
        )


def _top_level(name: str) -> str:
    return name.removeprefix(PREFIX).partition(".")[0]
