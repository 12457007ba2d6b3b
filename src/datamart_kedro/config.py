"""Where configuration comes from: conf/base, the run's environment, and always conf/local for credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.utils import find_kedro_project
from pydantic import BaseModel, ValidationError

from datamart_kedro.errors import ParameterError
from datamart_kedro.overrides.kept import Override, overrides_file, read_overrides, with_overrides

Settings = TypeVar("Settings", bound=BaseModel)

SOFT = dict.fromkeys(("globals", "parameters", "credentials"), "soft")
"""An environment names only what differs from base, however deep it lies."""


class MartConfigLoader(OmegaConfigLoader):
    """Kedro's loader, with paths that start at the project, and secrets kept in one place.

    - `${project:data/x}` is an absolute path, so that notebooks find the same files as runs.
    - Credentials of ``conf/local`` hold in every environment; ``--env`` does not hide them.
    - Overrides of the environment hold after its parameter files, and before ``--params``.
    """

    proposed: Sequence[Override] = ()
    """Overrides that are tried, after those that are kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("merge_strategy", SOFT)
        kwargs.setdefault("custom_resolvers", {"project": absolute})
        super().__init__(*args, **kwargs)

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Configuration of a kind; see `OmegaConfigLoader`."""
        with yaml_in_c():
            found: dict[str, Any] = super().__getitem__(key)
        if key == "credentials" and self.env not in (None, self.default_run_env):
            found = _merged(found, self._local_credentials())
        if key == "parameters" and (overrides := [*read_overrides(self.overrides_file), *self.proposed]):
            found = _merged(with_overrides(found, overrides), self.runtime_params or {})
        return found

    @property
    def overrides_file(self) -> Path:
        """Where the overrides of the environment are kept; those of no environment are those of base."""
        env = self.env if self.env not in (None, self.default_run_env) else self.base_env
        return overrides_file(Path(self.conf_source), str(env))

    def _local_credentials(self) -> dict[str, Any]:
        local = OmegaConfigLoader(self.conf_source, env=self.default_run_env, base_env=self.default_run_env)
        try:
            return local["credentials"]
        except MissingConfigException:
            return {}


@contextmanager
def yaml_in_c() -> Iterator[None]:
    """Read YAML with PyYAML's parser in C, in place of the one in Python, which takes eight times as long.

    OmegaConf 2.3 makes its loader of `yaml.SafeLoader` for each file that it reads, and cannot be told to take another.
    """
    slow = yaml.SafeLoader
    yaml.SafeLoader = getattr(yaml, "CSafeLoader", slow)
    try:
        yield
    finally:
        yaml.SafeLoader = slow


def absolute(path: str) -> str:
    """A path below the project, wherever the process was started."""
    return str(project_folder() / path)


def project_folder() -> Path:
    """The folder of the project that the process was started in or below."""
    return find_kedro_project(Path.cwd()) or Path.cwd()


def settings_of(
    model: type[Settings], block: str, values: Mapping[str, Any], place: str = "globals.yml of the environment"
) -> Settings:
    """A block of configuration as the model that describes it.

    Args:
        model: The model.
        block: Name of the block.
        values: What it holds.
        place: Where it is written.

    Raises:
        ParameterError: Naming the keys that are unknown or have an impossible value, and what is allowed.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ParameterError("; ".join(_faults(block, error)) + ".", f"Correct {place}.") from None


def _faults(block: str, error: ValidationError) -> list[str]:
    """What is wrong with each key, once: what the members of a union say is said together."""
    messages: dict[str, list[str]] = {}
    for fault in error.errors():
        key = ".".join([block, *(str(part) for part in fault["loc"] if not str(part).startswith("literal["))])
        messages.setdefault(key, []).append(fault["msg"].removeprefix("Value error, "))
    return [f"{key}: {' or: '.join(said)}" for key, said in messages.items()]


def _merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(base[name], more[name])
        for name in base.keys() & more.keys()
        if isinstance(base[name], dict) and isinstance(more[name], dict)
    }
    return {**base, **more, **both}
