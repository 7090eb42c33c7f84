"""Copying between the two connections of a relay, and closing them without losing data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CLOSE_TIMEOUT_S: Final = 5.0
_CHUNK_SIZE: Final = 65_536  # octets


async def copy_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of *reader*, and send that end too; the other direction stays open."""
    while data := await reader.read(_CHUNK_SIZE):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def copy_exactly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, length: int) -> None:
    """Copy *length* octets, or fewer if *reader* ends first."""
    while length and (data := await reader.read(min(length, _CHUNK_SIZE))):
        writer.write(data)
        await writer.drain()
        length -= len(data)


async def drain_until_closed(reader: asyncio.StreamReader) -> None:
    """Wait for the other side to close: closing with unread data would reset the connection and lose the response."""
    async with asyncio.timeout(_CLOSE_TIMEOUT_S):
        while await reader.read(_CHUNK_SIZE):
            pass


@asynccontextmanager
async def closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close *writer* at the end: after its data was sent, or at once if the body failed or nobody reads the data."""
    try:
        yield
        writer.close()
        async with asyncio.timeout(_CLOSE_TIMEOUT_S):
            await writer.wait_closed()
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
