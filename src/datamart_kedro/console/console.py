"""The mart as the console reads it: the readable copy, opened anew when a run has replaced it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from datamart_kedro.control.personal_data import PersonalDataRules
from datamart_kedro.errors import MartFileError
from datamart_kedro.mart.file import run_under_way
from datamart_kedro.mart.journal import Journal, read_journal
from datamart_kedro.mart.mart import Mart, MartSettings

REMEMBERED = 200
"""Results that are kept until the next version."""
Result = TypeVar("Result")


@dataclass
class Console:
    """What all pages share. One request reads at a time: the engine uses all cores by itself.

    Attributes:
        settings: Of the mart.
        copy: The readable copy.
        time_zone: In which days begin.
        personal: How personal data is published.
        show_personal: May values that are published plainly be shown?
        command: How a person starts a run in this environment.
    """

    settings: MartSettings
    copy: Path
    time_zone: str
    personal: PersonalDataRules
    show_personal: bool = False
    command: str = "kedro run"
    _lock: RLock = field(default_factory=RLock)
    _mart: Mart | None = None
    _state: tuple[int, ...] = ()
    _known: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)

    @contextmanager
    def read(self) -> Iterator[Mart]:
        """The published tables, for one request.

        Raises:
            MartFileError: Nothing has been published yet.
        """
        with self._lock:
            state = self._file_state()
            if self._mart is None or state != self._state:
                self.close()
                self._mart = Mart(replace(self.settings, path=str(self.copy), readable_copy=None))
                self._state = state
            yield self._mart

    def remember(self, key: Hashable, compute: Callable[[], Result]) -> Result:
        """What was computed before of the same file under this key, or else now; to be called within `read`."""
        if key in self._known:
            self._known.move_to_end(key)
            found: Result = self._known[key]
            return found
        result = compute()
        self._known[key] = result
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return result

    def journal(self) -> Journal:
        """What the last runs did."""
        return read_journal(self.copy)

    def under_way(self) -> dict[str, Any] | None:
        """The run that has the mart now."""
        return run_under_way(Path(self.settings.path))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._mart is not None:
                self._mart.close()
            self._mart = None
            self._known.clear()

    def _file_state(self) -> tuple[int, ...]:
        try:
            found = self.copy.stat()
        except FileNotFoundError:
            self.close()
            raise MartFileError(
                "Nothing is published yet.",
                f"Make the mart with `{self.command}`, then load this page again.",
                state="",
            ) from None
        return found.st_ino, found.st_mtime_ns, found.st_size
