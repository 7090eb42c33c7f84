"""Bodies of responses, read with a limit. What is compressed may become a thousand times as long."""

import asyncio
import warnings
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Final

from aura_browser.errors import SiteFailed

if TYPE_CHECKING:
    from aiohttp import StreamReader

YIELD_BYTES: Final = 64 * 1024
"""After that many bytes at once, a reader lets others run: bytes that have arrived are read without waiting."""

_MIB: Final = 2**20


async def read_body(chunks: AsyncIterable[bytes], limit: int, url: str, status: int, *, advice: str = "") -> bytes:
    """Return the whole body.

    Args:
        chunks: the body, as it arrives. Nothing is read once the limit is passed.
        limit: the most bytes, a multiple of a mebibyte.
        url: for the error.
        status: for the error.
        advice: what to do if it is longer; for the error.

    Raises:
        SiteFailed: if it is longer than *limit*.
        ChatError: if it is cut short, or no byte arrives within the read timeout.
    """
    body = bytearray()
    async for chunk in chunks:
        if len(body) + len(chunk) > limit:
            more = f"; {advice}" if advice else ""
            raise SiteFailed(url, status, f"the response is over {limit // _MIB} MiB{more}")
        body += chunk
        if len(chunk) >= YIELD_BYTES:
            await asyncio.sleep(0)
    return bytes(body)


async def read_start(content: "StreamReader", limit: int) -> bytes:
    """Return the first *limit* bytes of a body, or all of a shorter one. The rest is not decompressed."""
    start = bytearray()
    while len(start) < limit and (data := await content.read(limit - len(start))):
        start += data
        await asyncio.sleep(0)
    return bytes(start)


async def read_first(chunks: AsyncIterable[bytes], limit: int) -> bytes:
    """Return the first *limit* bytes of a body that comes in *chunks*, or all of a shorter one."""
    start = bytearray()
    async for chunk in chunks:
        start += chunk
        if len(start) >= limit:
            break
    return bytes(start[:limit])


async def peek(content: "StreamReader", limit: int, timeout_s: float) -> bytes:
    """Return the first *limit* bytes of a body, or what has come after *timeout_s*; it can still be read whole."""
    start = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            while len(start) < limit and not content.at_eof():
                start += await content.read(limit - len(start))
    except TimeoutError:
        pass
    finally:
        if start:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp offers no other way to look ahead
                content.unread_data(bytes(start))
    return bytes(start)
