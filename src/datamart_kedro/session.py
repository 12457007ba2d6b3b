"""A Kedro session in which gates decide what runs, and what ran is published in one transaction."""

from __future__ import annotations

import re
from typing import Any

from kedro.framework.session import KedroSession
from kedro.runner import ParallelRunner, SequentialRunner
from kedro.validation.exceptions import ParameterValidationError

from datamart_kedro.errors import ParameterError, UsageError
from datamart_kedro.gated_runner import GatedRunner
from datamart_kedro.logs import log_file
from datamart_kedro.pipeline_registry import register_pipelines


class GatedSession(KedroSession):
    """Runs as `KedroSession` does, with every runner behind the gates.

    Nodes that are named one by one (``--nodes``) are asked for explicitly and run whatever their gates say.
    """

    def run(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Run pipelines; see `KedroSession.run`.

        Raises:
            ParameterError: A parameter is unknown, or its value is out of range; nothing ran.
            MartError: What happened, the state of the mart, and what to do next.
        """
        runner = kwargs.get("runner") or SequentialRunner()
        if isinstance(runner, ParallelRunner):
            raise UsageError(
                "ParallelRunner cannot be used: a DuckDB file belongs to one process at a time.",
                "Leave the runner out; the engine uses all cores by itself.",
            )
        everything = register_pipelines()["__default__"]
        self._require_known_parameters(
            {name.removeprefix("params:").split(".")[0] for name in everything.inputs() if name.startswith("params:")}
        )
        env = self.store.get("env")
        kwargs["runner"] = GatedRunner(
            runner,
            everything,
            gated=not kwargs.get("node_names"),
            command=f"kedro run --env={env}" if env else "kedro run",
        )
        try:
            with log_file(self._project_path):
                return super().run(*args, **kwargs)
        except ParameterValidationError as error:
            raise ParameterError(_readable(str(error)), "Correct it in conf, or in --params.") from None

    def _require_known_parameters(self, known: set[str]) -> None:
        given = self.store.get("runtime_params") or {}
        unknown = sorted(name for name in given if name not in known)
        if unknown:
            raise ParameterError(
                f"There is no parameter {', '.join(unknown)}.", f"The parameters are {', '.join(sorted(known))}."
            )


def _readable(message: str) -> str:
    """Kedro's message without what pydantic adds for programmers."""
    lines = [line for line in message.splitlines() if "errors.pydantic.dev" not in line]
    return re.sub(r" \[type=[^\]]*\]", "", "\n".join(lines))
