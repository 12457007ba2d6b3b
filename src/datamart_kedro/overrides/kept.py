"""The overrides of an environment: a file of rules that people changed, under version control's eye.

Each entry sets one rule, or takes one entry out of a map. They hold in their environment alone, after its parameter
files and before ``--params``; of two on the same rule the later one holds, and the earlier one stays to be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.formats import Rules

FILE = "overrides.yml"
HEADER = """\
# Rules and single values that people changed, oldest first; of two on the same rule the later one holds.
# `kedro mart console` adds to this file. It may be edited by hand: see docs/overrides.md.
"""
LONGEST = 500
"""Characters of a reason."""
Words = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")]


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def this_second() -> datetime:
    """Now, UTC, as people write it down."""
    return datetime.now(UTC).replace(microsecond=0)


class Override(Rules):
    """A rule that somebody changed.

    Attributes:
        rule: The way to it in the parameters, such as orders, status_map, sent.
        value: What it is from now on.
        removed: Is the entry taken out of its map instead?
        by: Who changed it.
        at: When, UTC.
        why: Why.
    """

    rule: Annotated[tuple[Annotated[str, BeforeValidator(str)], ...], Field(min_length=2)]
    value: Any = None
    removed: bool = False
    by: Words
    at: Annotated[datetime, AfterValidator(_in_utc)]
    why: Words

    @property
    def name(self) -> str:
        """Its rule in one text, such as ``orders.status_map.sent``."""
        return ".".join(self.rule)


def overrides_file(conf: Path, env: str) -> Path:
    """Where the overrides of an environment are kept.

    Args:
        conf: The folder of all configuration.
        env: The environment; ``base`` where none is named.
    """
    return conf / env / FILE


def read_overrides(file: Path) -> list[Override]:
    """The overrides in a file, oldest first; none if there is no file.

    Raises:
        ParameterError: Naming the file, the entry, and what is wrong with it.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    try:
        return TypeAdapter(list[Override]).validate_python(yaml.safe_load(text) or [])
    except yaml.YAMLError as error:
        fault = " ".join(str(error).split())
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(int(part) + 1) if isinstance(part, int) else part for part in first["loc"]]
        fault = f"entry {', '.join(place)}: {first['msg']}" if place else first["msg"]
    raise ParameterError(f"{file} cannot be read: {fault}.", "Mend that entry, or go back to the version before.")


def with_overrides(parameters: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """Parameters as overrides leave them.

    Raises:
        ParameterError: An override is on something that is no rule.
    """
    changed = deepcopy(dict(parameters))
    for override in overrides:
        *way, last = override.rule
        place = changed
        for depth, part in enumerate(way):
            found = place.setdefault(part, {}) if depth else place.get(part)
            if not isinstance(found, dict):
                raise ParameterError(
                    f"The override of {override.name} is on a rule that there is not.",
                    f"Take it out of {FILE}, or correct its rule.",
                )
            place = found
        if override.removed:
            place.pop(last, None)
        else:
            place[last] = override.value
    return changed


def keep(file: Path, override: Override) -> None:
    """Add an override to a file, whole or not at all; what is in it stays as it is.

    Raises:
        ParameterError: The file cannot be read.
    """
    read_overrides(file)
    before = file.read_text(encoding="utf-8") if file.exists() else HEADER
    entry = override.model_dump(mode="json", exclude={"removed" if not override.removed else "value"})
    added = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", encoding="utf-8") as stream:
        stream.write(before if before.endswith("\n") else f"{before}\n")
        stream.write(added)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def newest(overrides: Iterable[Override]) -> dict[tuple[str, ...], Override]:
    """The override that holds, by its rule."""
    return {override.rule: override for override in overrides}
