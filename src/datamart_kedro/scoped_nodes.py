"""Nodes that build and verify only what a run touches.

The functions of the domains are pure and know nothing of it: they are given the part of their tables that has to do
with what changed, and give the part of the published table that can differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kedro.pipeline import Node

from datamart_kedro.control.gate import BUILD, VERIFY
from datamart_kedro.mart.contracts import ScopedContract
from datamart_kedro.mart.domains import table_name, touched_by
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.run import RefreshPath, Run
from datamart_kedro.mart.scope import find_scope, reason_for_full, results_before, scoped, show_after, show_before

if TYPE_CHECKING:
    import ibis.expr.types as ir

logger = logging.getLogger(__name__)


def by_changes(node: Node, domain: str, mart: Mart, run: Run, full_from_share: float) -> Node:
    """A node that builds or verifies only what the run touches, where it is known; other nodes as they are.

    Args:
        node: Of a domain with a source.
        domain: Such as ``orders``.
        mart: The mart.
        run: The run.
        full_from_share: Share of the rows from which a domain is built in full.
    """
    make = _builds if BUILD in node.tags else _verifies if VERIFY in node.tags else None
    if make is None or not node.name.endswith(domain):
        return node
    function = make(node, domain, mart, run, full_from_share)
    return Node(function, inputs=list(node.inputs), outputs=node.outputs[0], name=node.name, tags=node.tags)


def _builds(node: Node, domain: str, mart: Mart, run: Run, full_from_share: float) -> Callable[..., Any]:
    def build(*given: Any) -> ir.Table:
        """Build the domain, or the part of it that can differ."""
        tables = [name for name in node.inputs if name.startswith(("tmp_", "tb_"))]
        declared = touched_by(domain)
        reason = reason_for_full(run, domain, tables) or _undeclared(tables, declared)
        if reason is None:
            scope = find_scope(mart, run, domain, declared)
            whole = mart.rows(table_name(domain))
            if scope.rows <= full_from_share * whole:
                run.scopes[domain] = scope
                run.paths[domain] = RefreshPath("changes", f"{scope.rows:,} of {whole:,} rows are touched")
                given = _parts(mart, node, given, {name: scoped(mart, run, scope, name) for name in tables})
            else:
                reason = f"{scope.rows:,} of {whole:,} rows are touched"
        if reason is not None:
            run.paths[domain] = RefreshPath("full", reason)
        logger.info("%s: %s, %s", domain, run.paths[domain].kind, run.paths[domain].reason)
        return node.func(*given)

    return build


def _verifies(node: Node, domain: str, mart: Mart, run: Run, _: float) -> Callable[..., Any]:
    def verify(*given: Any) -> Any:
        """Hold the domain, or the part of it that can differ, against its rules."""
        scope, results = run.scopes.get(domain), results_before(mart, domain)
        if scope is None or not results:
            return node.func(*given)
        tables = [name for name in node.inputs if name.startswith(("tmp_", "tb_"))]
        part = node.func(*_parts(mart, node, given, {name: show_after(mart, run, scope, name) for name in tables}))
        return ScopedContract(
            part,
            whole=lambda: node.func(*given),
            show_before=lambda: [show_before(mart, scope, name) for name in tables],
            show_after=lambda: [show_after(mart, run, scope, name) for name in tables],
            results=results,
        )

    return verify


def _undeclared(tables: list[str], declared: dict[str, tuple[str, ...]]) -> str | None:
    missing = [name for name in tables if name not in declared]
    if not declared:
        return "it is made of whole tables"
    return f"it does not declare which of its rows {', '.join(missing)} touches" if missing else None


def _parts(mart: Mart, node: Node, given: Sequence[Any], found: Mapping[str, str | None]) -> tuple[Any, ...]:
    """What a node is given, with the part of each table that was found in place of the whole."""
    parts = (found.get(name) for name in node.inputs)
    return tuple(
        whole if part is None else mart.table(part, temporary=True) for part, whole in zip(parts, given, strict=True)
    )
