"""The bodies of clients' requests: a short one is kept, so that it can be sent again; a long one is streamed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

from aura_browser.relay.guard import Refused
from aura_browser.request import Body

_MAX_KEPT_BYTES: Final = 2**20
_SILENCE_S: Final = 60.0


async def read_request_body(request: web.BaseRequest) -> Body:
    """Return the body of *request*: None, bytes, or an async iterable that can be read once.

    Raises:
        Refused: 408 if no byte comes for a minute.
    """
    if not request.body_exists:
        return None
    if "Expect" in request.headers:
        # RFC 9110 section 10.1.1: the client waits for this before it sends the body.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    start = bytearray()
    if (request.content_length or 0) <= _MAX_KEPT_BYTES:
        while chunk := await _read(request):
            start += chunk
            if len(start) > _MAX_KEPT_BYTES:
                break
        else:
            return bytes(start)
    return _stream(bytes(start), request)


async def _stream(start: bytes, request: web.BaseRequest) -> AsyncIterator[bytes]:
    if start:
        yield start
    while chunk := await _read(request):
        yield chunk


async def _read(request: web.BaseRequest) -> bytes:
    try:
        async with asyncio.timeout(_SILENCE_S):
            return await request.content.readany()
    except TimeoutError:
        raise Refused(408, f"The rest of the request's body did not come within {_SILENCE_S:.0f} s.") from None
