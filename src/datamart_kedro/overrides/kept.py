"""The overrides of an environment: a file of rules that people changed, under version control's eye.

Each entry sets one rule, or takes one entry out of a map. They hold in their environment alone, after its parameter
files and before ``--params``; of two on the same rule the later one holds, and the earlier one stays to be read.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
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
        kept_by: Who decided to keep it, if somebody else.
    """

    rule: Annotated[tuple[Annotated[str, BeforeValidator(str)], ...], Field(min_length=2)]
    value: Any = None
    removed: bool = False
    by: Words
    at: Annotated[datetime, AfterValidator(_in_utc)]
    why: Words
    kept_by: Words | None = None

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
    except (FileNotFoundError, NotADirectoryError):  # configuration may be an archive
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, str(error)) from None
    return _overrides_in(text, file)


class _Texts(yaml.SafeLoader):  # type: ignore[misc]
    """Reads what is written: 007, NO and 12:30 stay texts. The models of the rules make of them what they should be."""


_Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith(":null")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _overrides_in(text: str, file: Path) -> list[Override]:
    try:
        return TypeAdapter(list[Override]).validate_python(yaml.load(text, _Texts) or [])  # noqa: S506
    except yaml.YAMLError as error:
        fault = " ".join(str(error).split())
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(int(part) + 1) if isinstance(part, int) else part for part in first["loc"]]
        fault = f"entry {', '.join(place)}: {first['msg']}" if place else first["msg"]
    raise _unreadable(file, fault)


def _unreadable(file: Path, fault: str) -> ParameterError:
    return ParameterError(f"{file} cannot be read: {fault}.", "Mend it, or go back to the version before.")


def with_overrides(parameters: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """Parameters as overrides leave them.

    Raises:
        ParameterError: An override is on something that is no rule.
    """
    changed = deepcopy(dict(parameters))
    for override in overrides:
        if override.rule[0] not in changed:
            raise _no_rule(override)
        _set(changed, override, override.rule)
    return changed


def _set(place: dict[Any, Any], override: Override, way: Sequence[str]) -> None:
    """Set what an override says below a place; what it takes out leaves no row of corrections empty behind."""
    first = next((key for key in place if str(key) == way[0]), way[0])  # YAML makes numbers of some keys
    if len(way) == 1:
        place.pop(first, None)
        if not override.removed:
            place[way[0]] = override.value
        return
    below = place.get(first)
    if below is None and override.removed:
        return
    if below is None:
        below = place.setdefault(first, {})
    if not isinstance(below, dict):
        raise _no_rule(override)
    _set(below, override, way[1:])
    if not below and len(way) < len(override.rule) - 1:
        del place[first]


def _no_rule(override: Override) -> ParameterError:
    return ParameterError(
        f"The override of {override.name} is on a rule that there is not.",
        f"Take it out of {FILE}, or correct its rule.",
    )


def keep(file: Path, override: Override) -> None:
    """Add an override to a file, whole or not at all; what is in it stays as it is, and so do its rights.

    Args:
        file: May be a link to the file.
        override: What is added.

    Raises:
        ParameterError: The file cannot be read, or nothing can be added to it as it is written.
    """
    left_out = {"value"} if override.removed else {"value", "removed"}
    entry = override.model_dump(mode="json", exclude_none=True, exclude=left_out)
    if not override.removed:
        entry = {"rule": entry.pop("rule"), "value": override.value, **entry}
    added = yaml.safe_dump([entry], allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
    file = file.resolve()
    with _alone_in(file.parent):
        old = read_overrides(file)
        before = file.read_text(encoding="utf-8") if file.exists() else HEADER
        text = f"{before}{'' if before.endswith(chr(10)) else chr(10)}{added}"
        _require_added(file, text, old)
        with NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=".overrides-", delete=False) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).chmod(stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644)
        Path(stream.name).replace(file)


def _require_added(file: Path, text: str, old: Sequence[Override]) -> None:
    try:
        found = _overrides_in(text, file)
    except ParameterError:
        found = []
    if found[:-1] != old or not found:
        raise ParameterError(
            f"Nothing can be added to {file} as it is written.",
            "Write it as a list whose entries begin with `-` at the start of a line, one after another.",
        )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from adding to the same file at the same time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def newest(overrides: Iterable[Override]) -> dict[tuple[str, ...], Override]:
    """The override that holds, by its rule."""
    return {override.rule: override for override in overrides}
