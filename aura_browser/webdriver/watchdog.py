"""Ends a browser whose time is up, that nobody waits for any more, or that died while it started."""

import os
import signal
import threading
import time
from types import TracebackType
from typing import Final, Self

import psutil

_GLANCE_S: Final = 0.05


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
    """

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._over = threading.Event()
        self._launched = threading.Event()
        self._has_child = False
        self._pid: int | None = None
        self._thread = threading.Thread(target=self._watch, name="aura-browser-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def guard(self, pid: int) -> None:
        """Guard the process group of ChromeDriver, whose process id this is."""
        self._pid = pid

    def launched(self) -> None:
        """Take note that Chrome is up: from now on ChromeDriver itself notices its end at once."""
        self._launched.set()

    def _watch(self) -> None:
        while not self._over.wait(_GLANCE_S):
            if self._pid is not None and (self._deadline.left_s <= 0 or self._died_at_start(self._pid)):
                end_group(self._pid)
                return

    def _died_at_start(self, pid: int) -> bool:
        if self._launched.is_set():
            return False
        had_child, self._has_child = self._has_child, _has_live_child(pid)
        return had_child and not self._has_child


def end_group(pid: int) -> None:
    """Kill the process group that *pid* leads, if it is still there."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _has_live_child(pid: int) -> bool:
    try:
        return any(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process(pid).children())
    except psutil.NoSuchProcess:
        return False
