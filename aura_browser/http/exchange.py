"""One HTTP exchange: convert its errors to this package's, and read its response."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, SiteFailed
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE
from aura_browser.proxy.connection import describe_socks_error, socks_errors
from aura_browser.text import clean_text, redact_url

CONNECT_TIMEOUT_S: Final = 30.0
_PROXY_AUTH_STATUSES: Final = frozenset({401, 407})  # tinyproxy 1.11 answers a wrong password with 401

# Most specific first.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"),
    (aiohttp.ClientProxyConnectionError, PROXY_UNREACHABLE),
    (aiohttp.ClientConnectorDNSError, "its host name has no address"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
    # Through SOCKS, aiohttp raises its general OS error, with one of these as the cause.
    (ssl.SSLCertVerificationError, "its TLS certificate is not trusted"),
    (ssl.SSLError, "the TLS handshake failed"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before the response"),
    (aiohttp.ClientPayloadError, "the connection was closed during the response"),
)


@contextmanager
def typed_errors(url: object, read_timeout_s: float) -> Iterator[None]:
    """Convert the errors that aiohttp raises for a request to *url*.

    Args:
        url: for the error's text.
        read_timeout_s: the ``sock_read`` timeout in seconds, for the error's text.

    Raises:
        ConnectionFailed: if there is no connection, or it closes before the response is complete.
        AnswerTimeout: if no byte arrives within the read timeout.
        SiteFailed: if the response is not valid HTTP.
    """
    try:
        yield
    except aiohttp.ClientHttpProxyError as error:
        # Its text contains the proxy's whole URL (aiohttp 3.14.5), and a traceback would show it.
        raise ConnectionFailed(redact_url(url), _describe_proxy_failure(error.status)) from None
    except Exception as error:
        typed = typed_error(error, url, read_timeout_s)
        if typed is None:
            raise
        raise typed from error


def typed_error(error: Exception, url: object, read_timeout_s: float) -> ChatError | None:
    """Return this package's error for an error of aiohttp; None for any other. See :func:`typed_errors`."""
    address = redact_url(url)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return ConnectionFailed(address, _describe_failure(error))
        case TimeoutError():
            return AnswerTimeout(address, read_timeout_s)
        case aiohttp.WSServerHandshakeError():
            return SiteFailed(address, error.status, "it refused the WebSocket handshake")
        case aiohttp.ClientResponseError():
            return SiteFailed(address, 0, "the response is not valid HTTP")
        case aiohttp.ClientError() | OSError():
            return ConnectionFailed(address, _describe_failure(error))
    return ConnectionFailed(address, describe_socks_error(error)) if isinstance(error, socks_errors()) else None


def check_proxy_answer(response: aiohttp.ClientResponse, proxy: str | None) -> None:
    """Check that *response* is not the proxy's, which for ``http://`` may answer in place of the site.

    Raises:
        ConnectionFailed: if the proxy refused the user and password.
    """
    if proxy is None or response.status not in _PROXY_AUTH_STATUSES:
        return
    # A site may answer 401 too.
    if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or response.headers.get(
        hdrs.SERVER, ""
    ).lower().startswith("tinyproxy"):
        raise ConnectionFailed(redact_url(response.url), _describe_proxy_failure(response.status))


def reason_phrase(response: aiohttp.ClientResponse) -> str:
    """Return the reason phrase, cleaned for a terminal.

    openchat-ui writes its error message there, in UTF-8 or Latin-1.
    """
    raw = (response.reason or "").encode("utf-8", "surrogateescape")
    try:
        return clean_text(raw.decode())
    except UnicodeDecodeError:
        return clean_text(raw.decode("latin-1"))


def _describe_proxy_failure(status: int) -> str:
    return f"{PROXY_REFUSED} ({status})" if status in _PROXY_AUTH_STATUSES else f"the proxy answered {status}"


def _describe_failure(error: Exception) -> str:
    """Return the cause from the error's type alone, because aiohttp's messages may contain a proxy's password."""
    for kind, cause in _FAILURES:
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return cause
    number = getattr(error, "errno", None)
    return clean_text(os.strerror(number) if number else type(error).__name__)
