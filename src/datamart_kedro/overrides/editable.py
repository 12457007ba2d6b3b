"""The rules that may be changed, as the models of the parameters describe them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from datamart_kedro.config import settings_of
from datamart_kedro.expressions.corrections import CORRECTIONS
from datamart_kedro.expressions.formats import Rules
from datamart_kedro.overrides.kept import Override, with_overrides

ABSENT = "(no entry)"
"""What there is where there is no entry."""


@dataclass(frozen=True)
class Editable:
    """A rule that may be changed.

    Attributes:
        rule: The way to it in the parameters, such as orders, status_map.
        meaning: What it says, in a sentence.
        value: What it is now; of a map, its entries.
        is_map: Is each of its entries changed by itself?
        is_list: Are there several values?
        is_optional: May it be nothing?
        choices: What a value can be; empty if it is not one of a few.
    """

    rule: tuple[str, ...]
    meaning: str
    value: Any
    is_map: bool
    is_list: bool
    is_optional: bool
    choices: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its rule in one text."""
        return ".".join(self.rule)


def editable_rules(models: Mapping[str, Rules]) -> list[Editable]:
    """Every rule in some blocks of parameters, in the order of the models; corrections are no rules of this kind.

    Args:
        models: The parameters as they are, by the name of their block.
    """
    return [rule for block, model in models.items() for rule in _rules_of((block,), model)]


def changed_models(models: Mapping[str, Rules], override: Override) -> dict[str, Rules]:
    """The parameters as an override would leave them.

    Raises:
        ParameterError: It is on no rule, or its value is not one that the rule can have.
    """
    block = override.rule[0]
    changed = with_overrides(written(models), [override])
    return {**models, block: settings_of(type(models[block]), block, changed[block], "the form")}


def value_at(models: Mapping[str, Rules], rule: Sequence[str]) -> Any:
    """The value of a rule as files hold it; `ABSENT` if there is none, which is another thing than no value."""
    found: Any = written(models)
    for part in rule:
        found = found.get(part, ABSENT) if isinstance(found, Mapping) else ABSENT
    return found


def written(models: Mapping[str, Rules]) -> dict[str, Any]:
    """The parameters as files hold them."""
    return {name: model.model_dump(mode="json") for name, model in models.items()}


def given_value(rule: Editable, text: str) -> Any:
    """What somebody wrote into a form, as its rule may take it: a list by lines, nothing where nothing may be."""
    if rule.is_list:
        return [line.strip() for line in text.splitlines() if line.strip()]
    return None if rule.is_optional and not text.strip() else text.strip()


def _rules_of(way: tuple[str, ...], model: BaseModel) -> Iterator[Editable]:
    meanings = _meanings(type(model))
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name == CORRECTIONS:
            continue
        if isinstance(value, BaseModel):
            yield from _rules_of((*way, name), value)
            continue
        parts = list(_parts(field.annotation))
        is_map, is_list = isinstance(value, Mapping), isinstance(value, tuple | list)
        of_values = list(_parts(get_args(field.annotation)[1])) if is_map else parts
        yield Editable(
            rule=(*way, name),
            meaning=meanings.get(name, ""),
            value=model.model_dump(mode="json")[name],
            is_map=is_map,
            is_list=is_list,
            is_optional=NoneType in parts,
            choices=_choices(of_values),
        )


def _choices(parts: Sequence[Any]) -> tuple[str, ...]:
    """The few values there are, where types name them."""
    return tuple(str(choice) for part in parts if get_origin(part) is Literal for choice in get_args(part))


def _parts(annotation: Any) -> Iterator[Any]:
    """The types that an annotation is made of: members of unions and tuples, without what limits them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _parts(get_args(annotation)[0])
    elif origin in (Union, UnionType) or origin is tuple:
        for part in get_args(annotation):
            yield from _parts(part)
    else:
        yield annotation


def _meanings(model: type[BaseModel]) -> dict[str, str]:
    """What the attributes of a model mean, out of its docstring."""
    _, _, attributes = (inspect.getdoc(model) or "").partition("Attributes:\n")
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    return {name: " ".join(text.replace("`", "").split()) for name, text in found}
