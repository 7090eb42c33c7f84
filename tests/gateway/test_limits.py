"""Turns: whoever leaves, with others or alone, leaves its place to the next one."""

import asyncio

import pytest

from aura_browser.gateway.limits import Turns


async def hold(turns: Turns) -> None:
    async with turns.take():
        await asyncio.Event().wait()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
@pytest.mark.parametrize("count", [1, 2])
async def test_all_who_leave_at_once_leave_their_places(order: tuple[int, ...], count: int) -> None:
    """As the requests of one client do, some under way and some that wait."""
    turns = Turns(count, max_waiting=None, wait_s=60.0, busy="")
    tasks = [asyncio.create_task(hold(turns)) for _ in order]
    await asyncio.sleep(0)
    assert turns.waiting == len(order) - count
    for number in order:
        tasks[number].cancel()
    async with asyncio.timeout(20):
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * len(order)
    assert turns.waiting == 0
    async with asyncio.timeout(20):
        for _ in range(count):
            await turns.take().__aenter__()
    assert turns.waiting == 0


async def test_who_leaves_with_its_turn_passes_it_on() -> None:
    turns = Turns(1, max_waiting=None, wait_s=60.0, busy="")
    first, second, third = (asyncio.create_task(hold(turns)) for _ in range(3))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    second.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait([second])
    assert (turns.waiting, third.done()) == (0, False)
    third.cancel()
    await asyncio.wait([third])
