"""One HTTP exchange: convert its errors to this package's, and read its response."""

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs
from aiohttp.http_exceptions import ContentEncodingError

from aura_browser.errors import AnswerTimeout, ChatError, ConnectionFailed, SiteFailed, raise_alone
from aura_browser.proxy.address import PROXY_REFUSED, PROXY_UNREACHABLE
from aura_browser.proxy.connection import describe_socks_error, socks_errors
from aura_browser.text import clean_text, redact_url
from aura_browser.tls import read_number

CONNECT_TIMEOUT_S: Final = 30.0
_PROXY_AUTH_STATUSES: Final = frozenset({401, 407})  # tinyproxy 1.11 answers a wrong password with 401

# Most specific first.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"),
    (aiohttp.ClientProxyConnectionError, PROXY_UNREACHABLE),
    (aiohttp.ClientConnectorDNSError, "its host name has no address"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before the response"),
    (ContentEncodingError, "the compressed body is damaged"),
    (aiohttp.ClientPayloadError, "the connection was closed during the response"),
)

_TOO_LONG: Final = re.compile(r"Got more than (\d{1,9}) bytes")
# The parser's words, up to the first sign that may belong to a quotation.
_FAULT: Final = re.compile(r"[A-Z][a-z]{1,20}(?: [A-Za-z-]{1,20}){1,8}(?=[:.\n]|$)")


@contextmanager
def typed_errors(url: object, read_timeout_s: float) -> Iterator[None]:
    """Convert the errors that aiohttp raises for a request to *url*.

    aiohttp's own error is not reachable from the new one, because it shows headers of the request and the response.

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
    except Exception as error:
        typed = typed_error(error, url, read_timeout_s)
        if typed is None:
            raise
        raise_alone(typed)


def typed_error(error: Exception, url: object, read_timeout_s: float) -> ChatError | None:
    """Return this package's error for an error of aiohttp; None for any other. See :func:`typed_errors`.

    Raise it with :func:`aura_browser.errors.raise_alone`.
    """
    address = redact_url(url)
    match error:
        case TimeoutError() if not isinstance(error, aiohttp.ConnectionTimeoutError):
            return AnswerTimeout(address, read_timeout_s)
        case aiohttp.WSServerHandshakeError():
            return SiteFailed(address, error.status, "it refused the WebSocket handshake")
        case aiohttp.ClientResponseError() if not isinstance(error, aiohttp.ClientHttpProxyError):
            return SiteFailed(address, 0, f"the response is not valid HTTP{_describe_fault(error)}")
        case aiohttp.ClientError() | OSError():
            return _read_tls_failure(address, error) or ConnectionFailed(address, _describe_failure(error))
    if isinstance(error, socks_errors()):
        is_reply = getattr(error, "error_code", None) is not None
        return ConnectionFailed(address, describe_socks_error(error), is_proxys_reply=is_reply)
    return None


def check_proxy_answer(response: aiohttp.ClientResponse, proxy: str | None) -> None:
    """Check that *response* is not the proxy's, which for ``http://`` may answer in place of the site.

    What comes through a tunnel, that of SOCKS or that for ``https://``, is the site's.

    Raises:
        ConnectionFailed: if the proxy refused the user and password.
    """
    if proxy is None or not proxy.startswith("http") or response.url.scheme in {"https", "wss"}:
        return
    if response.status not in _PROXY_AUTH_STATUSES:
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
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _describe_proxy_failure(error.status)
    for kind, cause in _FAILURES:
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return cause
    number = getattr(error, "errno", None)
    return clean_text(os.strerror(number) if number else type(error).__name__)


def _read_tls_failure(address: str, error: Exception) -> ConnectionFailed | None:
    # Through SOCKS, aiohttp raises its general OS error, with one of OpenSSL's as the cause.
    # Its own error for a certificate is of OpenSSL's type too, and holds OpenSSL's.
    known = (getattr(error, "certificate_error", None), error.__cause__, error)
    certificate = next((each for each in known if isinstance(each, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        reason = f"its TLS certificate is not trusted ({clean_text(certificate.verify_message)})"
        return ConnectionFailed(address, reason, tls=read_number(certificate.verify_code))
    if any(isinstance(each, ssl.SSLError | aiohttp.ClientSSLError) for each in known):
        return ConnectionFailed(address, "the TLS handshake failed", tls="handshake")
    return None


def _describe_fault(error: aiohttp.ClientResponseError) -> str:
    """Return what the parser did not take, without any of the bytes that it quotes."""
    if too_long := _TOO_LONG.match(error.message):
        return f": it has a line of over {too_long[1]} bytes"
    fault = _FAULT.match(error.message)
    return f": {fault[0].strip()[:1].lower()}{fault[0].strip()[1:]}" if fault else ""
