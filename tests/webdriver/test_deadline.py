"""How long a harvest may take, and what ends its thread."""

import asyncio
import threading
from typing import Any, NoReturn

import pytest

from aura_browser import AttachChrome, Grid, page_site
from aura_browser.engine import Engine
from aura_browser.errors import LaunchFailed
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import harvest, run_in_thread
from aura_browser.webdriver.options import BrowserOptions
from tests.parts.waiting import eventually


def test_an_interrupt_that_ends_the_loop_ends_the_thread_too() -> None:
    """As a second Ctrl-C does, while ``asyncio.run`` cancels what runs."""
    ended = threading.Event()

    def work() -> None:
        deadline.wait(60)
        ended.set()

    def interrupt() -> None:
        raise KeyboardInterrupt

    deadline = Deadline(60)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # asyncio would print that a task is left, which is the case here
    task = loop.create_task(run_in_thread(work, deadline))
    loop.call_later(0.05, interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    assert not deadline.is_cancelled
    loop.close()
    assert ended.wait(10)


@pytest.mark.parametrize("error", [None, OSError("it fails as it cleans up")])
async def test_who_cancels_the_thread_of_a_harvest_waits_until_it_has_cleaned_up(error: OSError | None) -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        deadline.wait(60)
        may_end.wait(60)
        ended.set()
        if error is not None:
            raise error

    deadline = Deadline(60)
    task = asyncio.create_task(run_in_thread(work, deadline))
    try:
        await eventually(begun.is_set)
        for _ in range(2):  # impatient
            task.cancel()
            await asyncio.wait([task], timeout=0.05)
            assert deadline.is_cancelled
            assert not task.done()
    finally:
        may_end.set()
        deadline.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


_GRID = Grid("http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"engine": _GRID}, 60),
        ({"engine": _GRID, "interactive": True}, 300),
        ({"engine": AttachChrome()}, 300),
        ({"engine": AttachChrome(), "timeout_s": 20}, 20),
        ({"engine": _GRID, "interactive": True, "timeout_s": 20}, 20),
    ],
)
async def test_a_harvest_that_needs_a_person_has_more_time(
    options: dict[str, Any], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[BrowserOptions] = []

    def note(_engine: Engine, wanted: BrowserOptions) -> NoReturn:
        given.append(wanted)
        raise LaunchFailed("chrome", "none here")

    monkeypatch.setattr("aura_browser.webdriver.harvest.open_browser", note)
    with pytest.raises(LaunchFailed):
        await harvest(page_site("https://chat.example.com/"), **options)
    assert [wanted.deadline.seconds for wanted in given] == [seconds]
