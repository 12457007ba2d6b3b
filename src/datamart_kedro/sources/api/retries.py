"""Asking again: after a pause that grows, or as long as the API wants it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from datamart_kedro.errors import SourceError

if TYPE_CHECKING:
    from tenacity import RetryCallState

logger = logging.getLogger(__name__)

Given = TypeVar("Given")

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0


class LostError(SourceError):
    """An answer that did not come whole: another try may help.

    Args:
        happened: What.
        next_step: What to do if it goes on.
        wait_s: Seconds that the API wants to be left alone, None if it does not say.
    """

    def __init__(self, happened: str, next_step: str, wait_s: float | None = None) -> None:
        super().__init__(happened, next_step)
        self.wait_s = wait_s


def ask_again(attempts: int, longest_wait_s: float, ask: Callable[[], Given]) -> Given:
    """Ask until there is an answer.

    Args:
        attempts: How often at most.
        longest_wait_s: Longest wait that the API may ask for.
        ask: Raises `LostError` when there is none.

    Raises:
        SourceError: The API refused, wants to be left alone for longer, or all attempts were lost.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

    growing = wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S) + wait_random(0, FIRST_WAIT_S)

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_s if isinstance(error, LostError) else None
        return growing(state) if asked is None else asked

    def may_help(error: BaseException) -> bool:
        return isinstance(error, LostError) and (error.wait_s or 0) <= longest_wait_s

    retrying = Retrying(
        retry=retry_if_exception(may_help),
        stop=stop_after_attempt(attempts),
        wait=pause,
        before_sleep=_tell,
        reraise=True,
    )
    try:
        return retrying(ask)
    except LostError as error:
        lost = error
    if (lost.wait_s or 0) > longest_wait_s:
        raise SourceError(
            f"{lost.happened.rstrip('.')}, and wants to be left alone for {lost.wait_s:,.0f} s.",
            "Run again after that, ask less often (source.api.requests_per_s), or raise source.api.longest_wait_s.",
        )
    tried = "once" if attempts == 1 else f"{attempts} times"
    raise SourceError(f"{lost.happened.rstrip('.')} (tried {tried}).", lost.next_step)


def retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` asks for, given as a number or as a date; None if it cannot be read.

    Args:
        header: What it says.
        now: This instant.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _tell(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    if isinstance(error, LostError):
        logger.warning("%s Trying again in %.1f s.", error.happened, pause)
