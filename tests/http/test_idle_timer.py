"""When a thing that nobody uses any more is closed."""

import asyncio

import pytest

from aura_browser.http.idle_timer import IdleTimer


async def turn() -> None:
    """Let the loop go round a few times, so that what is due happens."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_it_acts_once_after_the_last_of_those_who_use_the_thing() -> None:
    acts: list[str] = []
    timer = IdleTimer(0.0, lambda: acts.append("closed"))
    with timer.use():
        with timer.use():
            pass
        await turn()
        assert acts == []
    assert acts == []
    await turn()
    assert acts == ["closed"]


@pytest.mark.parametrize("how", ["used", "stopped"])
async def test_it_does_not_act_while_the_thing_is_used_again_or_closed(how: str) -> None:
    acts: list[str] = []
    timer = IdleTimer(0.0, lambda: acts.append("closed"))
    with timer.use():
        pass
    if how == "used":
        with timer.use():
            await turn()
            assert acts == []
    timer.stop()
    await turn()
    assert acts == []


async def test_without_a_time_it_never_acts() -> None:
    acts: list[str] = []
    with IdleTimer(None, lambda: acts.append("closed")).use():
        pass
    await turn()
    assert acts == []
