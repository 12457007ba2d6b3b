"""A Kedro session in which gates decide what runs, and what ran is published in one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kedro.config import MissingConfigException
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.io import CatalogProtocol
from kedro.runner import AbstractRunner, SequentialRunner
from kedro.validation.exceptions import ParameterValidationError
from yaml import YAMLError

from datamart_kedro.control.parameters import require_sound_parameters
from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import ParameterError, UsageError
from datamart_kedro.gated_runner import GatedRunner
from datamart_kedro.logs import log_file
from datamart_kedro.pipeline_registry import everything


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
        kwargs["runner"] = behind_gates(kwargs.get("runner"), self.store.get("env"), kwargs.get("node_names"))
        with readable_refusals(), log_file(self._project_path):  # what escapes here, no node has raised
            return super().run(*args, **kwargs)

    def checked_catalog(self) -> CatalogProtocol[Any, Any]:
        """The catalog that a run would have, once its parameters are known to be right.

        Raises:
            ParameterError: A parameter is unknown, or its value is out of range.
        """
        with readable_refusals():
            catalog = self.load_context()._get_catalog(catalog_class=settings.DATA_CATALOG_CLASS)
            require_sound_parameters(everything(), catalog.load("parameters"))
            return catalog


def behind_gates(runner: AbstractRunner | None, env: str | None, node_names: object) -> GatedRunner:
    """A runner that asks the gates first, unless nodes are named one by one.

    Raises:
        UsageError: The runner uses several threads or processes.
    """
    runner = runner or SequentialRunner()
    if not isinstance(runner, SequentialRunner):
        raise UsageError(
            f"{type(runner).__name__} cannot be used: the mart has one connection, which runs one node at a time.",
            "Leave the runner out; the engine uses all cores by itself.",
        )
    return GatedRunner(
        runner,
        everything(),
        gated=not node_names,
        command=f"kedro run --env={env}" if env else "kedro run",
    )


@contextmanager
def readable_refusals() -> Iterator[None]:
    """What Kedro refuses before a node runs, in the words of this project."""
    try:
        yield
    except ParameterValidationError as error:
        raise ParameterError("\n  ".join(_faults(str(error))), "Correct it in conf, or in --params.") from None
    except YAMLError as error:
        raise UsageError(first_line(error), "Mend the file: look at its indents, quotes and brackets.") from None
    except MissingConfigException as error:
        raise UsageError(f"There is no such environment: {error}", "See the folders below conf.") from None
    except ValueError as error:  # of Kedro: a pipeline, node or tag that there is not
        raise UsageError(str(error), "See them with `kedro registry list` and `kedro viz run`.") from None


def _faults(message: str) -> list[str]:
    """Kedro's report on parameters, one line for each that is wrong: its dotted name, what it must be, what it is."""
    faults, parameter, path = [], "", ""
    for line in message.splitlines():
        if header := re.match(r"- Parameter '([^']+)':", line):
            parameter, path = header[1], ""
        elif line.startswith("  ") and "errors.pydantic.dev" not in line:
            text, _, details = line.strip().partition(" [type=")
            given = re.search(r"input_value=(.*), input_type=", details)
            name = f"{parameter}.{path}" if path else parameter
            if details.startswith("extra_forbidden"):
                faults.append(f"{name}: there is no such parameter.")
            else:
                faults.append(f"{name}: {text[:1].lower()}{text[1:]}{f', not {given[1][:60]}' if given else ''}.")
        else:
            path = line.strip()
    return faults or [message]
