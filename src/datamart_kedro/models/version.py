"""Which model it is, and which features it saw: digests of what it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from datamart_kedro.control.code_version import digest

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

DIGITS = 12
"""Of a digest, hexadecimal: two of a thousand differ but once in 10^8."""
LIBRARIES = ("scikit-learn", "numpy", "scipy")
"""Whose versions can change what training gives."""


def feature_set_hash(features: Sequence[Mapping[str, Any]]) -> str:
    """Digest of the features that a model sees, in their order: their rows of ``ft_catalogue``.

    It changes when a feature comes, goes, moves, or gets another type or definition.
    """
    texts = [json.dumps([row["name"], row["dtype"], row["definition"]], ensure_ascii=False) for row in features]
    return digest(*(text.encode() for text in texts))[:DIGITS]


def model_version(
    rows: pd.DataFrame, parameters: Mapping[str, Any], code_version: str, libraries: Mapping[str, str] | None = None
) -> str:
    """Digest of what a model is trained on and by: the same input gives the same version.

    Args:
        rows: The rows that it is trained on, sorted by their key.
        parameters: With which it is trained, the random state among them.
        code_version: By which code.
        libraries: Versions of the libraries that train it; those installed if absent.
    """
    return digest(
        content_digest(rows).encode(),
        json.dumps(parameters, sort_keys=True, default=str).encode(),
        code_version.encode(),
        json.dumps(dict(libraries or installed()), sort_keys=True).encode(),
    )[:DIGITS]


def content_digest(rows: pd.DataFrame) -> str:
    """Digest of a frame's columns and values, in their order; its index does not count."""
    import pandas as pd

    values = pd.util.hash_pandas_object(rows.reset_index(drop=True), index=False).to_numpy()
    names = [f"{name} {kind}" for name, kind in rows.dtypes.items()]
    return digest(*(name.encode() for name in names), values.tobytes())


@cache
def installed() -> Mapping[str, str]:
    """Versions of the libraries that train models."""
    return {name: version(name) for name in LIBRARIES}
