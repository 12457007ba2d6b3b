"""What the HTTP library says when a request is lost, in words of ours."""

from __future__ import annotations


def cause_of(error: Exception, timeout_s: float) -> str:
    """Why a request was lost, in words that hold no address."""
    from urllib3 import exceptions

    causes: tuple[tuple[type[Exception], str], ...] = (
        (exceptions.NameResolutionError, "the host is not known"),
        (exceptions.NewConnectionError, "nothing answers there"),
        (exceptions.ConnectTimeoutError, "no connection within the connection time-out"),
        (exceptions.ReadTimeoutError, f"nothing came for {timeout_s:g} s"),
        (exceptions.SSLError, "the certificate or the encryption is refused"),
        (exceptions.ProxyError, "the proxy does not answer"),
        (exceptions.DecodeError, "it is not packed as it says"),
        (exceptions.IncompleteRead, "the connection ended before the answer did"),
        (exceptions.ProtocolError, "the connection ended before the answer did"),
    )
    return next((words for kind, words in causes if isinstance(error, kind)), type(error).__name__)
