"""How many threads models are trained with."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def one_thread() -> AbstractContextManager[Any]:
    """Train and predict in one thread.

    Tables of customers are small for what trains on them: threads that wait for one another on a busy machine took ten
    times as long as one, and sums in one order give the same figures on every machine.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(limits=1)  # type: ignore[no-any-return]
