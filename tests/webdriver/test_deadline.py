"""How long a harvest may take, and what ends its thread."""

import asyncio
import gc
import threading
import time
from contextlib import nullcontext
from typing import Any, NoReturn

import pytest
from selenium.common.exceptions import WebDriverException

from aura_browser import AttachChrome, Chrome, Grid, Session, page_site
from aura_browser.engine import Engine
from aura_browser.errors import BrowserDied, InvalidInput, LaunchFailed
from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import call_in_loop, harvest, run_in_thread
from aura_browser.webdriver.options import BrowserOptions
from tests.parts.sessions import make_session
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
    working = run_in_thread(work, deadline)
    task = loop.create_task(working)
    loop.call_later(0.05, interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    assert not deadline.is_cancelled
    loop.close()
    assert ended.wait(10)
    working.close()  # or its executor keeps the thread


@pytest.mark.parametrize("error", [None, OSError("it fails as it cleans up")])
async def test_who_cancels_the_thread_of_a_harvest_waits_until_it_has_cleaned_up(
    error: OSError | None, caplog: pytest.LogCaptureFixture
) -> None:
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
    del task
    gc.collect()
    assert caplog.messages == [], "how it ended is nobody's matter then"


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


class Clock:
    """What the time is."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_deadline_is_over_at_its_time_and_overdue_once_its_own_code_should_have_seen_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("aura_browser.webdriver.deadline.time", clock)
    deadline, seen = Deadline(10), []
    for clock.now in (0.0, 9.5, 10.0, 11.5, 13.0):
        seen.append((clock.now, deadline.left_s, deadline.is_overdue, deadline.is_cancelled))
    times = [(0.0, 10.0, False), (9.5, 0.5, False), (10.0, 0.0, False), (11.5, 0.0, False), (13.0, 0.0, True)]
    assert seen == [(*each, False) for each in times]
    deadline.lift()
    assert deadline.left_s > 10**8
    assert not deadline.is_overdue


@pytest.mark.parametrize("how", ["cancelled", "ended with another"])
def test_a_deadline_that_is_cancelled_or_ends_with_something_else_is_overdue_at_once(how: str) -> None:
    deadline, others = Deadline(60), [False]
    deadline.end_when(lambda: others[0])
    assert (deadline.is_cancelled, deadline.is_overdue) == (False, False)
    if how == "cancelled":
        deadline.cancel()
    else:
        others[0] = True
    assert (deadline.left_s, deadline.is_cancelled, deadline.is_overdue) == (0.0, True, True)
    deadline.wait(60)


def test_a_wait_lasts_as_long_as_it_is_to() -> None:
    begin = time.monotonic()
    Deadline(60).wait(0.02)
    assert 0.02 <= time.monotonic() - begin < 10


@pytest.mark.parametrize("error", [LaunchFailed("chrome", "none here"), TimeoutError()])
async def test_a_proof_that_fails_is_none(error: Exception) -> None:
    async def prove(_session: Session) -> bool:
        raise error

    ask = call_in_loop(prove, asyncio.get_running_loop(), Deadline(60))
    assert await asyncio.to_thread(ask, make_session()) is False


async def test_a_proof_that_has_not_ended_at_the_deadline_is_none_and_is_cancelled() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def prove(_session: Session) -> bool:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    deadline = Deadline(600)
    asking = asyncio.create_task(
        asyncio.to_thread(call_in_loop(prove, asyncio.get_running_loop(), deadline), make_session())
    )
    await begun.wait()
    deadline.cancel()
    async with asyncio.timeout(2):
        assert await asking is False
        await ended.wait()


@pytest.mark.parametrize("error", [WebDriverException("gone"), ConnectionResetError()])
async def test_a_browser_that_ends_as_it_is_prepared_ended_before_the_site_was_opened(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(_driver: object, deadline: Deadline) -> NoReturn:
        assert deadline.seconds == 60
        raise error

    monkeypatch.setattr("aura_browser.webdriver.harvest.open_browser", lambda *_: nullcontext())
    with pytest.raises(BrowserDied) as caught:
        await harvest(page_site("https://chat.example.com/"), engine=_GRID, prepare=prepare)
    assert str(caught.value) == (
        "The browser stopped at https://chat.example.com/: it ended before the site was opened. Try again."
    )


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"proxy": "http://proxy.example:3128"}, ("--engine", "chrome", "--proxy", "http://proxy.example:3128")),
        ({"proxy": "http://proxy.example:3128", "command_options": ("--session", "work")}, ("--session", "work")),
        ({}, ("--engine", "chrome")),
    ],
)
async def test_errors_name_a_command_with_the_options_of_the_harvest(
    options: dict[str, Any], named: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[BrowserOptions] = []

    def note(_engine: Engine, wanted: BrowserOptions) -> NoReturn:
        given.append(wanted)
        raise LaunchFailed("chrome", "none here")

    monkeypatch.setattr("aura_browser.webdriver.harvest.open_browser", note)
    with pytest.raises(LaunchFailed):
        await harvest(page_site("https://chat.example.com/"), engine=Chrome(), basic="ann:s3cret", **options)
    [wanted] = given
    assert (wanted.command_options, wanted.proxy, wanted.url) == (
        named,
        options.get("proxy"),
        "https://chat.example.com/",
    )
    assert wanted.basic == "ann:s3cret"
    assert "s3cret" not in repr(wanted)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"basic": "ann"}, "basic: must be user:password"),
        ({"engine": Chrome(virtual_display=True), "interactive": True}, "virtual_display: hides the window, so nobody"),
    ],
)
async def test_what_no_harvest_can_do_is_said_before_anything_starts(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await harvest(page_site("https://chat.example.com/"), **options)
    assert str(caught.value).startswith(said)
