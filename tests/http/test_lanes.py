"""How many requests run in a page at once, and what is said of those that wait."""

import asyncio
import logging
from contextlib import AsyncExitStack

import pytest

from aura_browser.http.lanes import Lane


async def count_at_once(lane: Lane, wanted: int) -> int:
    """Return how many of so many requests run at once."""
    running = 0

    async def work() -> None:
        nonlocal running
        async with lane.enter():
            running += 1
            await leave.wait()

    leave = asyncio.Event()
    tasks = [asyncio.create_task(work()) for _ in range(wanted)]
    await asyncio.sleep(0)
    at_once = running
    leave.set()
    await asyncio.gather(*tasks)
    assert running == wanted
    return at_once


@pytest.mark.parametrize(("protocol", "most"), [("", 5), ("http/1.1", 5), ("http/1.0", 5), ("h2", 100), ("h3", 100)])
async def test_the_protocol_says_how_many_run_at_once(protocol: str, most: int) -> None:
    lane = Lane("https://example.com")
    lane.learn(protocol)
    for _ in range(2):  # those that have ended leave their places
        assert await count_at_once(lane, most) == most
        assert await count_at_once(lane, most + 1) == most
    lane.learn("http/1.1")  # what was learned stays
    assert await count_at_once(lane, most) == most


async def test_only_the_first_that_waits_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert await count_at_once(Lane("https://example.com"), 8) == 5
    assert [record.levelname for record in caplog.records if "run in the page" in record.message] == [
        *("WARNING", "DEBUG", "DEBUG"),
    ]


async def test_a_turn_that_was_given_to_one_who_has_gone_is_given_on_alone() -> None:
    lane, entered = Lane("https://example.com"), 0

    async def work() -> None:
        nonlocal entered
        async with lane.enter():
            entered += 1
            await leave.wait()

    leave = asyncio.Event()
    async with AsyncExitStack() as running:
        for _ in range(4):
            await running.enter_async_context(lane.enter())
        async with lane.enter():
            tasks = [asyncio.create_task(work()) for _ in range(3)]
            await asyncio.sleep(0)  # all wait
        tasks[0].cancel()  # its turn has come, and it has not heard of it
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await asyncio.sleep(0)
        assert entered == 1
    leave.set()
    await asyncio.gather(*tasks[1:])


async def test_one_who_goes_while_waiting_makes_no_room() -> None:
    lane, entered = Lane("https://example.com"), 0

    async def work() -> None:
        nonlocal entered
        async with lane.enter():
            entered += 1
            await leave.wait()

    leave = asyncio.Event()
    tasks = [asyncio.create_task(work()) for _ in range(8)]
    await asyncio.sleep(0)
    for task in tasks[5:7]:
        task.cancel()
    await asyncio.wait(tasks[5:7])
    await asyncio.sleep(0)
    assert entered == 5
    leave.set()
    await asyncio.gather(*tasks[:5], tasks[7])
    assert entered == 6
