"""Which code makes a domain: what has to run again when it changes."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from datamart_kedro import __version__
from datamart_kedro.mart.domains import MODELLED, pipeline_of

PACKAGE = Path(__file__).parents[1]


@cache
def code_digest(domain: str) -> str:
    """Digest of the domain's folder and of what all domains, or all models, share."""
    shared = ("expressions", "models") if domain in MODELLED else ("expressions",)
    folders = (PACKAGE / "pipelines" / pipeline_of(domain), *(PACKAGE / name for name in shared))
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    return digest(*(part for file in files for part in (file.name.encode(), file.read_bytes())))


def code_version(domain: str, query: str) -> str:
    """Version of the project, and a digest of the domain's code and source query."""
    return f"{__version__}+{digest(code_digest(domain).encode(), query.encode())[:12]}"


def digest(*parts: bytes) -> str:
    """BLAKE2b of the parts, each told from the next."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(len(part).to_bytes(8, "big") + part)
    return state.hexdigest()
