"""Which node is at work, and how long each one took."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline import Node

from datamart_kedro.control.cascade import Wiring


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

    def by_domain(self, wiring: Wiring) -> dict[str, float]:
        """Seconds that the nodes of each domain took so far."""
        self._turn_to(None)
        found: dict[str, float] = {}
        for node, seconds in self._seconds.items():
            domain = wiring.domain(node)
            if domain:
                found[domain] = found.get(domain, 0.0) + seconds
        return found

    def _turn_to(self, node: Node | None) -> None:
        if node == self._current:
            return
        now = perf_counter()
        if self._current is not None:
            self._seconds[self._current] = self._seconds.get(self._current, 0.0) + now - self._since
        self._current, self._since = node, now
        if node is not None:
            self.node = str(node.name)
