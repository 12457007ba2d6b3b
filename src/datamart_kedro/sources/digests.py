"""Digests of files that were read before: a file that nobody touched since is not read again to tell its content."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from hashlib import blake2b, file_digest
from pathlib import Path

SETTLED_NS = 2_000_000_000
"""A file that was touched so short a time ago may be touched again within one tick of the system's clock."""

Touch = tuple[str, int, int, int, int]
"""Path, size, time of the last change of content and of the last change at all (ns), and number of a file.

The time of the last change at all is the system's own: no tool sets it back, as copying with the old date does with the
other one.
"""


class Digests:
    """Digests of files, kept in a file.

    Args:
        path: Where they are kept; without it every file is read once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Touch, str] = {}
        self._kept: dict[Touch, str] | None = None

    def of(self, file: Path) -> str:
        """The digest of a file's content.

        Raises:
            OSError: It cannot be read.
        """
        touch = _touch(file)
        if touch not in self._known:
            known = self._load().get(touch)
            if known is None:
                with file.open("rb") as stream:
                    known = file_digest(stream, lambda: blake2b(digest_size=16)).hexdigest()
                self._keep(touch, known)
            self._known[touch] = known
        return self._known[touch]

    def _load(self) -> dict[Touch, str]:
        """What is kept; nothing if it cannot be read."""
        if self._kept is None:
            self._kept = {}
            with suppress(OSError, ValueError, TypeError):
                found = json.loads(self._path.read_text(encoding="utf-8"))
                self._kept = {(str(path), *map(int, rest)): str(digest) for (path, *rest), digest in found}  # type: ignore[misc]
        return self._kept

    def _keep(self, touch: Touch, digest: str) -> None:
        """Keep a digest, and let go of those of the same file and of files that are gone."""
        if time.time_ns() - max(touch[2], touch[3]) < SETTLED_NS:
            return
        kept = {known: text for known, text in self._load().items() if known[0] != touch[0] and Path(known[0]).exists()}
        self._kept = kept | {touch: digest}
        fresh = self._path.with_name(f"{self._path.name}.new")
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(list(self._kept.items())), encoding="utf-8")
            fresh.replace(self._path)


def _touch(file: Path) -> Touch:
    status = file.stat()
    return str(file), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
