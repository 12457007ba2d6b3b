"""What each node of each run took, so that a run that becomes slower is seen, and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from datamart_kedro.mart.ledger import LEDGER, NODE_TIMES, insert_rows
from datamart_kedro.mart.mart import Mart

logger = logging.getLogger(__name__)

PUBLICATION = "publication"
"""Stands where a node's name does for what follows all nodes: contracts are judged, and changes are written."""
USUAL_RUNS = 20
"""Runs before the one looked at, whose median tells what is usual."""


@dataclass(frozen=True)
class NodeTime:
    """What a node took in a run.

    Attributes:
        node: Its name, such as ``build_orders``.
        domain: Its domain, if it has one.
        seconds: Wall clock: loading its inputs, computing and saving its outputs.
        rows: Rows of the table that it made, if it made one.
    """

    node: str
    domain: str | None
    seconds: float
    rows: int | None = None


@dataclass(frozen=True)
class NodeSpeed:
    """What a node took in the last run in which it ran, beside what is usual.

    Attributes:
        node: Its name.
        run_id: That run.
        seconds: What it took then.
        rows: Rows of the table that it made.
        usual_seconds: Median of the runs before; None if there was none.
        runs: Number of those runs.
    """

    node: str
    run_id: str
    seconds: float
    rows: int | None
    usual_seconds: float | None
    runs: int


def keep_times(mart: Mart, run_id: str, times: Sequence[NodeTime]) -> None:
    """Write what the nodes of a run took; a mart that cannot be written goes without."""
    values = [(run_id, time.node, time.domain, round(time.seconds, 6), time.rows) for time in times]
    try:
        insert_rows(mart, NODE_TIMES.name, values)
    except duckdb.Error as error:
        logger.debug("What the nodes took cannot be written", exc_info=error)


def node_speeds(mart: Mart, domain: str | None = None) -> list[NodeSpeed]:
    """How fast each node was when it ran last, the slowest first.

    Args:
        mart: Read only.
        domain: The one to look at; all if absent.
    """
    found = mart.execute(
        "WITH ranked AS (SELECT times.*, row_number() OVER (PARTITION BY node ORDER BY started_at DESC) AS age"
        f" FROM {NODE_TIMES.name} AS times"
        f" JOIN (SELECT run_id, min(started_at) AS started_at FROM {LEDGER.name} GROUP BY run_id) USING (run_id)"
        " WHERE coalesce(domain = ?, true))"
        " SELECT node, max(run_id) FILTER (age = 1), max(seconds) FILTER (age = 1), max(rows_made) FILTER (age = 1),"
        " median(seconds) FILTER (age > 1), count(*) FILTER (age > 1)"
        f" FROM ranked WHERE age <= {USUAL_RUNS + 1} GROUP BY node ORDER BY 3 DESC, node",
        [domain],
    )
    return [NodeSpeed(*row) for row in found]
