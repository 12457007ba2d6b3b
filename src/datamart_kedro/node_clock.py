"""Which node is at work, and how long each one took."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Node

from datamart_kedro.control.cascade import Wiring
from datamart_kedro.mart.node_times import NodeTime


class NodeClock:
    """A hook for runs of one node at a time: a node lasts from its first input until the next node's."""

    def __init__(self) -> None:
        self.node = ""
        self._current: Node | None = None
        self._since = perf_counter()
        self._seconds: dict[Node, float] = {}

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str, node: Node) -> None:
        """A node takes its inputs."""
        self._turn_to(node)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:
        """A node gives its outputs."""
        self._turn_to(node)

    def times(self, wiring: Wiring, rows: Mapping[str, int] | None = None) -> list[NodeTime]:
        """What each node took so far, in the order in which they began.

        Args:
            wiring: Tells the domain of a node.
            rows: Rows of the tables that the run has made, by name; unknown if absent.
        """
        self._turn_to(None)
        return [
            NodeTime(str(node.name), wiring.domain(node), seconds, (rows or {}).get(node.outputs[-1]))
            for node, seconds in self._seconds.items()
        ]

    def _turn_to(self, node: Node | None) -> None:
        if node == self._current:
            return
        now = perf_counter()
        if self._current is not None:
            self._seconds[self._current] = self._seconds.get(self._current, 0.0) + now - self._since
        self._current, self._since = node, now
        if node is not None:
            self.node = str(node.name)
