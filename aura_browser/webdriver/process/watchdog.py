"""Ends a browser whose time is up, that nobody waits for any more, or that died while it started."""

import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from aura_browser.webdriver.deadline import Deadline

_GLANCE_S: Final = 0.05


class Watchdog:
    """A thread beside a blocking driver call; it ends the call when that must not go on.

    Args:
        deadline: when to end it at the latest.
        end: ends it, whatever it is blocked in.
        is_lost: tells whether the call waits for what can't come any more.
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
        while not self._over.wait(_GLANCE_S):
            if self._deadline.is_overdue or self._is_lost():
                self._end()
                return


def end_group(pid: int) -> None:
    """Kill the process group that *pid* leads, if it is still there."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # macOS says the latter of a group whose processes have ended and are not reaped


def all_children_ended(pid: int) -> bool:
    """Tell whether *pid* has children and all have ended.

    ChromeDriver waits 60 s for a Chrome that exited at start, and leaves it as a zombie meanwhile (measured with
    ``--remote-debugging-pipe``).
    """
    import psutil  # needed by few

    try:
        states = [child.status() for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return False
    return bool(states) and all(state == psutil.STATUS_ZOMBIE for state in states)
