"""Rules that are changed from the console: checked, tried in a scratch place, and only then kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from datamart_kedro.console.job import Course, Job
from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.expressions.formats import Rules
from datamart_kedro.overrides.editable import changed_models, value_at
from datamart_kedro.overrides.kept import Override, keep, read_overrides, this_second

logger = logging.getLogger(__name__)

Models = Mapping[str, Rules]


@dataclass(frozen=True)
class Proposal:
    """A changed rule that is tried.

    Attributes:
        override: What would be kept.
        before: The value of the rule as it is.
        course: How far it is tried.
    """

    override: Override
    before: Any
    course: Course

    @property
    def is_tried(self) -> bool:
        """Is known what it would change?"""
        return self.course.exit_code == 0


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
    _tried: tuple[Override, Any, Job] | None = None

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
            UsageError: It has it already.
            HeldMartError: Another change is being tried.
        """
        models = self.load()
        before = value_at(models, override.rule)
        changed = value_at(changed_models(models, override), override.rule)
        if changed == before:
            raise UsageError("The rule says so already.", "Enter what it should say.", state="")
        with self._lock:
            if self._tried is not None and self._tried[2].course().is_running:
                raise HeldMartError("Another change is being tried.", "Wait for it, or drop it, then try this one.")
            override = override.model_copy(update={"value": changed})
            self.draft.unlink(missing_ok=True)
            keep(self.draft, override)
            env = [f"--env={self.env}"] if self.env else []
            job = Job.start(["mart", "preview", *env, f"--file={self.draft}"], self.project, self.log)
            self._tried = override, before, job

    def proposal(self) -> Proposal | None:
        """The change that is tried, or was tried and is neither kept nor dropped; None if there is none."""
        with self._lock:
            return self._proposal()

    def keep(self, by: str) -> Override:
        """Keep the change that was tried.

        Args:
            by: Who decides so.

        Raises:
            UsageError: There is none, or what it would change is not known.
        """
        with self._lock:
            proposal = self._proposal()
            if proposal is None or not proposal.is_tried:
                raise UsageError("There is no change that was tried.", "Try one first, then keep it.", state="")
            override = proposal.override.model_copy(update={"by": by, "at": this_second()})
            changed_models(self.load(), override)  # the files may have changed meanwhile
            keep(self.file, override)
            self._forget()
        logger.warning("%s changed the rule %s", by, override.name)
        return override

    def drop(self) -> None:
        """Forget the change that is tried; nothing is kept."""
        with self._lock:
            dropped = self._tried
            self._forget()
        if dropped is not None:
            dropped[2].end()

    def _proposal(self) -> Proposal | None:
        if self._tried is None:
            return None
        override, before, job = self._tried
        return Proposal(override, before, job.course())

    def _forget(self) -> None:
        self._tried = None
        self.draft.unlink(missing_ok=True)
