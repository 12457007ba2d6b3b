"""How personal data is published: as it is, hashed with a key, or not at all."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, field_validator

from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.formats import Rules

Treatment = Literal["plain", "hashed", "omitted"]

MIN_KEY_BYTES = 16
BLOCK = 64
"""Bytes that SHA-256 works on at a time."""


class PersonalDataRules(Rules):
    """The parameters below ``personal_data``.

    Attributes:
        publish: How columns marked as personal data are published: plain, hashed (HMAC-SHA-256) or omitted (NULL).
        columns: The same for single columns, by domain.
    """

    publish: Treatment = "plain"
    columns: dict[str, dict[str, Treatment]] = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _must_be_marked(cls, columns: dict[str, dict[str, Treatment]]) -> dict[str, dict[str, Treatment]]:
        marked = marked_columns()
        for domain, named in columns.items():
            if domain not in marked:
                raise ValueError(f"{domain} has no personal data; {', '.join(marked)} have")
            if unknown := sorted(named.keys() - set(marked[domain])):
                raise ValueError(f"{unknown[0]} of {domain} is not marked; {', '.join(marked[domain])} are")
        return columns

    def treatment(self, domain: str, column: str) -> Treatment:
        """How a marked column is published."""
        return self.columns.get(domain, {}).get(column, self.publish)


class HashKey:
    """The key that personal data is hashed with; nothing shows it.

    Args:
        secret: Any text.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def __repr__(self) -> str:
        return "HashKey(...)"

    @property
    def is_short(self) -> bool:
        """Could it be found by trying?"""
        return len(self._secret) < MIN_KEY_BYTES

    @property
    def check(self) -> str:
        """What tells the key from another, and does not tell the key."""
        return hmac.new(self._secret, b"datamart: which key is it?", hashlib.sha256).hexdigest()[:16]

    def pads(self) -> tuple[bytes, bytes]:
        """What is hashed before a text, and before the hash of the two (RFC 2104)."""
        return hash_pads(self._secret)


HOW_TO_SET = (
    "Set DATAMART_HASH_KEY to a secret text, such as `openssl rand -hex 32` gives, or write"
    " `personal_data: {hash_key: ...}` into conf/local/credentials.yml."
)


@dataclass(frozen=True)
class Publishing:
    """How a run publishes personal data: the rules, and the key if they need one.

    Raises:
        ParameterError: A column is to be hashed, and there is no key, or a short one.
    """

    rules: PersonalDataRules = field(default_factory=PersonalDataRules)
    key: HashKey | None = None

    def __post_init__(self) -> None:
        if self.key is not None and not self.key.is_short:
            return
        lacking = "there is no key" if self.key is None else f"the key is shorter than {MIN_KEY_BYTES} bytes"
        for domain, columns in marked_columns().items():
            if hashed := [name for name in columns if self.rules.treatment(domain, name) == "hashed"]:
                raise ParameterError(
                    f"personal_data wants {', '.join(hashed)} of {domain} to be published hashed, and {lacking}.",
                    HOW_TO_SET,
                )

    @property
    def pads(self) -> tuple[bytes, bytes] | None:
        """Those of the key, None if there is none."""
        return self.key.pads() if self.key is not None else None

    def treatments(self, domain: str, personal: Sequence[str]) -> dict[str, Treatment]:
        """How those of a domain's columns with personal data are published that are not published as they are."""
        given = {name: self.rules.treatment(domain, name) for name in personal}
        return {name: treatment for name, treatment in given.items() if treatment != "plain"}

    def noted(self, domain: str, personal: Sequence[str]) -> dict[str, Any]:
        """The same for the ledger, with what tells the key from another; empty if all is published as it is."""
        treatments: dict[str, Any] = dict(self.treatments(domain, personal))
        if self.key is not None and "hashed" in treatments.values():
            treatments["key"] = self.key.check
        return {"personal_data": treatments} if treatments else {}


def marked_columns() -> Mapping[str, list[str]]:
    """The published columns with personal data, by domain; domains without are left out."""
    from datamart_kedro.mart.domains import published_tables  # here: domains import gates, which import this

    marked = {domain: table.personal_columns for domain, table in published_tables().items()}
    return {domain: columns for domain, columns in marked.items() if columns}


def hash_pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and the outer pad of HMAC-SHA-256 with a key (RFC 2104)."""
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
