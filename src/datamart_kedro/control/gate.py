"""The gate of a domain, as a node: a cheap look at the source against what was last published."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kedro.pipeline import Node
from pydantic import BaseModel

from datamart_kedro.columns import SourceColumn
from datamart_kedro.control.code_version import code_version, digest
from datamart_kedro.control.decision import Decision, DomainState, decide, decide_below, is_forced, named
from datamart_kedro.control.personal_data import HashKey, PersonalDataRules, Publishing
from datamart_kedro.control.probe import Probe, require_columns, require_columns_of_before
from datamart_kedro.control.reading import RefreshRules, choose_reading, instant_of
from datamart_kedro.expressions.corrections import CORRECTIONS
from datamart_kedro.expressions.formats import Formats

GATE = "gate"
STAGE = "stage"
BUILD = "build"
VERIFY = "verify"


def gate(
    domain: str, columns: Mapping[str, SourceColumn], parameters: Sequence[str], personal: Sequence[str] = ()
) -> Node:
    """The node that decides whether a domain has something to do.

    Args:
        domain: Such as ``orders``.
        columns: Canonical columns of its source, of which the required ones must be there.
        parameters: Names of the parameters that its nodes take; a change of one opens the gate.
        personal: Published columns with personal data; a change in how they are published opens the gate.
    """

    def check(
        probe: Probe,
        state: DomainState,
        force: object,
        accept_loss: object,
        full: bool,
        read_since: object,
        refresh: RefreshRules,
        personal_data: PersonalDataRules,
        hash_key: HashKey | None,
        *values: BaseModel,
    ) -> Decision:
        """Decide what a run does for the domain, and how its source is read; see `check_source`."""
        decision = check_source(
            domain,
            columns,
            tuple(parameters),
            probe,
            state,
            force,
            accept_loss,
            *values,
            full=full,
            published=Publishing(personal_data, hash_key).noted(domain, personal),
        )
        if not decision.is_open:
            return decision
        reading = choose_reading(
            decision,
            state,
            json.loads(decision.source_columns or "{}"),
            refresh,
            full=full,
            read_since=instant_of(read_since),
            forced=is_forced(domain, force),
        )
        return replace(decision, reading=reading)

    return Node(
        check,
        inputs=[
            f"probe_{domain}",
            f"state_{domain}",
            "params:force",
            "params:accept_loss",
            "params:full",
            "params:read_since",
            "params:refresh",
            "params:personal_data",
            "hash_key",
            *(f"params:{name}" for name in parameters),
        ],
        outputs=f"gate_{domain}",
        name=f"check_{domain}",
        tags=[GATE],
    )


def gate_below(domain: str, parameter: str) -> Node:
    """The node that decides whether a table that is made of published tables alone has to be made again.

    Args:
        domain: Such as ``ft_customers``.
        parameter: Name of the parameters that its nodes take; a change opens the gate.
    """

    def check(state: DomainState, missing_file: str, force: object, full: bool, values: BaseModel) -> Decision:
        """Decide what a run does for the table; see `decide_below`."""
        return decide_below(
            domain,
            state,
            force=force,
            missing_file=missing_file,
            parameters={parameter: values.model_dump(mode="json")},
            code_version=code_version(domain, ""),
            full=full,
        )

    return Node(
        check,
        inputs=[f"state_{domain}", f"files_{domain}", "params:force", "params:full", f"params:{parameter}"],
        outputs=f"gate_{domain}",
        name=f"check_{domain}",
        tags=[GATE, domain],
    )


def noted(model: BaseModel) -> dict[str, Any]:
    """What the ledger keeps of a parameter: of corrections a digest alone, since their keys may be of persons."""
    values: dict[str, Any] = model.model_dump(mode="json")
    if corrections := values.get(CORRECTIONS):
        values[CORRECTIONS] = digest(json.dumps(corrections, sort_keys=True).encode())
    return values


def staged(domain: str) -> list[str]:
    """Names of the tables that staging a domain makes, in the order of `Staged`; the staged rows come last."""
    return [f"judged_{domain}", f"tmp_{domain}_rejected", f"tmp_{domain}_duplicates", f"tmp_{domain}"]


def check_source(
    domain: str,
    columns: Mapping[str, SourceColumn],
    names: Sequence[str],
    probe: Probe,
    state: DomainState,
    force: object,
    accept_loss: object,
    *parameters: BaseModel,
    full: bool = False,
    published: Mapping[str, Any] | None = None,
) -> Decision:
    """Decide what a run does for a domain; columns are looked at only if it will be read.

    Args:
        domain: Such as ``orders``.
        columns: Canonical columns of its source.
        names: Names of its parameters.
        probe: Its source.
        state: What the mart knows of it.
        force: Open the gate whatever they say?
        accept_loss: Columns that the source may give no longer.
        parameters: The parameters of these names.
        full: Open the gate, and read and build everything anew?
        published: How its personal data is published, see `Publishing.noted`.

    Raises:
        SourceError: The source cannot be reached, or lacks a required column.
        SchemaError: It lacks an optional column that it gave before, whose values would be emptied.
    """
    values: dict[str, Any] = {name: noted(model) for name, model in zip(names, parameters, strict=True)}
    formats = next((model for model in parameters if isinstance(model, Formats)), Formats())
    decision = decide(
        domain,
        probe.state(formats.time_zone),
        state,
        force=force,
        parameters={**values, **(published or {})},
        code_version=code_version(domain, probe.query.sql),
        full=full,
    )
    if not decision.is_open:
        return decision
    found = require_columns(probe, columns)
    before = json.loads((state.last and state.last.source_columns) or "{}")
    require_columns_of_before(probe, columns, found, before, named(accept_loss))
    return replace(decision, source_columns=json.dumps(found))
