"""Who asks: what a request carries to prove it, to the API's own address and to no other."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from datamart_kedro.errors import SourceError

PORTS = {"http": 80, "https": 443}
SECRETS = {"bearer": ("token",), "header": ("token",), "query": ("token",), "basic": ("user", "password")}
"""Entries of the credentials that each way needs."""


class Access:
    """What requests to one address carry, and those to others do not.

    Args:
        base_url: The API.
        authentication: none, bearer, basic, header or query.
        name: Of the header or the parameter that has the key.
        credentials: The `shop` entry: ``token``, or ``user`` and ``password``.

    Raises:
        SourceError: A secret is missing, or cannot be sent.
    """

    def __init__(
        self, base_url: str, authentication: str, name: str | None, credentials: Mapping[str, Any] | None
    ) -> None:
        self._origin = origin(base_url)
        self._kind = authentication
        self._name = name or ""
        self._secrets = [_secret(entry, credentials or {}) for entry in SECRETS.get(authentication, ())]

    def __repr__(self) -> str:
        return f"Access({self._kind!r})"

    def is_at_home(self, url: str) -> bool:
        """Is it an address of the API itself: same scheme, host and port?"""
        return origin(url) == self._origin

    def headers(self, url: str) -> dict[str, str]:
        """Headers that a request carries."""
        if not self.is_at_home(url):
            return {}
        if self._kind == "bearer":
            return {"Authorization": f"Bearer {self._secrets[0]}"}
        if self._kind == "header":
            return {self._name: self._secrets[0]}
        if self._kind == "basic":
            packed = base64.b64encode(":".join(self._secrets).encode()).decode()
            return {"Authorization": f"Basic {packed}"}
        return {}

    def address(self, url: str) -> str:
        """The address that is asked, with the key where the API wants it there. It is shown to nobody."""
        bare = self.without_key(url)
        if self._kind != "query" or not self.is_at_home(url):
            return bare
        return f"{bare}{'&' if urlsplit(bare).query else '?'}{urlencode({self._name: self._secrets[0]})}"

    def without_key(self, url: str) -> str:
        """An address without the key, which the API may have written into it."""
        parts = urlsplit(url)
        if self._kind != "query" or not parts.query:
            return url
        kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != self._name]
        return urlunsplit(parts._replace(query=urlencode(kept)))

    def without_secrets(self, text: str) -> str:
        """A text in which no secret stands."""
        for secret in self._secrets:
            text = text.replace(secret, "(secret)")
        return text


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address; nothing if it is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0


def _secret(entry: str, credentials: Mapping[str, Any]) -> str:
    text = str(credentials.get(entry) or "")
    place = f"DATAMART_SHOP_{entry.upper()}, or `shop: {{{entry}: ...}}` in conf/local/credentials.yml"
    if not text:
        raise SourceError(f"The {entry} for the shop's API is not known.", f"Set {place}.")
    if not text.isprintable() or not text.isascii() or text != text.strip():
        raise SourceError(
            f"The {entry} for the shop's API has signs that cannot be sent, such as a line break or a blank at an end.",
            f"Correct {place}.",
        )
    return text
