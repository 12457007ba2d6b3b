"""Runs that somebody asks for over HTTP (``kedro server``): behind the gates, one at a time."""

from __future__ import annotations

import threading
from functools import wraps
from typing import Any

from kedro.framework.session.service_session import KedroServiceSession

from datamart_kedro.errors import HeldMartError
from datamart_kedro.logs import log_file
from datamart_kedro.session import behind_gates, readable_refusals

_UNDER_WAY = threading.Lock()
"""Held by the run that this process carries out: the lock on the mart file keeps out other processes only."""


def gate_service_sessions() -> None:
    """Put every run of a `KedroServiceSession` behind the gates, as those of a `GatedSession` are.

    Kedro 1.7 takes that class for its server whatever SESSION_CLASS says, so its method is replaced, once.
    """
    if not hasattr(KedroServiceSession.run, "__wrapped__"):
        KedroServiceSession.run = _gated(KedroServiceSession.run)  # type: ignore[method-assign]


def _gated(run: Any) -> Any:
    @wraps(run)
    def gated_run(session: KedroServiceSession, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run pipelines; see `KedroServiceSession.run` and `GatedSession.run`.

        Raises:
            HeldMartError: This process has another run under way, longer than `mart.wait_s`.
            MartError: What happened, the state of the mart, and what to do next.
        """
        with readable_refusals():
            kwargs["runner"] = behind_gates(kwargs.get("runner"), session.env, kwargs.get("node_names"))
            wait_s = float(session.load_context().config_loader["globals"]["mart"].get("wait_s", 0))
            if not _UNDER_WAY.acquire(timeout=wait_s):
                raise HeldMartError(
                    "This server has another run under way.",
                    "Ask again when it has ended. `mart.wait_s` in globals.yml makes runs wait.",
                )
            try:
                with log_file(session._project_path):
                    result: dict[str, Any] = run(session, *args, **kwargs)
                    return result
            finally:
                _UNDER_WAY.release()

    return gated_run
