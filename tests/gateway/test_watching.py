"""What is looked at again and again: only what is still under way."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

from aura_browser.gateway.watching import Patience, Watch

if TYPE_CHECKING:
    from aura_browser.gateway.sending import EventStream


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
