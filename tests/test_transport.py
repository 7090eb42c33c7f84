"""The watch over an answer's silence."""

import asyncio
import time

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from aura_browser.transport import Answer


def reader() -> aiohttp.StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


async def test_silence_is_a_time_out() -> None:
    answer = Answer(reader(), 0.05)
    with pytest.raises(TimeoutError):
        await answer.read()


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    content = reader()
    answer = Answer(content, 0.05)
    for text in (b"a", b"b"):
        await asyncio.sleep(0.12)
        content.feed_data(text)
        assert await answer.read() == text
    answer.close()


async def test_a_program_that_was_busy_for_longer_loses_nothing() -> None:
    content = reader()
    answer = Answer(content, 0.05)
    reading = asyncio.ensure_future(answer.read())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(content.feed_data, b"a")
    time.sleep(0.1)  # noqa: ASYNC251 - the program's own fault
    assert await reading == b"a"
    content.feed_data(b"b")
    assert await answer.read() == b"b"
    content.feed_eof()
    assert await answer.read() == b""
    answer.close()
