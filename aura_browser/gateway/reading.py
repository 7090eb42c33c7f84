"""Reads a request's body: bounded in length and in time."""

import asyncio
from typing import Final

from aiohttp import web

from aura_browser.gateway.wires.problem import Problem

MAX_BODY_BYTES: Final = 4 * 2**20
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


async def read_request(request: web.BaseRequest, patience_s: float, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        Problem: 413 if it is over *limit* bytes, 400 if it is garbled, 408 if it does not come in time. The connection
            ends then.
    """
    if (request.content_length or 0) > limit:
        raise _refuse_size(limit)
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(_CONTINUE)
    body = bytearray()
    try:
        async with asyncio.timeout(patience_s):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > limit:
                    raise _refuse_size(limit)
    except web.RequestPayloadError:
        message = "The body can't be read: it is not what its headers say."
        raise Problem(400, "invalid_body", message, retry=False, headers={"Connection": "close"}) from None
    except TimeoutError:
        message = f"The body did not come within {patience_s:g} s."
        raise Problem(408, "request_timeout", message, retry=False, headers={"Connection": "close"}) from None
    return bytes(body)


def _refuse_size(limit: int) -> Problem:
    message = f"The body is over {limit // 2**20} MiB. Shorten the conversation."
    return Problem(413, "request_too_large", message, retry=False, headers={"Connection": "close"})
