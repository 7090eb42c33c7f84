"""Requests to a site, its responses, and the transport between: the interface of clients and transports."""

import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol, TypedDict

import msgspec

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

_MAX_HEADER_BYTES: Final = 256 * 1024  # of all headers together, as in Chrome


class _HeaderLimits(TypedDict):
    max_line_size: int
    max_field_size: int
    max_headers: int


HEADER_LIMITS: Final = _HeaderLimits(
    max_line_size=_MAX_HEADER_BYTES, max_field_size=_MAX_HEADER_BYTES, max_headers=_MAX_HEADER_BYTES // 64
)
"""Arguments of ``aiohttp.ClientSession``: a response's headers may be as long as in Chrome, and nearly as many.

aiohttp's own limits are 8,190 bytes for each and 128 for all; it has none for their bytes together.
"""

Body = bytes | AsyncIterable[bytes] | None
"""A request's body: bytes, an async iterable of bytes (which can be sent only once), or None."""


class Request(msgspec.Struct, frozen=True):
    """One HTTP request. Its body is never part of ``repr``.

    Attributes:
        method: such as ``GET``.
        url: a URL, or a path that the transport joins to the site's origin.
        headers: the caller's headers; the transport adds the session's.
        body: see :data:`Body`.
        follows_redirects: whether redirects within the site are followed. Redirects to other sites never are.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: Body = None
    follows_redirects: bool = False

    def __repr__(self) -> str:
        return f"Request({self.method!r}, {self.url.partition('?')[0]!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("method", self.method), ("url", self.url.partition("?")[0])]


class Response(Protocol):
    """A site's response. It can be read only inside the context that yields it.

    Attributes:
        url: the URL that answered, after redirects within the site.
        status: the HTTP status.
        reason: the reason phrase, cleaned for a terminal.
        headers: case-insensitive names to values; of a repeated header, the last value.
    """

    @property
    def url(self) -> str: ...  # noqa: D102 - documented above, like the next three
    @property
    def status(self) -> int: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in chunks, as they arrive.

        Raises:
            ChatError: if the body is cut short, or no byte arrives within the read timeout.
        """

    def raise_for_status(self) -> None:
        """Raise the error for a status that is not a success.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 300 up.
        """


class Transport(Protocol):
    """Sends requests to one site with its session, and renews the session when the site refuses it.

    Open and close it once. Closing it closes the session's manager too.
    """

    def send(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send *request* and yield the response.

        Raises:
            InvalidInput: if the request can't be sent with the site's session.
            ConnectionFailed: if there is no connection, or it closes before the response is complete.
            AnswerTimeout: if no byte arrives within the read timeout.
            StreamInterrupted: if the page that sends it is gone.
            SessionRefused: if the site refuses a renewed session too.
            AuraError: if renewing the session fails.
        """

    def connect(self, request: Request) -> "AbstractAsyncContextManager[ClientWebSocketResponse]":
        """Open a WebSocket and yield it. Raises the same errors as :meth:`send`."""

    async def open(self) -> None:
        """Prepare to send requests."""

    async def aclose(self) -> None:
        """Close the transport and the session's manager."""


def list_values(headers: Mapping[str, str], name: str) -> list[str]:
    """Return every value of the header *name*, in any case: it may come more than once."""
    return [value for key, value in headers.items() if key.lower() == name.lower()]


@lru_cache
def fetch_headers(origin: str) -> Mapping[str, str]:
    """Return the headers that Chrome adds to a same-origin fetch by a page at *origin* (https://fetch.spec.whatwg.org)."""
    return {
        "Accept": "*/*",
        "Origin": origin,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Referer": f"{origin}/",
    }


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds to wait that a ``Retry-After`` header names (RFC 9110 section 10.2.3), or None.

    Args:
        text: the header's value: seconds, or a date in any of HTTP's three forms.
        now: epoch seconds.
    """
    text = text.strip()
    if re.fullmatch(r"\d{1,9}", text):
        return float(text)
    from email.utils import parsedate_to_datetime  # aiohttp has loaded it, where there is an answer

    try:
        until = parsedate_to_datetime(text)
        # A date without a zone is GMT, in all three forms of RFC 9110 section 5.6.7.
        return max(0.0, (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now)
    except (ValueError, OverflowError):
        return None
