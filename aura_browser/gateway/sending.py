"""Sends an answer in pieces: opened at the first byte or after a while, kept alive in silence if it is events."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

_PING: Final = b": ping\n\n"
EVENT_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class AnswerCut(ConnectionResetError):
    """An answer that has begun was ended here, and its connection closed: the site's broke off, or a stop ended it."""


class _Response(web.StreamResponse):
    """A response whose status goes out with its first piece, in one packet; drop when aiohttp has a setting for it."""

    _send_headers_immediately = False


class EventStream:
    """The response to one request. Each call sends whole events, or bytes as the site sent them (``beats=False``).

    Args:
        request: what is answered.
        headers: further headers.
        clock: returns seconds that only grow.
        status: the HTTP status.
        beats: whether comments may be sent in silence.

    Attributes:
        beats: whether a comment may be sent now: as given, until the caller changes it.
        is_open: whether the status has been sent.
        is_closing: whether the end has been sent, or waits for the client.
        active_at: when something was sent last.
        sending_since: since when the client has not taken what was sent; None if it has.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        headers: Mapping[str, str],
        clock: Callable[[], float],
        *,
        status: int = 200,
        beats: bool = True,
    ) -> None:
        self.beats = beats
        self.is_open = self.is_closing = False
        self.active_at = clock()
        self.sending_since: float | None = None
        self.response: web.StreamResponse = _Response(status=status, headers=headers)
        self._request = request
        self._clock = clock
        self._opening = asyncio.Lock()

    async def send(self, data: bytes) -> None:
        """Send a piece, and the status before the first; wait while the client has enough to read.

        Raises:
            ConnectionError: if the client has gone.
        """
        if not self.is_open:
            await self._open()
        self.sending_since = self._clock()
        await self.response.write(data)
        self.sending_since = None
        self.active_at = self._clock()

    async def ping(self) -> None:
        """Show the client that the answer is still awaited."""
        await self.send(_PING)

    async def close(self, data: bytes = b"") -> None:
        """End the response, with a last piece in the same packet. Call nothing else afterwards but :meth:`abort`.

        Raises:
            ConnectionError: if the client has gone.
        """
        if not self.is_open:
            await self._open()
        self.is_closing = True
        self.sending_since = self._clock()
        await self.response.write_eof(data)
        self.sending_since = None

    def abort(self) -> None:
        """Cut the connection; the request is cancelled by that."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def _open(self) -> None:
        async with self._opening:
            if not self.is_open:
                await self.response.prepare(self._request)
                self.is_open = True
