"""Parameters that somebody reads, and that make sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kedro.pipeline import Pipeline

from datamart_kedro.control.cascade import Wiring
from datamart_kedro.control.decision import named
from datamart_kedro.errors import ParameterError

PREFIX = "params:"


def require_sound_parameters(everything: Pipeline, given: Mapping[str, Any]) -> None:
    """Refuse a parameter that no node takes: a misspelt one would change nothing, in silence.

    The rules of a domain are validated by Kedro, which builds their models.

    Args:
        everything: The pipeline with all domains.
        given: The parameters, from conf and from ``--params``.

    Raises:
        ParameterError: Naming the unknown ones, and the known; a `force` that is neither yes or no nor a domain; or an
            `accept_loss` that is no column.
    """
    known = {_top_level(name) for name in everything.inputs() if name.startswith(PREFIX)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ParameterError(
            f"There is no parameter {', '.join(unknown)}.", f"The parameters are {', '.join(sorted(known))}."
        )
    for column in named(given.get("accept_loss", [])):
        if not isinstance(column, str) or column.count(".") != 1:
            raise ParameterError(
                f"accept_loss has {column!r}.", "Name a column and what it is of, such as orders.shipping_method."
            )
    force = given.get("force", False)
    domains = Wiring(everything).domains
    if not isinstance(force, bool) and not {*named(force)} <= {*domains}:
        raise ParameterError(f"force is {force!r}.", f"It can be true, false, or one of {', '.join(domains)}.")


def _top_level(name: str) -> str:
    return name.removeprefix(PREFIX).partition(".")[0]
