"""A driver's call is ended at the deadline, or when it waits for what can't happen any more, and else never."""

import os
import threading

import pytest

from aura_browser.webdriver.deadline import Deadline
from aura_browser.webdriver.process.watchdog import Watchdog, end_group

_LONG_S = 60.0
_MOMENT_S = 0.3  # many looks

pytestmark = pytest.mark.usefixtures("no_shared_browsers")


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


def test_it_watches_in_a_thread_that_keeps_no_program_from_ending_and_ends_with_the_call() -> None:
    def find_threads() -> list[threading.Thread]:
        return [each for each in threading.enumerate() if each.name == "aura-browser-watchdog"]

    with Watchdog(Deadline(_LONG_S), threading.Event().set):
        assert [each.daemon for each in find_threads()] == [True]
    assert find_threads() == []


@pytest.mark.parametrize("kind", [ProcessLookupError, PermissionError])
def test_a_group_that_has_ended_needs_no_end(kind: type[OSError], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(group: int, _number: int) -> None:
        asked.append(group)
        raise kind

    monkeypatch.setattr(os, "killpg", refuse)
    end_group(1)
    assert asked == [1]


def test_a_call_that_has_returned_is_not_ended() -> None:
    ended = threading.Event()
    deadline = Deadline(_LONG_S)
    with Watchdog(deadline, ended.set):
        pass
    deadline.cancel()
    assert not ended.wait(_MOMENT_S)
