"""Ends a browser whose time is up, that nobody waits for any more, or that died while it started."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import psutil

_GLANCE_S: Final = 0.05
_GRACE_S: Final = 2.0


class Deadline:
    """A point in time that blocking code stops at, and a way to bring it forward from another thread.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancelled = threading.Event()

    @property
    def left_s(self) -> float:
        """Seconds until it has come; 0 from then on."""
        return 0.0 if self._cancelled.is_set() else max(0.0, self._end - time.monotonic())

    @property
    def is_overdue(self) -> bool:
        """Whether code that keeps to the deadline by itself would have stopped by now."""
        return self._cancelled.is_set() or time.monotonic() > self._end + _GRACE_S

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Let it come now."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Wait so many seconds, or less if the deadline comes before."""
        self._cancelled.wait(min(seconds, self.left_s))


class Watchdog:
    """A thread beside a blocking driver call; it ends the driver's process group when the call must not go on.

    A driver call blocks until ChromeDriver answers, and that can be long after Chrome is gone: it waits 60 s for a
    Chrome that exited at start (measured with ``--remote-debugging-pipe``). Ending the driver ends the call.

    Args:
        deadline: when to end it at the latest.
        pid: returns ChromeDriver's process id, which is its group's too, or None before it is started.
    """

    def __init__(self, deadline: Deadline, pid: Callable[[], int | None]) -> None:
        self._deadline = deadline
        self._pid = pid
        self._over = threading.Event()
        self._launched = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="aura-browser-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def launched(self) -> None:
        """Take note that Chrome is up: from now on ChromeDriver itself notices its end at once."""
        self._launched.set()

    def _watch(self) -> None:
        while not self._over.wait(_GLANCE_S):
            pid = self._pid()
            if pid is not None and (self._deadline.is_overdue or self._died_at_start(pid)):
                end_group(pid)
                return

    def _died_at_start(self, pid: int) -> bool:
        return not self._launched.is_set() and _all_children_ended(pid)


def end_group(pid: int) -> None:
    """Kill the process group that *pid* leads, if it is still there."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _all_children_ended(pid: int) -> bool:
    """Tell whether *pid* has children and all have ended; ChromeDriver leaves them as zombies while it waits."""
    try:
        states = [child.status() for child in psutil.Process(pid).children()]
    except psutil.NoSuchProcess:
        return False
    return bool(states) and all(state == psutil.STATUS_ZOMBIE for state in states)
