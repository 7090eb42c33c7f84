"""Turns: whoever leaves, with others or alone, leaves its place to the next one."""

import asyncio

import pytest

from aura_browser.gateway.limits import Hold, Turns
from aura_browser.gateway.wires.problem import Problem
from tests.parts.clock import Clock


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


async def test_who_comes_when_too_many_wait_is_refused_at_once() -> None:
    turns = Turns(1, max_waiting=1, wait_s=60.0, busy="Too many.")
    tasks = [asyncio.create_task(hold(turns)) for _ in range(2)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        with pytest.raises(Problem, match="Too many") as caught:
            await turns.take().__aenter__()
    assert (caught.value.status, caught.value.code) == (429, "server_busy")
    assert caught.value.headers == {"Retry-After": "1"}
    assert turns.waiting == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_who_waits_too_long_is_refused_and_waits_no_more() -> None:
    turns = Turns(1, max_waiting=None, wait_s=0.01, busy="Too many.")
    async with turns.take():
        with pytest.raises(Problem, match="Too many"):
            await turns.take().__aenter__()
        assert turns.waiting == 0


def test_the_sites_limit_ends_on_time_and_a_shorter_one_changes_nothing() -> None:
    clock = Clock()
    pause = Hold(clock)
    pause.begin(7.0)
    pause.begin(2.0)
    for seconds, left in ((0.0, 7), (0.5, 7), (6.4, 1)):
        clock.now += seconds
        assert pause.is_on
        with pytest.raises(Problem, match=f"Wait {left} s, then try again") as caught:
            pause.check()
        assert (caught.value.status, caught.value.code) == (429, "rate_limit_exceeded")
        assert caught.value.headers == {"Retry-After": str(left)}
    clock.now = 5007.0
    assert not pause.is_on
    pause.check()


def test_nobody_is_held_back_before_the_site_asked_for_it() -> None:
    pause = Hold(lambda: 0.5)
    assert not pause.is_on
    pause.check()
