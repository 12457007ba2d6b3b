"""PostgreSQL's NOTIFY, heard in a thread: a server that is away is called again and again."""

from __future__ import annotations

import logging
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datamart_kedro.postgres import cause_of, engine_of, place_of

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

logger = logging.getLogger(__name__)

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
LOOK_EVERY_S = 1.0
"""How long it may take to notice that the watch ends."""


@dataclass(frozen=True)
class Notified:
    """The shop told of a change in a table."""

    table: str


@dataclass(frozen=True)
class Listening:
    """The connection stands, or was lost."""

    is_on: bool


class Listener:
    """Listens on a channel of a server.

    Args:
        url: Of the server.
        channel: Of NOTIFY.
        tell: Called, in another thread, with what was heard.
        connect_timeout_s: Seconds to wait for a connection.
    """

    def __init__(
        self, url: str, channel: str, tell: Callable[[Notified | Listening], None], connect_timeout_s: int = 10
    ) -> None:
        self._engine = engine_of(url, connect_timeout_s=connect_timeout_s, application="datamart_kedro watch")
        self._place = place_of(url)
        self._channel = channel
        self._tell = tell
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen_always, name="listener", daemon=True)

    def __repr__(self) -> str:
        return f"Listener({self._place!r}, {self._channel!r})"

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """End soon; nobody needs to wait for it."""
        self._is_over.set()

    def _listen_always(self) -> None:
        import psycopg2

        wait_s = FIRST_WAIT_S
        while not self._is_over.is_set():
            try:
                connection = self._connect()
                try:
                    logger.info("Listening for %s on %s.", self._channel, self._place)
                    self._tell(Listening(True))
                    wait_s = FIRST_WAIT_S
                    self._hear(connection)
                finally:
                    connection.close()
            except psycopg2.Error as error:
                self._tell(Listening(False))
                logger.warning(
                    "%s is not heard: %s. It is looked at in intervals, and called again in %g s.",
                    self._place,
                    cause_of(error),
                    wait_s,
                )
                self._is_over.wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    def _connect(self) -> Connection:
        from psycopg2 import sql

        pooled = self._engine.raw_connection()
        connection: Connection = pooled.driver_connection  # type: ignore[assignment]
        pooled.detach()
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return connection

    def _hear(self, connection: Connection) -> None:
        """Tell what comes, until the connection is lost or the watch ends."""
        while not self._is_over.is_set():
            if select.select([connection], [], [], LOOK_EVERY_S)[0]:
                connection.poll()
                while connection.notifies:
                    self._tell(Notified(connection.notifies.pop(0).payload))
