"""Who may change something: whoever knows the token, for as long as a session lasts."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import monotonic

from datamart_kedro.errors import UsageError

VARIABLE = "DATAMART_CONSOLE_TOKEN"
LEAST_LENGTH = 24
"""Characters of a token: one that is shorter could be found by trying."""
LASTS_S = 8 * 3600
MOST_SESSIONS = 100


@dataclass(frozen=True)
class Session:
    """What a browser has after the token was entered.

    Attributes:
        csrf: Stands in every form that it is shown; a page from elsewhere cannot know it.
        ends: When it is over, on the clock of `Access`.
    """

    csrf: str = field(repr=False)
    ends: float


@dataclass
class Access:
    """The token, and the sessions of those who entered it.

    Attributes:
        token: What has to be known to change something.
        everything: Is it needed for reading, too?
        hosts: Names under which the console answers, besides those of this machine.
        sign_in_csrf: Stands in the form in which the token is entered.
    """

    token: str = field(repr=False)
    everything: bool = False
    hosts: tuple[str, ...] = ()
    sign_in_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _clock: Callable[[], float] = field(default=monotonic, repr=False)
    _sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def sign_in(self, token: str) -> str | None:
        """The name of a new session, None if the token is another."""
        if not is_same(token, self.token):
            return None
        name = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            alive = {known: session for known, session in self._sessions.items() if session.ends > now}
            newest = list(alive.items())[-(MOST_SESSIONS - 1) :]
            self._sessions = {**dict(newest), name: Session(secrets.token_urlsafe(32), now + LASTS_S)}
        return name

    def session(self, name: str) -> Session | None:
        """The session of that name, None if there is none, or if it is over."""
        with self._lock:
            found = self._sessions.get(name)
            return found if found is not None and found.ends > self._clock() else None

    def sign_out(self, name: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(name, None)


def is_same(given: str, known: str) -> bool:
    """Are two secrets the same? It takes as long whatever they have in common."""
    return secrets.compare_digest(given.encode(), known.encode())


def token_of(file: Path) -> tuple[str, str]:
    """The token, and where a person finds it.

    Args:
        file: Where it is kept, for its owner alone, if the environment does not give it; made if it is not there.

    Raises:
        UsageError: The token is too short, or others can read the file.
    """
    if given := os.environ.get(VARIABLE, "").strip():
        return _long_enough(given, VARIABLE), VARIABLE
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept(file), str(file)
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{token}\n")
    return token, str(file)


def _kept(file: Path) -> str:
    found = file.stat()
    if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.getuid():
        raise UsageError(
            f"{file} can be read by others, or belongs to somebody else.",
            "Delete it, then start the console again: a new token is made.",
            state="",
        )
    return _long_enough(file.read_text(encoding="utf-8").strip(), str(file))


def _long_enough(token: str, place: str) -> str:
    if len(token) < LEAST_LENGTH:
        raise UsageError(
            f"The token in {place} is shorter than {LEAST_LENGTH} characters.",
            "Delete it, and one that is long enough is made.",
            state="",
        )
    return token
