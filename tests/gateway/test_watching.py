"""What is looked at again and again: only what is still under way."""

import asyncio
from typing import Any, cast
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from aura_browser.gateway.sending import EventStream
from aura_browser.gateway.watching import Patience, Watch
from aura_browser.gateway.wires.problem import Problem
from tests.parts.waiting import eventually


class Silent:
    """A stream that has been silent for long, and takes its time for a ping."""

    is_open = beats = True
    sending_since = None
    active_at = 0.0

    def __init__(self) -> None:
        self.pings = 0
        self.pinged = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def ping(self) -> None:
        self.pings += 1
        self.pinged.set()
        await self.goes_on.wait()


async def test_a_request_that_ended_meanwhile_is_left_alone() -> None:
    watch = Watch(Patience(beat=1.0, tick=0.01), lambda _task: False, lambda: 100.0)
    streams = [Silent(), Silent()]
    streams[0].pinged = streams[1].pinged = ends = asyncio.Event()
    async with asyncio.TaskGroup() as group:

        async def follow(stream: Silent) -> None:
            async with watch.follow() as running:
                running.stream = cast("EventStream", cast("Any", stream))
                await ends.wait()

        followers = [group.create_task(follow(stream)) for stream in streams]
        watching = group.create_task(watch.run())
        await asyncio.wait(followers)
        for stream in streams:
            stream.goes_on.set()
        await asyncio.wait([watching], timeout=0.05)
        watching.cancel()
    assert sorted(stream.pings for stream in streams) == [0, 1]


async def test_silence_is_broken_by_pings_while_it_lasts() -> None:
    watch = Watch(Patience(beat=1.0, tick=0.01), lambda _task: False, lambda: 100.0)
    stream = Silent()
    stream.goes_on.set()
    async with watch.follow() as running:
        running.stream = cast("EventStream", cast("Any", stream))
        watching = asyncio.create_task(watch.run())
        assert await eventually(lambda: stream.pings > 1)
        watching.cancel()


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
    watch = Watch(Patience(stuck=5.0, tick=0.01), lambda _task: False, lambda: now[0])
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


class Looked:
    """A stream that is looked at, and what was done to it."""

    beats = True

    def __init__(self, *, is_open: bool, sending_since: float | None = None) -> None:
        self.is_open = is_open
        self.sending_since = sending_since
        self.active_at = 100.0
        self.done: set[str] = set()

    async def ping(self) -> None:
        self.done.add("pinged")

    def abort(self) -> None:
        self.done.add("cut")


@pytest.mark.parametrize(
    ("stream", "after_s", "does"),
    [
        (Looked(is_open=False), 15.0, "pinged"),
        (Looked(is_open=True), 15.0, "pinged"),
        (Looked(is_open=True, sending_since=100.0), 60.0, "cut"),
    ],
    ids=["waiting", "silent", "stuck"],
)
async def test_by_default_something_is_done_after_so_many_seconds(stream: Looked, after_s: float, does: str) -> None:
    now = [100.0]
    watch = Watch(Patience(tick=0.001), lambda _task: False, lambda: now[0])
    async with watch.follow() as running:
        running.stream = cast("EventStream", cast("Any", stream))
        watching = asyncio.create_task(watch.run())
        now[0] += after_s - 0.1
        await asyncio.wait([watching], timeout=0.03)
        assert stream.done == set()
        now[0] = 100.0 + after_s
        await eventually(lambda: stream.done == {does})
        watching.cancel()


class Gone(Silent):
    """A stream whose client has gone."""

    async def ping(self) -> None:
        self.pings += 1
        raise ConnectionResetError


@pytest.mark.parametrize("kind", [Gone, Silent])
async def test_a_client_that_has_gone_or_takes_nothing_holds_up_no_other(kind: type[Silent]) -> None:
    watch = Watch(Patience(beat=1.0, tick=0.01), lambda _task: False, lambda: 100.0)
    streams = [kind(), kind()]
    async with watch.follow() as one, watch.follow() as other:
        one.stream, other.stream = (cast("EventStream", cast("Any", stream)) for stream in streams)
        watching = asyncio.create_task(watch.run())
        assert await eventually(lambda: all(stream.pings > 1 for stream in streams))
        watching.cancel()


async def test_the_first_reason_for_an_end_is_the_one_that_is_told() -> None:
    watch = Watch(Patience(), lambda _task: False, lambda: 100.0)

    async def wait_in_vain() -> None:
        async with watch.follow() as running:
            running.end(Problem(503, "first", "first"))
            running.end(Problem(503, "second", "second"))
            await asyncio.Event().wait()

    with pytest.raises(Problem, match="first"):
        await wait_in_vain()


async def test_a_time_out_of_the_requests_own_stays_one() -> None:
    watch = Watch(Patience(), lambda _task: False, lambda: 100.0)
    with pytest.raises(TimeoutError):
        async with watch.follow():
            raise TimeoutError
    assert watch.count == 0


async def test_a_stream_knows_when_something_was_sent_last() -> None:
    now = [100.0]
    stream = EventStream(make_mocked_request("GET", "/"), {}, lambda: now[0])
    assert (stream.active_at, stream.sending_since, stream.is_open, stream.is_closing) == (100.0, None, False, False)
    now[0] = 105.0
    await stream.send(b"piece")
    assert (stream.active_at, stream.sending_since, stream.is_open) == (105.0, None, True)
    await stream.close(b"end")
    assert (stream.sending_since, stream.is_closing) == (None, True)


async def test_a_request_that_waits_for_a_harvest_is_ended_though_nothing_is_sent_yet() -> None:
    now = [100.0]
    watch = Watch(Patience(tick=0.001), lambda _task: True, lambda: now[0])

    async def wait_in_vain() -> None:
        async with watch.follow():
            now[0] += 15.0
            await asyncio.wait([watching], timeout=20)

    watching = asyncio.create_task(watch.run())
    with pytest.raises(Problem, match="is being harvested"):
        await wait_in_vain()
    watching.cancel()


async def test_where_nothing_is_under_way_nothing_is_waited_for() -> None:
    waiting = asyncio.create_task(Watch(Patience(), lambda _task: False, lambda: 100.0).wait_until_idle())
    await asyncio.sleep(0)
    assert waiting.done()


@pytest.mark.parametrize("has_stream", [False, True])
async def test_a_request_that_only_waits_for_its_site_is_left_alone(*, has_stream: bool) -> None:
    stream = Looked(is_open=False)
    stream.beats = False
    watch = Watch(Patience(hold=0.0, tick=0.001), lambda _task: False, lambda: 100.0)
    async with watch.follow() as running:
        running.stream = cast("EventStream", cast("Any", stream)) if has_stream else None
        watching = asyncio.create_task(watch.run())
        await asyncio.wait([watching], timeout=0.03)
        assert (watching.done(), stream.done) == (False, set())
        watching.cancel()
