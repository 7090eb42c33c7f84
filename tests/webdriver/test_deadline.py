"""What ends the thread of a harvest."""

import asyncio
import threading

import pytest

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.harvest import run_in_thread


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
