"""What opens below: a domain is built again when a table that it is made of changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kedro.pipeline import Node, Pipeline

from datamart_kedro.control.decision import Decision, DomainState
from datamart_kedro.control.gate import BUILD, GATE, STAGE
from datamart_kedro.mart.domains import domain_of, table_name


@dataclass(frozen=True)
class Wiring:
    """Which node belongs to which domain, and does what; read off the pipeline."""

    pipeline: Pipeline

    @property
    def domains(self) -> list[str]:
        """Gated domains of the pipeline."""
        return [domain_of_gate(node) for node in self.pipeline.nodes if GATE in node.tags]

    def domain(self, node: Node) -> str | None:
        """The gated domain that a node belongs to, None for a node that no gate guards."""
        return next((name for name in self.domains if name in node.tags), None)

    def behind_gates(self, kind: str) -> dict[str, list[Node]]:
        """Nodes of a kind (stage or build) by domain, in the order in which they run."""
        found: dict[str, list[Node]] = {}
        for node in self.pipeline.nodes:
            domain = self.domain(node)
            if domain and kind in node.tags:
                found.setdefault(domain, []).append(node)
        return found


def domain_of_gate(node: Node) -> str:
    """The domain that a gate decides for."""
    return node.outputs[0].removeprefix("gate_")


def cascade(
    pipeline: Pipeline, decisions: Mapping[str, Decision], states: Mapping[str, DomainState]
) -> dict[str, Decision]:
    """Open closed gates below those that are open.

    Args:
        pipeline: The nodes that may run.
        decisions: What each gate decided by itself.
        states: What the mart knows of each domain, those outside the pipeline included.

    Returns:
        The decisions with closed gates opened for a rebuild where a table above changed: in this run, or in an earlier
        one since the domain's last publication.
    """
    wiring = Wiring(pipeline)
    stages, builds = wiring.behind_gates(STAGE), wiring.behind_gates(BUILD)
    result = dict(decisions)
    for domain, nodes in builds.items():
        if domain not in result or result[domain].is_open:
            continue
        inputs = sorted({name for node in nodes for name in node.inputs})
        for name in inputs:
            reason = _changed(name, domain, result, states, set(stages), set(builds))
            if reason:
                result[domain] = result[domain].opened("rebuild", reason)
                break
    return _with_rolled_back(result, states)


def _with_rolled_back(decisions: Mapping[str, Decision], states: Mapping[str, DomainState]) -> dict[str, Decision]:
    """Load domains together that were rolled back together: what is staged is of the versions that were undone."""
    if not any(decision.is_open for decision in decisions.values()):
        return dict(decisions)
    rolled_back = {domain for domain in decisions if (last := states[domain].last) and last.is_rollback}
    return {
        domain: decision.opened("load", "it was rolled back, and something is new")
        if domain in rolled_back and decision.action != "load"
        else decision
        for domain, decision in decisions.items()
    }


def _changed(
    table: str,
    domain: str,
    decisions: Mapping[str, Decision],
    states: Mapping[str, DomainState],
    staged_here: set[str],
    built_here: set[str],
) -> str | None:
    """Why a table counts as changed for a domain, None if it does not."""
    layer, above = table.partition("_")[0], domain_of(table)
    if above == domain or above not in states or layer not in ("tmp", "tb", "ft"):
        return None
    decision = decisions.get(above)
    if layer == "tmp" and above in staged_here and decision and decision.action == "load":
        return f"{table} is loaded in this run"
    if layer != "tmp" and above in built_here and decision and decision.is_open:
        return f"{table} is built in this run"
    own, other = states[domain].last, states[above]
    staged_at = other.staged.started_at if other.staged else None
    made_at = staged_at if layer == "tmp" else other.last.changed_at if other.last else None
    if own and made_at and made_at > own.started_at:
        return f"{table} was made by a later run than {table_name(domain)}"
    return None
