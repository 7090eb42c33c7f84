"""One HTTP exchange: what can go wrong with it as one typed error, and what its answer says."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp import hdrs

from aura_browser.connector import PROXY_AWAY, PROXY_REFUSED, socks_errors, socks_failure
from aura_browser.errors import AnswerTimeout, ConnectionFailed, SiteFailed, clean_text

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
def typed_errors(url: str, read_timeout_s: float) -> Iterator[None]:
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
    except aiohttp.ConnectionTimeoutError as error:
        raise ConnectionFailed(url, _failure(error)) from error
    except TimeoutError as error:
        raise AnswerTimeout(url, read_timeout_s) from error
    except aiohttp.ClientHttpProxyError as error:
        # Its text holds the proxy's whole URL (measured, 3.14.5), and a traceback would show it.
        raise ConnectionFailed(url, _proxy_failure(error.status)) from None
    except aiohttp.ClientResponseError as error:
        raise SiteFailed(url, 0, "its answer is not readable HTTP") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionFailed(url, _failure(error)) from error
    except socks_errors() as error:
        raise ConnectionFailed(url, socks_failure(error)) from error


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
        raise ConnectionFailed(str(response.url.with_query(None)), _proxy_failure(response.status))


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
