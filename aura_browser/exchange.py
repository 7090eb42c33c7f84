"""One HTTP exchange: what can go wrong with it as one typed error, and what its answer says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp

from aura_browser.errors import AnswerTimeout, ConnectionFailed, SiteFailed, clean_text

CONNECT_TIMEOUT_S: Final = 30.0

# Most particular first.
_FAILURES: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ConnectionTimeoutError, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"),
    (aiohttp.ClientProxyConnectionError, "the proxy can't be reached"),
    (aiohttp.ClientConnectorDNSError, "its host name has no address"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "the TLS handshake failed"),
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
        raise ConnectionFailed(url, f"the proxy answered {error.status}") from error
    except aiohttp.ClientResponseError as error:
        raise SiteFailed(url, 0, "its answer is not readable HTTP") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ConnectionFailed(url, _failure(error)) from error


def reason_phrase(response: aiohttp.ClientResponse) -> str:
    """Return the reason phrase, cleaned for a terminal.

    The openchat-ui app puts its message there (measured), in UTF-8 or Latin-1.
    """
    raw = (response.reason or "").encode("utf-8", "surrogateescape")
    try:
        return clean_text(raw.decode())
    except UnicodeDecodeError:
        return clean_text(raw.decode("latin-1"))


def _failure(error: Exception) -> str:
    """Say what broke, from types alone: the texts of aiohttp's errors may hold a proxy's address and password."""
    for kind, said in _FAILURES:
        if isinstance(error, kind):
            return said
    number = getattr(error, "errno", None)
    return clean_text(os.strerror(number) if number else type(error).__name__)
