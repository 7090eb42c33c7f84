"""Responses that aiohttp.web would tidy up, sent as the real app sends them."""

import re

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.web_request import BaseRequest

# What Node allows in a reason phrase; any other message becomes a plain 500 there.
_SAYABLE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")
_PLAIN = "Internal Server Error"


class BareStream(web.StreamResponse):
    """A good answer: 200, chunked, and no Content-Type or Server header at all. See ``drop_markers``."""


async def drop_markers(_request: web.Request, response: web.StreamResponse) -> None:
    """Take off what aiohttp.web has just added to a ``BareStream``; for ``on_response_prepare``."""
    response.headers.popall(hdrs.SERVER, None)
    if isinstance(response, BareStream):
        response.headers.popall(hdrs.CONTENT_TYPE, None)


class RawResponse(web.StreamResponse):
    """A small whole response written by hand.

    aiohttp.web encodes a reason phrase as UTF-8 where Node sends Latin-1, and gives every body a type.

    Args:
        status: the HTTP status.
        reason: the reason phrase, in Latin-1 characters.
        body: the body.
        content_type: its type, or None for no such header.
    """

    def __init__(self, status: int, reason: str, body: bytes, content_type: str | None) -> None:
        super().__init__(status=status, reason=reason)
        self._content = body
        self._reused: bool | None = None
        self.headers[hdrs.CONTENT_LENGTH] = str(len(body))
        if content_type is not None:
            self.headers[hdrs.CONTENT_TYPE] = content_type

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection is used again, as the request asked."""
        return self._reused

    async def prepare(self, request: BaseRequest) -> AbstractStreamWriter | None:
        """Write the whole response."""
        if isinstance(request, web.Request):
            await request.app.on_response_prepare.send(request, self)
        if request.transport is None:
            raise ConnectionResetError("The client has left")
        self._reused = request.keep_alive
        lines = [
            f"HTTP/1.1 {self.status} {self.reason}",
            *(f"{key}: {value}" for key, value in self.headers.items()),
        ]
        request.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + self._content)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing: ``prepare`` has written everything."""


def error(message: str = _PLAIN) -> RawResponse:
    """Return the app's only kind of error: a 500 that says *message* in its reason phrase.

    A message that can't stand there (Cyrillic, a newline) is lost: its 500 says nothing but that it is one.
    """
    if _SAYABLE.fullmatch(message):
        return RawResponse(500, message, b"Error", "text/plain;charset=UTF-8")
    return RawResponse(500, _PLAIN, _PLAIN.encode(), None)
