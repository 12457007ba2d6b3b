"""How failing work on a replica is told: what happened, what each store holds, what to do next."""

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
    """How far work on a replica has come, for the message if it fails.

    Attributes:
        place: Schema, database and host, without secrets.
        version: Number of the mart's version, 0 if there is no mart.
        held: Number of the version that the replica holds, None while that is not known.
        table: The table at work.
        failed: What did not come about, for the middle of a sentence.
        later: What comes next.
        told_state: What to say instead of what each store holds.
    """

    place: str
    version: int
    held: int | None = None
    table: str = ""
    failed: str = "is not up to date"
    later: str = LATER
    told_state: str | None = None

    @property
    def state(self) -> str:
        """What each store holds now."""
        if self.told_state is not None:
            return self.told_state
        held = "is as it was" if self.held is None else f"still holds version {self.held}"
        if not self.version:
            return f"There is still no mart; the replica {held}."
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
            raise ReplicaError(f"The address of the replica cannot be used. {error}", self.later, self.state) from None
        except (psycopg2.Error, SQLAlchemyError) as error:
            raise self._refusal(_told(error), f"{_next_step(error)} {self.later}") from None
        except (EngineError, OSError) as error:
            raise self._refusal(first_line(error), self.later) from None

    def _refusal(self, cause: str, next_step: str) -> ReplicaError:
        where = f"{self.table}: " if self.table else ""
        return ReplicaError(f"The replica, {self.place}, {self.failed}: {where}{cause}.", next_step, self.state)


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
