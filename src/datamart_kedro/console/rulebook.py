"""Rules that are changed from the console: checked, tried in a scratch place, and only then kept."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from datamart_kedro.console.job import Job
from datamart_kedro.control.code_version import digest
from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.expressions.formats import Rules
from datamart_kedro.overrides.editable import ABSENT, changed_models, value_at, written
from datamart_kedro.overrides.kept import Override, keep, read_overrides, this_second

logger = logging.getLogger(__name__)

Models = Mapping[str, Rules]


@dataclass(frozen=True)
class Proposal:
    """A changed rule that is tried.

    Attributes:
        name: Tells it from others.
        override: What would be kept.
        before: The value of the rule as it is.
        state: Of the rules when it was proposed.
        job: Tries it.
    """

    name: str
    override: Override
    before: Any
    state: str
    job: Job


@dataclass
class Rulebook:
    """The rules of an environment, and the one change of them that is being tried.

    Attributes:
        project: Its folder.
        env: The environment.
        file: Where its overrides are kept.
        draft: Where a change is written down while it is tried.
        log: Where what tries it writes what it says.
        load: Gives the rules as they are now, by the name of their block.
    """

    project: Path
    env: str | None
    file: Path
    draft: Path
    log: Path
    load: Callable[[], Models]
    _lock: Lock = field(default_factory=Lock)
    _tried: Proposal | None = None

    def overrides(self) -> list[Override]:
        """Those that are kept, oldest first.

        Raises:
            ParameterError: Their file cannot be read.
        """
        return read_overrides(self.file)

    def propose(self, override: Override) -> None:
        """Check a change of a rule, and begin to count what it would change.

        Raises:
            ParameterError: The rule cannot have this value.
            UsageError: It has it already, or there is no such entry to take out.
            HeldMartError: Another change is being tried.
        """
        models = self.load()
        before = value_at(models, override.rule)
        after = value_at(changed_models(models, override), override.rule)
        if after == before:
            happened = "There is no such entry." if before == ABSENT else "The rule says so already."
            raise UsageError(happened, "Look at what the rules say.", state="")
        with self._lock:
            if self._tried is not None and self._tried.job.course().is_running:
                raise HeldMartError("Another change is being tried.", "Wait for it, or drop it, then try this one.")
            if not override.removed:
                override = override.model_copy(update={"value": after})
            self._clear()
            keep(self.draft, override)
            self.draft.chmod(0o600)
            env = [f"--env={self.env}"] if self.env else []
            job = Job.start(["mart", "preview", *env, f"--file={self.draft}"], self.project, self.log)
            self._tried = Proposal(secrets.token_urlsafe(16), override, before, self._state(models), job)

    def proposal(self) -> Proposal | None:
        """The change that is tried, or was tried and is neither kept nor dropped; None if there is none."""
        return self._tried

    def keep(self, name: str, by: str) -> Override:
        """Keep the change that was tried.

        Args:
            name: Of the proposal that was looked at.
            by: Who decides so.

        Raises:
            UsageError: It is not the one that was tried, what it would change is not known, or the rules changed since.
        """
        with self._lock:
            proposal = self._looked_at(name)
            if proposal.job.course().exit_code != 0:
                raise UsageError("What it would change is not known.", "Wait until it was tried.", state="")
            if self._state(self.load()) != proposal.state:
                raise UsageError("The rules changed since this was tried.", "Drop it, and try it again.", state="")
            override = proposal.override.model_copy(
                update={"at": this_second(), "kept_by": by if by != proposal.override.by else None}
            )
            keep(self.file, override)
            self._clear()
        logger.warning("%s changed a rule of %s", by, override.rule[0])
        return override

    def drop(self, name: str) -> Override:
        """Forget the change that is tried; nothing is kept.

        Args:
            name: Of the proposal that was looked at.

        Raises:
            UsageError: It is not the one that is tried.
        """
        with self._lock:
            dropped = self._looked_at(name)
            dropped.job.end()
            self._clear()
        return dropped.override

    def _looked_at(self, name: str) -> Proposal:
        if self._tried is None:
            raise UsageError("No change is being tried.", "Try one first, then keep it.", state="")
        if self._tried.name != name:
            raise UsageError("Another change is being tried by now.", "Look at it first.", state="")
        return self._tried

    def _state(self, models: Models) -> str:
        """What the rules are, to tell whether they changed."""
        return digest(json.dumps(written(models), sort_keys=True).encode())

    def _clear(self) -> None:
        """Leave nothing of a change that was tried: its key may be that of a person."""
        self._tried = None
        for file in (self.draft, self.log):
            file.unlink(missing_ok=True)
