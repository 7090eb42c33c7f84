"""What is looked at again and again: only what is still under way."""

import asyncio
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aura_browser.gateway.sending import EventStream
from aura_browser.gateway.watching import Patience, Watch
from tests.parts.waiting import eventually


class Silent:
    """A stream that has been silent for long, and takes its time for a ping."""

    is_open = beats = True
    sending_since = None
    active_at = 0.0

    def __init__(self) -> None:
        self.pings = 0
        self.goes_on = asyncio.Event()

    async def ping(self) -> None:
        self.pings += 1
        await self.goes_on.wait()


async def test_a_request_that_ended_meanwhile_is_left_alone() -> None:
    watch = Watch(Patience(beat=1.0, tick=0.01), lambda: False, lambda: 100.0)
    streams = [Silent(), Silent()]
    async with asyncio.TaskGroup() as group:
        ends = asyncio.Event()

        async def follow(stream: Silent) -> None:
            async with watch.follow() as running:
                running.stream = cast("EventStream", cast("Any", stream))
                await ends.wait()

        followers = [group.create_task(follow(stream)) for stream in streams]
        watching = group.create_task(watch.run())
        while not any(stream.pings for stream in streams):
            await asyncio.wait([watching], timeout=0.001)
        ends.set()
        await asyncio.wait(followers)
        for stream in streams:
            stream.goes_on.set()
        await asyncio.wait([watching], timeout=0.05)
        watching.cancel()
    assert sorted(stream.pings for stream in streams) == [0, 1]


async def test_silence_is_broken_by_pings_while_it_lasts() -> None:
    watch = Watch(Patience(beat=1.0, tick=0.01), lambda: False, lambda: 100.0)
    stream = Silent()
    stream.goes_on.set()
    async with watch.follow() as running:
        running.stream = cast("EventStream", cast("Any", stream))
        watching = asyncio.create_task(watch.run())
        await asyncio.wait([watching], timeout=0.2)
        watching.cancel()
    assert stream.pings > 1


class Untaken(web.StreamResponse):
    """A response whose client takes nothing of it."""

    async def prepare(self, _request: web.BaseRequest) -> None:
        """Begin."""

    async def write(self, _data: object) -> None:
        await asyncio.Event().wait()

    async def write_eof(self, _data: bytes = b"") -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize("is_end", [False, True])
async def test_who_takes_neither_a_piece_nor_the_end_is_cut_after_a_while(*, is_end: bool) -> None:
    now, cut = [100.0], Mock()
    stream = EventStream(make_mocked_request("GET", "/", transport=cut), {}, lambda: now[0])
    stream.response = Untaken()
    watch = Watch(Patience(stuck=5.0, tick=0.01), lambda: False, lambda: now[0])
    async with watch.follow() as running:
        running.stream = stream
        sending = asyncio.create_task(stream.close(b"end") if is_end else stream.send(b"piece"))
        watching = asyncio.create_task(watch.run())
        await asyncio.wait([watching], timeout=0.05)
        assert not cut.abort.called
        now[0] += 5.0
        await eventually(lambda: cut.abort.called)
        watching.cancel()
        sending.cancel()
