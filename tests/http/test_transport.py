"""The watch over an answer's silence."""

import asyncio
import time

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from aura_browser.errors import AnswerTimeout
from aura_browser.http.transport import HttpResponse


def reader() -> aiohttp.StreamReader:
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


class Received:
    """What aiohttp received, as far as reading it goes."""

    url = "http://127.0.0.1/"

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self.content = content

    def release(self) -> None:
        pass

    async def wait_for_close(self) -> None:
        pass


def response(content: aiohttp.StreamReader) -> HttpResponse:
    return HttpResponse(Received(content), None, 0.05)  # type: ignore[arg-type]


async def test_silence_is_a_time_out() -> None:
    answer = response(reader())
    with pytest.raises(AnswerTimeout):
        await anext(answer)


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    content = reader()
    answer = response(content)
    for text in (b"a", b"b"):
        await asyncio.sleep(0.12)
        content.feed_data(text)
        assert await anext(answer) == text
    await answer.aclose()


async def test_a_program_that_was_busy_for_longer_loses_nothing() -> None:
    content = reader()
    answer = response(content)
    reading = asyncio.ensure_future(answer.__anext__())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(content.feed_data, b"a")
    time.sleep(0.1)  # noqa: ASYNC251 - the program's own fault
    assert await reading == b"a"
    content.feed_data(b"b")
    assert await anext(answer) == b"b"
    content.feed_eof()
    with pytest.raises(StopAsyncIteration):
        await anext(answer)
    await answer.aclose()
