"""Ends a blocking driver call when the deadline passes, the harvest is cancelled, or Chrome exits during its start."""

import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from aura_browser.webdriver.deadline import Deadline

_POLL_INTERVAL_S: Final = 0.05


class Watchdog:
    """A thread that watches a blocking driver call and ends it when it must not go on.

    Args:
        deadline: when to end the call at the latest.
        end: ends the call; must work whatever the call is blocked in.
        is_lost: returns whether the call waits for something that can't happen any more.
    """

    def __init__(
        self, deadline: Deadline, end: Callable[[], None], is_lost: Callable[[], bool] = lambda: False
    ) -> None:
        self._deadline = deadline
        self._end = end
        self._is_lost = is_lost
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="aura-browser-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_POLL_INTERVAL_S):
            if self._deadline.is_overdue or self._is_lost():
                self._end()
                return


def end_group(pid: int) -> None:
    """Kill the process group that *pid* leads, if it still exists."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # macOS raises PermissionError for a group of zombies


def has_only_zombies(pid: int) -> bool:
    """Return whether *pid* has children and all of them have exited.

    With ``--remote-debugging-pipe`` ChromeDriver waits 60 s for a Chrome that exited at start, and does not reap it.
    """
    import psutil  # needed only by a slow start

    try:
        states = [child.status() for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return False
    return bool(states) and all(state == psutil.STATUS_ZOMBIE for state in states)
