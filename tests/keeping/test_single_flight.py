"""One task for all who ask at once: joined, left, ended."""

import asyncio

import pytest

from aura_browser.errors import StoreError
from aura_browser.keeping.single_flight import SingleFlight


async def test_all_who_ask_at_once_share_one_task() -> None:
    flight, goes_on = SingleFlight[str](ignore), asyncio.Event()
    begun: list[str] = []

    async def work() -> str:
        begun.append("once")
        await goes_on.wait()
        return "done"

    asked = [asyncio.ensure_future(flight.join(work)) for _ in range(3)]
    await asyncio.wait(asked, timeout=0.01)
    goes_on.set()
    assert await asyncio.gather(*asked) == ["done"] * 3
    assert len(begun) == 1
    assert await flight.join(work) == "done"
    assert len(begun) == 2


async def test_each_who_asked_gets_an_error_of_their_own_and_it_is_told_once() -> None:
    told: list[BaseException] = []
    flight = SingleFlight[str](told.append)

    async def work() -> str:
        await asyncio.sleep(0)
        raise StoreError("127", "it is away")

    first, second = await asyncio.gather(*(flight.join(work) for _ in range(2)), return_exceptions=True)
    assert isinstance(first, StoreError)
    assert isinstance(second, StoreError)
    assert first is not second
    assert len(told) == 1


async def test_after_its_end_no_task_begins_and_who_waits_is_told() -> None:
    flight, begun = SingleFlight[str](ignore), asyncio.Event()

    async def work() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    waiting = asyncio.ensure_future(flight.join(work))
    await begun.wait()
    await flight.aclose()
    with pytest.raises(RuntimeError, match="was closed while it was in use"):
        await waiting
    begun.clear()
    with pytest.raises(RuntimeError, match="was closed while it was in use"):
        await flight.join(work)
    assert not begun.is_set()
    assert flight.task is None


def ignore(_error: BaseException) -> None:
    """Do nothing about a failure."""


async def test_who_is_cancelled_as_the_flight_ends_is_cancelled() -> None:
    flight = SingleFlight[None](ignore)
    waiting = asyncio.ensure_future(flight.join(asyncio.Event().wait))  # type: ignore[arg-type] # never returns
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task = flight.task
    assert task is not None
    task.add_done_callback(lambda _task: waiting.cancel())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
