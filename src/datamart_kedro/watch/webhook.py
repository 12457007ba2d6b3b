"""Alerts are posted to an address of a team's choice. The address is a secret: whoever knows it can post there."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from datamart_kedro.errors import ParameterError

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
ATTEMPTS = 4
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
MAX_WAITING = 100
"""Alerts that wait while an address does not answer; later ones are dropped."""


class UndeliveredError(Exception):
    """An answer after which another try may help; the message never holds the address."""


class Webhook:
    """Posts JSON in a thread of its own, so that the watch never waits for it.

    Args:
        url: Where to; beginning with ``https://`` or ``http://``.
        on_outcome: Told ``delivered`` or ``lost`` for each alert.

    Raises:
        ParameterError: It is no such address.
    """

    def __init__(self, url: str, on_outcome: Callable[[str], None]) -> None:
        if not url.startswith(("https://", "http://")):
            raise ParameterError(
                "The address of the webhook does not begin with https:// or http://.",
                "Correct DATAMART_WEBHOOK_URL, or `watch: {webhook_url: ...}` in conf/local/credentials.yml.",
            )
        for name in ("httpx", "httpcore"):  # they log the address
            logging.getLogger(name).setLevel(logging.WARNING)
        self._url = url
        self._on_outcome = on_outcome
        self._waiting: queue.Queue[Mapping[str, Any] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._deliver_all, name="webhook", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return "Webhook()"

    def post(self, body: Mapping[str, Any]) -> None:
        """Have something posted, soon."""
        try:
            self._waiting.put_nowait(body)
        except queue.Full:
            self._on_outcome("lost")

    def close(self, wait_s: float) -> None:
        """Post what waits, and end; what cannot be posted within so many seconds is lost."""
        try:
            self._waiting.put(None, timeout=wait_s)
        except queue.Full:
            return
        self._thread.join(wait_s)

    def _deliver_all(self) -> None:
        import httpx

        with httpx.Client(timeout=TIMEOUT_S) as client:
            while (body := self._waiting.get()) is not None:
                try:
                    deliver(client, self._url, body)
                except Exception as error:
                    cause = str(error) if isinstance(error, UndeliveredError) else type(error).__name__
                    logger.warning("The webhook took no alert (%s): %s; the watch goes on.", body.get("event"), cause)
                    self._on_outcome("lost")
                else:
                    self._on_outcome("delivered")


def deliver(client: httpx.Client, url: str, body: Mapping[str, Any]) -> None:
    """Post JSON, again if the address does not answer or is busy. Redirects are not followed.

    Raises:
        UndeliveredError: It was refused, or all attempts were lost.
    """
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

    retrying = Retrying(
        retry=retry_if_exception_type(_PassingError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S) + wait_random(0, FIRST_WAIT_S),
        reraise=True,
    )
    retrying(_post, client, url, body)


class _PassingError(UndeliveredError):
    """Another try may help."""


def _post(client: httpx.Client, url: str, body: Mapping[str, Any]) -> None:
    import httpx

    try:
        answer = client.post(url, json=body)
    except httpx.HTTPError as error:
        raise _PassingError(type(error).__name__) from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise _PassingError(f"it answered {answer.status_code}")
    if not answer.is_success:
        raise UndeliveredError(f"it answered {answer.status_code}")
