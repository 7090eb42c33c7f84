"""Responses that aiohttp.web would change, sent as the real app sends them."""

import re

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

# What Node allows in a reason phrase; any other message becomes a 500 with the default phrase.
_REASON_PHRASE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")
_DEFAULT_REASON = "Internal Server Error"


class BareStream(web.StreamResponse):
    """A successful answer: 200, chunked, without Content-Type and Server headers. See ``drop_headers``."""


async def drop_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Remove the Server header, and a ``BareStream``'s Content-Type; for ``on_response_prepare``."""
    response.headers.popall(hdrs.SERVER, None)
    if isinstance(response, BareStream):
        response.headers.popall(hdrs.CONTENT_TYPE, None)


class RawResponse(web.StreamResponse):
    """A small complete response, written to the transport directly.

    aiohttp.web encodes a reason phrase as UTF-8 where Node sends Latin-1, and adds a Content-Type to every body.

    Args:
        status: the HTTP status.
        reason: the reason phrase, in Latin-1 characters.
        body: the body.
        content_type: its Content-Type, or None for no such header.
    """

    def __init__(self, status: int, reason: str, body: bytes, content_type: str | None) -> None:
        super().__init__(status=status, reason=reason)
        self._content = body
        self._keep_alive_requested: bool | None = None
        self.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        if content_type is not None:
            self.headers[hdrs.CONTENT_TYPE] = content_type

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open, as the request asked."""
        return self._keep_alive_requested

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole response."""
        if isinstance(request, web.Request):
            await request.app.on_response_prepare.send(request, self)
        if request.transport is None:
            raise ConnectionResetError("The client has disconnected")
        self._keep_alive_requested = request.keep_alive
        lines = [
            f"HTTP/1.1 {self.status} {self.reason}",
            *(f"{key}: {value}" for key, value in self.headers.items()),
        ]
        request.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + self._content)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has written everything."""


def make_error(message: str = _DEFAULT_REASON) -> RawResponse:
    """Return the app's only kind of error: a 500 with *message* as its reason phrase.

    A message that is not allowed there (Cyrillic, a newline) is lost: the 500 then has the default phrase.
    """
    if _REASON_PHRASE.fullmatch(message):
        return RawResponse(500, message, b"Error", "text/plain;charset=UTF-8")
    return RawResponse(500, _DEFAULT_REASON, _DEFAULT_REASON.encode(), None)
