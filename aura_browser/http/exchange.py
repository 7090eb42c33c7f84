"""One HTTP exchange: what can go wrong with it as one typed error, and what its answer says."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, SiteFailed
from aura_browser.proxy.address import PROXY_AWAY, PROXY_REFUSED
from aura_browser.proxy.connection import socks_errors, socks_failure
from aura_browser.text import clean_text, redact_url

CONNECT_TIMEOUT_S: Final = 30.0
_REFUSED_BY_PROXY: Final = frozenset({401, 407})  # tinyproxy says 401 of a wrong password (measured, 1.11)

# Most particular first.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"),
    (aiohttp.ClientProxyConnectionError, PROXY_AWAY),
    (aiohttp.ClientConnectorDNSError, "its host name has no address"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
    # Through SOCKS it is aiohttp's error for all of the system's, with one of these as its cause.
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (ssl.SSLError, "the TLS handshake failed"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before the answer"),
    (aiohttp.ClientPayloadError, "the connection was closed within the answer"),
)


@contextmanager
def typed_errors(url: object, read_timeout_s: float) -> Iterator[None]:
    """Turn what aiohttp raises for a request to *url* into this package's errors.

    Args:
        url: for the error's text.
        read_timeout_s: the ``sock_read`` in force, in seconds, for the error's text.

    Raises:
        ConnectionFailed: no connection, or it broke before or within the answer.
        AnswerTimeout: nothing came for the read time-out.
        SiteFailed: an answer that is no readable HTTP.
    """
    try:
        yield
    except aiohttp.ClientHttpProxyError as error:
        # Its text holds the proxy's whole URL (aiohttp 3.14.5), and a traceback would show it.
        raise ConnectionFailed(redact_url(url), _proxy_failure(error.status)) from None
    except Exception as error:
        typed = typed_error(error, url, read_timeout_s)
        if typed is None:
            raise
        raise typed from error


def typed_error(error: Exception, url: object, read_timeout_s: float) -> ChatError | None:
    """Return this package's error for one that aiohttp raised; None if it is not aiohttp's. As :func:`typed_errors`."""
    address = redact_url(url)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return ConnectionFailed(address, _failure(error))
        case TimeoutError():
            return AnswerTimeout(address, read_timeout_s)
        case aiohttp.WSServerHandshakeError():
            return SiteFailed(address, error.status, "it refused the WebSocket handshake")
        case aiohttp.ClientResponseError():
            return SiteFailed(address, 0, "its answer is not readable HTTP")
        case aiohttp.ClientError() | OSError():
            return ConnectionFailed(address, _failure(error))
    return ConnectionFailed(address, socks_failure(error)) if isinstance(error, socks_errors()) else None


def check_proxy_answer(response: aiohttp.ClientResponse, proxy: str | None) -> None:
    """Raise what *response* stands for if the proxy gave it in place of the site, which for ``http://`` it may.

    Raises:
        ConnectionFailed: if the proxy refused user and password.
    """
    if proxy is None or response.status not in _REFUSED_BY_PROXY:
        return
    # A site may answer 401 as well.
    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or response.headers.get(
        hdrs.SERVER, ""
    ).lower().startswith("tinyproxy"):
        raise ConnectionFailed(redact_url(response.url), _proxy_failure(response.status))


def reason_phrase(response: aiohttp.ClientResponse) -> str:
    """Return the reason phrase, cleaned for a terminal.

    The openchat-ui app puts its message there (measured), in UTF-8 or Latin-1.
    """
    raw = (response.reason or "").encode("utf-8", "surrogateescape")
    try:
        return clean_text(raw.decode())
    except UnicodeDecodeError:
        return clean_text(raw.decode("latin-1"))


def _proxy_failure(status: int) -> str:
    return f"{PROXY_REFUSED} ({status})" if status in _REFUSED_BY_PROXY else f"the proxy answered {status}"


def _failure(error: Exception) -> str:
    """Say what broke, from types alone: the texts of aiohttp's errors may hold a proxy's address and password."""
    for kind, said in _FAILURES:
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return said
    number = getattr(error, "errno", None)
    return clean_text(os.strerror(number) if number else type(error).__name__)
