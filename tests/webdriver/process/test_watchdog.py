"""A driver's call is ended at the deadline, or when it waits for what can't happen any more, and else never."""

import threading

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.watchdog import Watchdog

_LONG_S = 60.0
_MOMENT_S = 0.3  # many looks


def test_a_call_is_ended_at_the_deadline_only() -> None:
    ended = threading.Event()
    deadline = Deadline(_LONG_S)
    with Watchdog(deadline, ended.set):
        assert not ended.wait(_MOMENT_S)
        deadline.cancel()
        assert ended.wait(_LONG_S)


def test_a_call_that_waits_for_what_is_lost_is_ended() -> None:
    ended, is_lost = threading.Event(), threading.Event()
    with Watchdog(Deadline(_LONG_S), ended.set, is_lost.is_set):
        assert not ended.wait(_MOMENT_S)
        is_lost.set()
        assert ended.wait(_LONG_S)


def test_a_call_that_has_returned_is_not_ended() -> None:
    ended = threading.Event()
    deadline = Deadline(_LONG_S)
    with Watchdog(deadline, ended.set):
        pass
    deadline.cancel()
    assert not ended.wait(_MOMENT_S)
