"""How a failing synchronisation is told: what happened, what each store holds, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy.exc import SQLAlchemyError

from datamart_kedro.engine_messages import first_line
from datamart_kedro.errors import ReplicaError
from datamart_kedro.postgres import AddressError, cause_of
from datamart_kedro.replica.snapshot import EngineError

LATER = "The next run brings the replica up to date."

_NEXT_STEPS = {
    errorcodes.INSUFFICIENT_PRIVILEGE: "Grant its role what docs/serve-in-postgresql.md lists.",
    errorcodes.DEPENDENT_OBJECTS_STILL_EXIST: "Drop them, and make them anew after the next run.",
    errorcodes.DISK_FULL: "Make room there.",
    errorcodes.LOCK_NOT_AVAILABLE: "End that transaction, or raise replica.lock_timeout_s in globals.yml.",
    errorcodes.QUERY_CANCELED: "If nobody cancelled it, raise replica.statement_timeout_s in globals.yml.",
}


@dataclass
class Attempt:
    """How far a synchronisation has come, for the message if it fails.

    Attributes:
        place: Schema, database and host, without secrets.
        version: Number of the mart's version.
        held: Number of the version that the replica holds, None while that is not known.
        table: The table at work.
    """

    place: str
    version: int
    held: int | None = None
    table: str = ""

    @property
    def state(self) -> str:
        """What each store holds now."""
        held = "is as it was" if self.held is None else f"still holds version {self.held}"
        return f"The mart itself is published at version {self.version}; the replica {held}."

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn whatever fails within into a refusal.

        Raises:
            ReplicaError: What happened, what each store holds, what to do next.
        """
        try:
            yield
        except ReplicaError as error:
            raise ReplicaError(error.happened, error.next_step, self.state) from None
        except AddressError as error:
            raise ReplicaError(f"The address of the replica cannot be used. {error}", LATER, self.state) from None
        except (psycopg2.Error, SQLAlchemyError) as error:
            raise self._failed(_told(error), f"{_next_step(error)} {LATER}") from None
        except (EngineError, OSError) as error:
            raise self._failed(first_line(error), LATER) from None

    def _failed(self, cause: str, next_step: str) -> ReplicaError:
        where = f"{self.table}: " if self.table else ""
        return ReplicaError(f"The replica, {self.place}, is not up to date: {where}{cause}.", next_step, self.state)


def _told(error: Exception) -> str:
    """The cause, with the names of what depends on a column that has to go."""
    cause = cause_of(error)
    if _state(error) == errorcodes.DEPENDENT_OBJECTS_STILL_EXIST and isinstance(error, psycopg2.Error):
        cause += f" ({(error.diag.message_detail or '').partition(chr(10))[0][:200]})"
    return cause


def _next_step(error: Exception) -> str:
    state = _state(error)
    if state is None:
        return (
            "Check that the server runs, and its address in DATAMART_REPLICA_URL or under replica in"
            " conf/local/credentials.yml."
        )
    return _NEXT_STEPS.get(state, "The server's log says more.")


def _state(error: Exception) -> str | None:
    found = getattr(getattr(error, "orig", None) or error, "pgcode", None)
    return str(found) if found else None
