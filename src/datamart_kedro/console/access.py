"""Who may change something: whoever knows the token, for as long as a session lasts."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Mapping
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
LONGEST_NAME = 80


@dataclass(frozen=True)
class Session:
    """What a browser has after the token was entered.

    Attributes:
        by: Who signed in: stands beside all that is changed.
        csrf: Stands in every form that it is shown; a page from elsewhere cannot know it.
        ends: When it is over, on the clock of `Access`.
    """

    by: str
    csrf: str = field(repr=False)
    ends: float


@dataclass
class Access:
    """The tokens, and the sessions of those who entered one.

    Attributes:
        token: What has to be known to change something; who enters it says who they are.
        named: Tokens of single persons, by their names: nobody else can go by these.
        everything: Is it needed for reading, too?
        hosts: Names under which the console answers, besides those of this machine.
        sign_in_csrf: Stands in the form in which the token is entered.
    """

    token: str = field(repr=False)
    named: Mapping[str, str] = field(default_factory=dict, repr=False)
    everything: bool = False
    hosts: tuple[str, ...] = ()
    sign_in_csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _clock: Callable[[], float] = field(default=monotonic, repr=False)
    _sessions: dict[str, Session] = field(default_factory=dict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def sign_in(self, token: str, by: str) -> str | None:
        """The name of a new session, None if the token is another, or does not go with the name.

        Args:
            token: What was entered.
            by: Who they say they are; a token of a single person says so by itself.
        """
        owner = self._owner(token, " ".join(by.split()))
        if owner is None:
            return None
        name = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            alive = {known: session for known, session in self._sessions.items() if session.ends > now}
            newest = list(alive.items())[-(MOST_SESSIONS - 1) :]
            self._sessions = {**dict(newest), name: Session(owner, secrets.token_urlsafe(32), now + LASTS_S)}
        return name

    def _owner(self, token: str, by: str) -> str | None:
        """Who entered a token; all of them are looked at, so that it takes as long whichever it is."""
        owners = [name for name, known in self.named.items() if is_same(token, known)]
        is_nameless = is_same(token, self.token)
        if owners:
            return owners[0]
        is_name = 0 < len(by) <= LONGEST_NAME and by.isprintable() and by not in self.named
        return by if is_nameless and is_name else None

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


def named_tokens(given: object) -> dict[str, str]:
    """The tokens of single persons, out of the credentials.

    Raises:
        UsageError: They are not names with tokens, two are the same, or one is too short.
    """
    if not isinstance(given, Mapping) or not all(isinstance(token, str) for token in given.values()):
        raise UsageError("console.tokens of the credentials is no map.", "Write `name: token`, a line each.", state="")
    tokens = {" ".join(str(name).split()): _long_enough(token.strip(), str(name)) for name, token in given.items()}
    if len({*tokens.values()}) < len(given):
        raise UsageError("Two persons have the same token.", "Give each a token of their own.", state="")
    return tokens


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
            f"The token of {place} is shorter than {LEAST_LENGTH} characters.",
            "Make a longer one, such as `openssl rand -hex 32` gives; without the file, one is made.",
            state="",
        )
    return token
