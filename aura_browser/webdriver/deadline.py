"""The time limit of a harvest, shared by the code that blocks and the code that ends it."""

import threading
import time
from collections.abc import Callable
from typing import Final

_GRACE_S: Final = 2.0
_LOOK_EVERY_S: Final = 0.5
_NO_LIMIT_S: Final = 10 * 365 * 86_400.0


class Deadline:
    """The time at which blocking code must stop. Another thread can bring it forward.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._cancelled = threading.Event()
        self._has_ended: Callable[[], bool] = lambda: False

    def end_when(self, has_ended: Callable[[], bool]) -> None:
        """End the time as soon as *has_ended* returns True; that is looked at every half second at the latest."""
        self._has_ended = has_ended

    def lift(self) -> None:
        """Set no time limit any more: what was opened in time stays open. It can still be cancelled."""
        self._end = time.monotonic() + _NO_LIMIT_S

    @property
    def left_s(self) -> float:
        """Seconds left; 0 once the deadline has passed or was cancelled."""
        return 0.0 if self.is_cancelled else max(0.0, self._end - time.monotonic())

    @property
    def is_overdue(self) -> bool:
        """Whether code that checks the deadline itself should have stopped by now."""
        return self.is_cancelled or time.monotonic() > self._end + _GRACE_S

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called, or the time has ended with something else."""
        return self._cancelled.is_set() or self._has_ended()

    def cancel(self) -> None:
        """End the time now."""
        self._cancelled.set()

    def wait(self, seconds: float) -> None:
        """Sleep for *seconds*, but not past the deadline."""
        until = time.monotonic() + seconds
        while (left := min(until - time.monotonic(), self.left_s)) > 0:
            self._cancelled.wait(min(left, _LOOK_EVERY_S))
