"""What goes to a site and what comes back, whatever carries it: the seam between clients and transports."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

Body = bytes | AsyncIterable[bytes] | None
"""What a request carries: whole, in pieces as they come (then it can be sent once only), or nothing."""


class Request(msgspec.Struct, frozen=True):
    """One request of any method. Its body is never part of ``repr``.

    Attributes:
        method: such as ``GET``.
        url: an address, or a path that the transport joins to the site's origin.
        headers: the caller's own; the session's are added by the transport.
        body: see :data:`Body`.
        follows_redirects: whether a redirect within the site is followed. One elsewhere never is.
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
    """What a transport yields for a request. Read it within its context.

    Attributes:
        url: what answered, after redirects within the site.
        status: the HTTP status.
        reason: the reason phrase, cleaned for a terminal.
        headers: names in any letter case to values; the last of those that came several times.
    """

    @property
    def url(self) -> str: ...  # noqa: D102 - told above, and so the rest
    @property
    def status(self) -> int: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def headers(self) -> Mapping[str, str]: ...  # noqa: D102

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body in the pieces that it arrives in.

        Raises:
            ChatError: if it breaks off, or falls silent.
        """

    def raise_for_status(self) -> None:
        """Raise what an answer that is not good stands for.

        Raises:
            RateLimited: 429.
            SiteFailed: any other status from 400 up, and a redirect.
        """


class Transport(Protocol):
    """Carries requests to one site with its session, and renews the session when the site refuses it.

    It is opened once and closed once; closing it closes what keeps the session too.
    """

    def send(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send *request* and yield the response.

        Raises:
            InvalidInput: for a request that can't be sent with the site's session.
            ConnectionFailed: no connection, or it broke before or within the answer.
            AnswerTimeout: nothing came for the read time-out.
            SessionRefused: a renewed session was refused too.
            AuraError: what renewing the session raises.
        """

    def connect(self, request: Request) -> "AbstractAsyncContextManager[ClientWebSocketResponse]":
        """Open a WebSocket and yield it. Errors as :meth:`send`."""

    async def open(self) -> None:
        """Make ready to send."""

    async def aclose(self) -> None:
        """End it, and what keeps the session."""


@lru_cache
def fetch_headers(origin: str) -> Mapping[str, str]:
    """Return what Chrome adds to a same-origin fetch by a page at *origin* (https://fetch.spec.whatwg.org)."""
    return {
        "Accept": "*/*",
        "Origin": origin,
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Dest": "empty",
        "Referer": f"{origin}/",
    }
