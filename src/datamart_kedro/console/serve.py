"""Serving the console on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from datamart_kedro.console.app import create_app
from datamart_kedro.console.console import Console
from datamart_kedro.console.desk import Desk
from datamart_kedro.errors import UsageError

HOST = "127.0.0.1"


def serve(
    console: Console,
    port: int,
    announce: Callable[[str], None],
    *,
    host: str = HOST,
    desk: Desk | None = None,
) -> None:
    """Serve until somebody stops it.

    Args:
        console: What is shown.
        port: To listen on; 0 for any that is free.
        announce: Is told the address, once it answers.
        host: Address of this machine to listen on.
        desk: What may be changed, and by whom; None if nothing may.

    Raises:
        UsageError: Somebody else has the port.
    """
    listener = listen(port, host)
    announce(f"http://{host}:{listener.getsockname()[1]}")
    try:
        server_of(console, desk).run(sockets=[listener])
    finally:
        listener.close()
        console.close()


def server_of(console: Console, desk: Desk | None = None) -> uvicorn.Server:
    """The server, which says nothing of itself and logs nothing but faults: addresses hold customers' ids."""
    settings = uvicorn.Config(
        create_app(console, desk),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
    )
    return uvicorn.Server(settings)


def listen(port: int, host: str = HOST) -> socket.socket:
    """A socket on an address of this machine."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Port {port} cannot be listened on: {error.strerror}.", "Name another with --port.", state=""
        ) from None
    listener.listen()
    return listener
