"""What a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from datamart_kedro.control.cascade import Wiring, cascade, domain_of_gate
from datamart_kedro.control.decision import Decision
from datamart_kedro.control.gate import GATE


def check_gates(gates: Sequence[Any], catalog: CatalogProtocol[Any, Any]) -> dict[str, Decision]:
    """Ask gates without keeping their answers: one decision per domain."""
    return {domain_of_gate(gate): gate.func(*(catalog.load(name) for name in gate.inputs)) for gate in gates}


def plan(pipeline: Pipeline, everything: Pipeline, catalog: CatalogProtocol[Any, Any]) -> list[Decision]:
    """What a run of a pipeline would do for each of its domains, in the order in which they run.

    Args:
        pipeline: The nodes that would run.
        everything: The pipeline with all domains: tables above may be of a domain that does not run.
        catalog: Read from only.
    """
    gates = [node for node in pipeline.nodes if GATE in node.tags]
    states = {domain: catalog.load(f"state_{domain}") for domain in Wiring(everything).domains}
    decisions = cascade(pipeline, check_gates(gates, catalog), states)
    order = Wiring(pipeline).behind_gates("build")
    return [decisions[domain] for domain in order if domain in decisions]
