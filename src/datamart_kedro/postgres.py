"""How PostgreSQL is reached, and what is said about it: never a password.

The SQL of a source and of a replica is theirs; only the way to a server is shared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datamart_kedro.engine_messages import without_values

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

DRIVER = "postgresql+psycopg2"
"""Named in full: SQLAlchemy 2.1 takes ``postgresql://`` for psycopg 3."""

KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""Seconds, seconds and tries after which a silent server counts as gone."""

_CAUSES = (
    (r'password authentication failed for user "(.*?)"', 'the password of "{}" was refused'),
    (r"no password supplied", "the server wants a password, and the address has none"),
    (r"no pg_hba.conf entry for .*?user \"(.*?)\"", 'the server does not let "{}" in from here (pg_hba.conf)'),
    (r'role "(.*?)" does not exist', 'there is no role "{}"'),
    (r'database "(.*?)" does not exist', 'there is no database "{}"'),
    (r"could not translate host name", "the host is not known"),
    (r"Connection refused|No such file or directory", "nothing answers there"),
    (r"timeout expired|Connection timed out", "no answer within the connection time-out"),
    (r"too many (?:clients|connections)|remaining connection slots", "the server has no connection left"),
    (r"the database system is (.*)", "the database system is {}"),
    (
        r"terminating connection|server closed the connection|connection already closed",
        "the server ended the connection",
    ),
)
"""What libpq says, as a pattern, and what a person is told; first match wins."""

_CAUSES_BY_STATE = {
    "55P03": "another transaction held a lock for longer than the lock time-out",
    "57014": "a statement took longer than its time-out, or was cancelled",
    "57P01": "the server ended the connection",
    "53100": "the server's disk is full",
}


class AddressError(ValueError):
    """A text that is not the address of a PostgreSQL server; the message never repeats it."""


def address_of(url: str) -> URL:
    """A server's address, read by psycopg2 whatever driver the text names.

    Args:
        url: Such as ``postgresql://reader:password@host:5432/shop`` or ``postgresql://reader@/shop?host=/run/pg``.

    Raises:
        AddressError: It is no such address.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise AddressError("It is not of the form postgresql://user:password@host:5432/database.") from None
    if address.drivername.partition("+")[0] not in ("postgresql", "postgres"):
        raise AddressError("It does not begin with postgresql://.")
    if "@" in (address.host or ""):
        raise AddressError("The password holds an @: write %40 for it.")
    password = address.query.get("password")
    if isinstance(password, str):  # where it would show in a repr
        address = address.set(password=password).difference_update_query(["password"])
    return address.set(drivername=DRIVER)


def engine_of(url: str, *, connect_timeout_s: int, application: str = "datamart") -> Engine:
    """An engine whose connections are closed when they are given back, in UTF-8; nothing is connected yet.

    Args:
        url: See `address_of`; what it says itself, such as ``?connect_timeout=3``, holds.
        connect_timeout_s: Seconds to wait for a connection to each of its hosts.
        application: Name under which the server lists the connection.

    Raises:
        AddressError: It is no address of a PostgreSQL server.
    """
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    address = address_of(url)
    arguments = {
        "connect_timeout": connect_timeout_s,
        "application_name": application,
        "client_encoding": "utf8",
        **KEEPALIVE,
    }
    missing = {name: value for name, value in arguments.items() if name not in address.query}
    return create_engine(
        address, poolclass=NullPool, pool_reset_on_return=None, hide_parameters=True, connect_args=missing
    )


def place_of(url: str) -> str:
    """The database that an address means and where it is, for messages."""
    try:
        address = address_of(url)
    except AddressError:
        return "PostgreSQL"
    hosts = address.query.get("host", address.host or "localhost")
    where = hosts if isinstance(hosts, str) else ", ".join(hosts)
    port = f":{address.port}" if address.port else ""
    return f"database {address.database or address.username or 'postgres'} at {where}{port}"


def cause_of(error: BaseException) -> str:
    """What went wrong on the way to a server or in it: few words on one line, without values, for a sentence's middle.

    Args:
        error: Of psycopg2, or of SQLAlchemy with one of psycopg2 inside.
    """
    error = getattr(error, "orig", None) or error
    state = getattr(error, "pgcode", None)
    if state in _CAUSES_BY_STATE:
        return _CAUSES_BY_STATE[state]
    text = str(error).strip() or type(error).__name__
    if state is None:
        for pattern, words in _CAUSES:
            if found := re.search(pattern, text):
                return words.format(*found.groups())
    if str(state).startswith("22"):  # about data
        text = re.sub(r': ".*', ": (a value)", text.splitlines()[0])
    return without_values(re.sub(r"^(?:.*?failed: )?[A-Z]{4,}:\s+", "", text.splitlines()[0]))[:300]
