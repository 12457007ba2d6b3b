"""Which published table is made of which, and of which sources: read from the pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from kedro.pipeline import Pipeline

from datamart_kedro.mart.domains import published_tables
from datamart_kedro.pipeline_registry import everything

SOURCE = "source_"


@cache
def lineage() -> Mapping[str, tuple[str, ...]]:
    """The tables and sources that each published table is directly made of, sorted."""
    pipeline = everything()
    names = {table.name for table in published_tables().values()}
    return {name: tuple(sorted(_directly(pipeline, name, names))) for name in sorted(names)}


def _directly(pipeline: Pipeline, name: str, published: set[str]) -> set[str]:
    makers = {output: node for node in pipeline.nodes for output in node.outputs}
    found: set[str] = set()
    waiting, seen = [name], {name}
    while waiting:
        maker = makers.get(waiting.pop())
        for needed in maker.inputs if maker else ():
            if needed in published or needed.startswith(SOURCE):
                found.add(needed)
            elif needed not in seen and not needed.startswith(("params:", "gate_", "state_", "probe_")):
                seen.add(needed)
                waiting.append(needed)
    return found - {name}


def depths(made_of: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """How many steps each table lies behind the sources, which lie at 0."""
    found: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in found:
            found[name] = 1 + max((depth(part) for part in made_of.get(name, ())), default=-1)
        return found[name]

    for name in made_of:
        depth(name)
    return found
