"""What a shop's PostgreSQL refuses, in words for people: the cause, and the next step."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from datamart_kedro.errors import SourceError
from datamart_kedro.postgres import cause_of

if TYPE_CHECKING:
    import psycopg2
    from tenacity import RetryCallState

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0

BUSY = ("starting up", "shutting down", "recovery", "too many", "connection slots", "terminating connection")
"""What a server says that will take us later."""

ENDED = "the server ended the connection"

NEXT_STEPS = {
    "42P01": "Correct the table's name in the query, or put its schema in front.",
    "42703": "Correct the column's name in the query.",
    "42601": "Correct the query.",
    "42501": "Let the user read it: GRANT USAGE ON SCHEMA and GRANT SELECT ON ALL TABLES IN SCHEMA;"
    " see docs/bring-your-own-shop.md.",
    "25006": "A source is only read: take out of the query what writes.",
    "40001": "Run again; if it happens often on a standby, let max_standby_streaming_delay be longer there.",
    "57014": "Make the query cheaper, or raise source.statement_timeout_s in globals.yml.",
}
"""By the code of the refusal (SQLSTATE)."""


class LostError(SourceError):
    """A server that did not answer, or stopped: another try may help."""


def ask_again(attempts: int, ask: Callable[[], Answer]) -> Answer:
    """Ask until there is an answer, with twice the pause after each attempt that was lost.

    Raises:
        SourceError: The server refused, or all attempts were lost.
    """
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

    retrying = Retrying(
        retry=retry_if_exception_type(LostError),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S) + wait_random(0, FIRST_WAIT_S),
        before_sleep=_tell,
        reraise=True,
    )
    try:
        return retrying(ask)
    except LostError as error:
        tried = "once" if attempts == 1 else f"{attempts} times"
        raise SourceError(f"{error.happened.rstrip('.')} (tried {tried}).", error.next_step) from None


def was_refused(error: psycopg2.Error) -> bool:
    """Did a server answer, and will it answer the same next time? Before a connection stands there is no SQLSTATE."""
    text = str(error)
    if "no password supplied" in text:
        return True
    return "FATAL:" in text and not any(words in text for words in BUSY)


def refusal_of(error: psycopg2.Error, place: str, statement_timeout_s: int) -> SourceError:
    """What the server says to a query."""
    code = error.pgcode or ""
    is_late = code == "57014" and "timeout" in str(error)
    said = f"the statement was ended after {statement_timeout_s} s" if is_late else cause_of(error)
    next_step = NEXT_STEPS.get(code, "Mend the query.")
    hint = error.diag.message_hint
    return SourceError(f"{place} answers: {said}.", f"{hint} {next_step}" if hint else next_step)


def loss_of(error: BaseException) -> str:
    """Why a connection was lost, as far as the server or the driver says."""
    said = cause_of(error)
    return ENDED if said == "the connection was lost" or "no message" in said else said


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    if isinstance(error, LostError):
        logger.warning("%s Trying again in %.1f s.", error.happened, pause)
