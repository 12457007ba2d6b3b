"""Copies of files in UTF-8, for an engine that reads nothing else."""

from __future__ import annotations

import codecs
import errno
import gzip
import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from datamart_kedro.errors import SourceError
from datamart_kedro.sources.file_errors import unreadable_file

CHUNK = 1 << 20
DECLARED = "source.encodings in globals.yml"


class Transcoder:
    """UTF-8 copies of the files whose encoding is declared, made once in a run.

    Each process has a folder of its own, so that one may plan while another runs; what a killed one left is removed.

    Args:
        folder: Where the copies are kept.
        encodings: For a path or pattern, as the SELECT writes it, the encoding of its files.
    """

    def __init__(self, folder: Path, encodings: Mapping[str, str]) -> None:
        self.folder = folder / str(os.getpid())
        self.encodings = encodings
        self._made: dict[str, str] = {}

    def copies(self, pattern: str, files: Sequence[Path]) -> str:
        """The pattern of the copies of some files.

        Args:
            pattern: One of `encodings`.
            files: What it finds.

        Raises:
            SourceError: A file is not encoded as declared, or cannot be read or copied.
        """
        if pattern not in self._made:
            _remove_orphans(self.folder.parent)
            folder = self.folder / hashlib.blake2b(pattern.encode(), digest_size=8).hexdigest()
            folder.mkdir(parents=True, exist_ok=True)
            for number, file in enumerate(files):  # files of two folders may have one name
                transcode(file, folder / f"{number:06}_{file.name.removesuffix('.gz')}", self.encodings[pattern])
            self._made[pattern] = str(folder / "*")
        return self._made[pattern]

    def close(self) -> None:
        """Remove the copies."""
        self._made.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


def _remove_orphans(folder: Path) -> None:
    """Remove the copies of processes that are no more."""
    for left in folder.glob("[0-9]*"):
        try:
            os.kill(int(left.name), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue


def transcode(source: Path, target: Path, encoding: str) -> None:
    """Write a file again in UTF-8, in constant memory; what gzip packed is unpacked.

    Raises:
        SourceError: The encoding is unknown, or not that of the file; the file cannot be read or written.
    """
    if source.suffix == ".zst":
        raise SourceError(
            f"{source.name} is packed, so that its encoding cannot be changed.", "Unpack it, or pack it with gzip."
        )
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise SourceError(
            f"{source.name}: {encoding!r} is not an encoding that Python knows.",
            f"Write one such as cp1252 or iso8859-15 under {DECLARED}.",
        ) from None
    with unreadable_file(source), _unpacked(source) as raw, target.open("wb") as copy:
        try:
            while chunk := raw.read(CHUNK):
                copy.write(decoder.decode(chunk).encode())
            copy.write(decoder.decode(b"", final=True).encode())
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{source.name} is not encoded in {encoding}, as declared: byte {error.object[error.start]:#04x}.",
                f"Correct the encoding under {DECLARED}.",
            ) from None
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise SourceError(
                f"There is no room for a copy of {source.name} in UTF-8.", f"Make room in {target.parent}."
            ) from None


def _unpacked(source: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(source)) if source.suffix == ".gz" else source.open("rb")
